// SPDX-License-Identifier: Apache-2.0
#include "http/stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace restante::http {

namespace {

constexpr std::size_t sendfile_turn_bytes = 4u << 20;  ///< then other connections have their turn
constexpr std::size_t tls_piece_bytes = 256u << 10;

Stream::TimePoint now() {
  return std::chrono::steady_clock::now();
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

Stream::Stream(Executor loop, int socket, SslPtr ssl)
    : socket_(std::move(loop), socket), ssl_(std::move(ssl)) {
  if (ssl_) SSL_set_fd(ssl_.get(), socket);
}

Task<bool> Stream::wait(Step what) {
  if (expired_ || what == Step::broken) co_return false;
  boost::system::error_code error;
  const auto kind = what == Step::want_read ? asio::posix::stream_descriptor::wait_read
                                            : asio::posix::stream_descriptor::wait_write;
  co_await socket_.async_wait(kind, asio::redirect_error(asio::use_awaitable, error));
  co_return !error && !expired_;
}

Stream::Step Stream::step(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    default:
      ERR_clear_error();
      return Step::broken;
  }
}

Task<bool> Stream::handshake() {
  if (!ssl_) co_return true;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_.get());
    if (result == 1) co_return true;
    const Step next = step(result);
    if (!co_await wait(next)) co_return false;
  }
}

Task<std::size_t> Stream::read(char* to, std::size_t size) {
  for (;;) {
    if (expired_) co_return 0;
    Step next = Step::want_read;
    if (ssl_) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), to, static_cast<int>(std::min<std::size_t>(size, 1u << 30)));
      if (got > 0) co_return static_cast<std::size_t>(got);
      next = step(got);
    } else {
      const ssize_t got = ::recv(socket_.native_handle(), to, size, 0);
      if (got >= 0) co_return static_cast<std::size_t>(got);
      if (errno == EINTR) continue;
      if (!would_block(errno)) co_return 0;
    }
    if (!co_await wait(next)) co_return 0;
  }
}

Task<bool> Stream::write(std::string_view head, std::string_view body, bool more,
                         TimePoint::duration patience) {
  deadline = now() + patience;
  if (!ssl_) co_return co_await send_plain(head, body, more, patience);
  if (!head.empty() && !co_await send_tls(head, patience)) co_return false;
  if (!body.empty() && !co_await send_tls(body, patience)) co_return false;
  co_return true;
}

Task<bool> Stream::send_plain(std::string_view head, std::string_view body, bool more,
                              TimePoint::duration patience) {
  while (!head.empty() || !body.empty()) {
    if (expired_) co_return false;
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = head.empty() ? parts + 1 : parts;
    message.msg_iovlen = head.empty() || body.empty() ? 1 : 2;
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (!would_block(errno)) co_return false;
      const Step next = Step::want_write;
      if (!co_await wait(next)) co_return false;
      continue;
    }
    auto taken = static_cast<std::size_t>(sent);
    const std::size_t of_head = std::min(taken, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(taken - of_head);
    if (!head.empty() || !body.empty()) deadline = now() + patience;
  }
  co_return true;
}

Task<bool> Stream::send_tls(std::string_view bytes, TimePoint::duration patience) {
  while (!bytes.empty()) {
    if (expired_) co_return false;
    ERR_clear_error();
    const int sent =
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1u << 30)));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (!bytes.empty()) deadline = now() + patience;
      continue;
    }
    const Step next = step(sent);
    if (!co_await wait(next)) co_return false;
  }
  co_return true;
}

Task<bool> Stream::send_file(int file, std::uint64_t offset, std::uint64_t length,
                             TimePoint::duration patience) {
  deadline = now() + patience;
  auto executor = co_await asio::this_coro::executor;
  if (ssl_) {
    const auto piece = std::make_unique<char[]>(std::min<std::uint64_t>(tls_piece_bytes, length));
    while (length > 0) {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(tls_piece_bytes, length));
      const ssize_t got = ::pread(file, piece.get(), want, static_cast<off_t>(offset));
      if (got <= 0) co_return false;
      const std::string_view bytes(piece.get(), static_cast<std::size_t>(got));
      if (!co_await send_tls(bytes, patience)) co_return false;
      deadline = now() + patience;
      offset += bytes.size();
      length -= bytes.size();
      file_bytes_sent += bytes.size();
      if (length > 0) co_await asio::post(executor, asio::use_awaitable);
    }
    co_return true;
  }
  std::size_t turn = 0;
  while (length > 0) {
    if (expired_) co_return false;
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(sendfile_turn_bytes - turn, length));
    auto from = static_cast<off_t>(offset);
    const ssize_t sent = ::sendfile(socket_.native_handle(), file, &from, want);
    if (sent == 0) co_return false;  // the file is shorter than it was
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (!would_block(errno)) co_return false;
      const Step next = Step::want_write;
      if (!co_await wait(next)) co_return false;
      turn = 0;
      continue;
    }
    offset += static_cast<std::uint64_t>(sent);
    length -= static_cast<std::uint64_t>(sent);
    file_bytes_sent += static_cast<std::uint64_t>(sent);
    turn += static_cast<std::size_t>(sent);
    deadline = now() + patience;
    if (turn >= sendfile_turn_bytes && length > 0) {
      turn = 0;
      co_await asio::post(executor, asio::use_awaitable);
    }
  }
  co_return true;
}

Task<void> Stream::finish(std::size_t drop_bytes) {
  if (ssl_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  char dropped[1024];
  std::size_t total = 0;
  while (total < drop_bytes && !expired_) {
    const ssize_t got = ::recv(socket_.native_handle(), dropped, sizeof dropped, 0);
    if (got > 0) {
      total += static_cast<std::size_t>(got);
      continue;
    }
    if (got == 0 || (errno != EINTR && !would_block(errno))) co_return;
    const Step next = Step::want_read;
    if (!co_await wait(next)) co_return;
  }
}

void Stream::last_word(std::string_view text) {
  if (ssl_) return;
  static_cast<void>(!::send(socket_.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

void Stream::expire() {
  expired_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

bool Stream::peer_is_gone() const {
  char byte;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EINTR && !would_block(errno));
}

}  // namespace restante::http
