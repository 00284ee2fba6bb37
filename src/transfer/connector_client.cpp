// SPDX-License-Identifier: Apache-2.0
#include "transfer/connector_client.hpp"

#include "worker/messages.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>

namespace restante::transfer {

namespace {

/// One answer and its descriptor; false: none now, `errno` says why.
bool receive(int channel, worker::ConnectAnswer& answer, UniqueFd& fd) {
  iovec part{&answer, sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  const int error = errno;
  for (cmsghdr* header = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr; header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(header), sizeof received);
    fd.reset(received);
  }
  errno = size < 0 ? error : ENOTCONN;
  return size == static_cast<ssize_t>(sizeof answer);
}

}  // namespace

int ConnectorClient::open(std::uint32_t transfer, std::uint32_t part, int family, int socktype,
                          const sockaddr* address, socklen_t length) {
  worker::ConnectRequest request;
  if (length > sizeof request.address) return -EINVAL;
  request.sequence = ++sequence_;
  request.transfer = transfer;
  request.part = part;
  request.family = family;
  request.socktype = socktype;
  request.address_length = length;
  std::memcpy(request.address, address, length);
  if (::send(channel_.get(), &request, sizeof request, MSG_NOSIGNAL) != ssize_t(sizeof request))
    return -ENOTCONN;

  const auto until = std::chrono::steady_clock::now() + patience_;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return -ETIMEDOUT;
    pollfd wanted{channel_.get(), POLLIN, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(left.count()));
    if (ready <= 0) continue;
    worker::ConnectAnswer answer;
    UniqueFd fd;
    if (!receive(channel_.get(), answer, fd)) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return -ENOTCONN;
    }
    if (answer.sequence != request.sequence) continue;  // late: its descriptor is closed here
    if (answer.error != 0) return -answer.error;
    return fd ? fd.release() : -EBADF;
  }
}

}  // namespace restante::transfer
