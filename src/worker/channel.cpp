// SPDX-License-Identifier: Apache-2.0
#include "worker/channel.hpp"

#include "base/crypto.hpp"
#include "worker/messages.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace restante::worker {

namespace {

tl::unexpected<Error> gone() {
  return fail(Reason::worker_died, "the other side of the channel has gone");
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail_errno(Reason::internal, "socketpair", errno);
  std::pair<UniqueFd, UniqueFd> out{UniqueFd(ends[0]), UniqueFd(ends[1])};
  // The kernel doubles what is asked and caps it at net.core.wmem_max; a packet fits whatever is granted,
  // because a unix socket accepts one as long as it is not over its budget before.
  const int room = static_cast<int>(4 * max_packet_bytes);
  for (int fd : ends) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  return out;
}

WorkerChannel::WorkerChannel(UniqueFd socket, ChannelLimits limits)
    : socket_(std::move(socket)), limits_(limits), buffer_(max_packet_bytes, '\0') {
}

WorkerChannel::Sent WorkerChannel::try_send(const std::string& packet, int fd) {
  for (;;) {
    ssize_t sent;
    if (fd < 0) {
      sent = ::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      iovec part{const_cast<char*>(packet.data()), packet.size()};
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
      sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (sent >= 0) return Sent::yes;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) return Sent::later;
    return Sent::gone;
  }
}

Result<void> WorkerChannel::send(std::string packet, UniqueFd fd) {
  if (packet.size() > max_packet_bytes)
    return fail(Reason::too_large, "the order is too large for a worker's channel");
  if (queue_.empty()) {
    const Sent sent = try_send(packet, fd.get());
    if (sent != Sent::later) {
      wipe(packet);
      if (sent == Sent::gone) return gone();
      return {};
    }
  }
  if (queue_.size() >= limits_.queued_packets || queued_bytes_ + packet.size() > limits_.queued_bytes) {
    wipe(packet);
    return fail(Reason::busy, "the other side of the channel does not take its packets");
  }
  queued_bytes_ += packet.size();
  queue_.push_back({std::move(packet), std::move(fd)});
  return {};
}

Result<void> WorkerChannel::flush() {
  while (!queue_.empty()) {
    auto& first = queue_.front();
    const Sent sent = try_send(first.packet, first.fd.get());
    if (sent == Sent::later) return {};
    if (sent == Sent::gone) return gone();
    queued_bytes_ -= first.packet.size();
    wipe(first.packet);
    queue_.pop_front();
  }
  return {};
}

Result<std::optional<Received>> WorkerChannel::receive() {
  // Room for two descriptors shows whether there is more than the one that may be.
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  for (;;) {
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return std::nullopt;
      return gone();
    }
    Received received;
    bool fits = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        UniqueFd owned(fd);
        if (received.fd)
          fits = false;
        else
          received.fd = std::move(owned);
      }
    }
    if (size == 0 && fits && !received.fd) return gone();
    if (!fits) return fail(Reason::malformed, "a packet is larger than allowed");
    received.packet.assign(buffer_.data(), static_cast<std::size_t>(size));
    std::memset(buffer_.data(), 0, static_cast<std::size_t>(size));
    return received;
  }
}

// ---- LoopChannel

struct LoopChannel::State : std::enable_shared_from_this<State> {
  State(const Executor& loop, UniqueFd socket, ChannelLimits limits)
      : channel(std::move(socket), limits), descriptor(loop, channel.fd()) {}
  ~State() { close(); }

  void close() {
    if (closed) return;
    closed = true;
    // `channel` owns the descriptor: asio only lets go of it, which also ends its waits.
    descriptor.release();
    ::shutdown(channel.fd(), SHUT_RDWR);
  }

  void flush_when_writable() {
    if (writing || closed || !channel.wants_write()) return;
    writing = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                          [self = shared_from_this()](boost::system::error_code error) {
                            self->writing = false;
                            if (error || self->closed) return;
                            if (!self->channel.flush()) return;  // the reader sees the end
                            self->flush_when_writable();
                          });
  }

  WorkerChannel channel;
  asio::posix::stream_descriptor descriptor;
  bool writing = false;
  bool closed = false;
};

LoopChannel::LoopChannel(Executor loop, UniqueFd socket, ChannelLimits limits)
    : state_(std::make_shared<State>(loop, std::move(socket), limits)) {
}

LoopChannel::~LoopChannel() {
  state_->close();
}

void LoopChannel::close() {
  state_->close();
}

Result<void> LoopChannel::send(std::string packet, UniqueFd fd) {
  if (state_->closed) return gone();
  auto sent = state_->channel.send(std::move(packet), std::move(fd));
  state_->flush_when_writable();
  return sent;
}

Task<Result<Received>> LoopChannel::receive() {
  auto state = state_;
  for (;;) {
    if (state->closed) co_return gone();
    auto received = state->channel.receive();
    if (!received) co_return fail(std::move(received.error()));
    if (received->has_value()) co_return std::move(**received);
    boost::system::error_code error;
    co_await state->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                          asio::redirect_error(asio::use_awaitable, error));
    const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (cancelled != asio::cancellation_type::none)
      throw boost::system::system_error(asio::error::operation_aborted);
  }
}

}  // namespace restante::worker
