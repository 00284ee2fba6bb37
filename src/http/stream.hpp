// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/task.hpp"
#include "http/tls.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace restante::http {

/// A connected socket (TCP, Unix, either under TLS) with coroutine reads and writes: the system call first, a
/// wait only when it would block. Every wait ends at `deadline`, which the owner of the loop enforces by
/// calling `expire`. Lives on one loop.
class Stream {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Stream(Executor loop, int socket, SslPtr ssl);

  Task<bool> handshake();
  /// Bytes read; 0 when the peer has ended or the connection is broken or expired.
  Task<std::size_t> read(char* to, std::size_t size);
  /// All of it, extending the deadline by `patience` whenever the peer takes bytes. False: broken.
  /// `more` says that further bytes follow at once (MSG_MORE).
  Task<bool> write(std::string_view head, std::string_view body, bool more, TimePoint::duration patience);
  /// `length` bytes of a file from `offset`, by sendfile(2) or, under TLS, by pread(2).
  Task<bool> send_file(int file, std::uint64_t offset, std::uint64_t length, TimePoint::duration patience);
  /// Ends our side. What the peer still sends, up to so many bytes, is read and dropped, so that it sees our
  /// answer and no reset.
  Task<void> finish(std::size_t drop_bytes);

  /// As much of it as the kernel takes at once, also when everything has expired; nothing over TLS.
  void last_word(std::string_view text);

  TimePoint deadline = TimePoint::max();
  std::uint64_t file_bytes_sent = 0;  ///< by send_file, in all
  void expire();                      ///< ends every wait, now and later
  bool peer_is_gone() const;          ///< the peer has closed or reset, as far as the kernel knows
  int socket() { return socket_.native_handle(); }

private:
  enum class Step { done, want_read, want_write, broken };
  Task<bool> wait(Step what);
  Step step(int result);  ///< what an SSL_* call's result asks for
  Task<bool> send_plain(std::string_view head, std::string_view body, bool more,
                        TimePoint::duration patience);
  Task<bool> send_tls(std::string_view bytes, TimePoint::duration patience);

  mutable asio::posix::stream_descriptor socket_;
  SslPtr ssl_;
  bool expired_ = false;
};

}  // namespace restante::http
