// SPDX-License-Identifier: Apache-2.0
#include "worker/connector_thread.hpp"

#include "worker/messages.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace restante::worker {

namespace {

bool answer(int channel, const ConnectAnswer& answer, int fd) {
  iovec part{const_cast<ConnectAnswer*>(&answer), sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent;
  // The worker asks one thing at a time, so there is room, unless it means harm.
  do sent = ::sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof answer);
}

}  // namespace

ConnectorThread::ConnectorThread(UniqueFd channel, std::shared_ptr<const net::Connector> connector)
    : channel_(std::move(channel)), connector_(std::move(connector)), thread_([this] { serve(); }) {
}

ConnectorThread::~ConnectorThread() {
  ::shutdown(channel_.get(), SHUT_RDWR);
  thread_.join();
}

void ConnectorThread::serve() {
  for (;;) {
    ConnectRequest request;
    // MSG_TRUNC: the true size of the packet. Descriptors that come along are dropped by the kernel.
    const ssize_t size = ::recv(channel_.get(), &request, sizeof request, MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size != static_cast<ssize_t>(sizeof request) || request.address_length > sizeof request.address)
      break;
    sockaddr_storage address{};
    std::memcpy(&address, request.address, std::min<std::size_t>(request.address_length, sizeof address));
    auto opened =
        connector_->open(request.transfer, request.socktype, reinterpret_cast<const sockaddr&>(address),
                         request.address_length, request.part);
    if (!answer(channel_.get(), {request.sequence, opened.error}, opened.fd.get())) break;
  }
  ::shutdown(channel_.get(), SHUT_RDWR);
}

}  // namespace restante::worker
