// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/parser.hpp"
#include "http/server.hpp"
#include "http/stream.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace restante::http {

/// Bytes of large request bodies that are in memory, of all connections of a server.
using BodyMemory = std::atomic<std::uint64_t>;

/// Head and body of an answer that needs no connection of ours any more, in one piece. `status`: number and
/// words.
std::string whole_refusal(std::string_view status, const Error& error);

/// One client: reads a request, has it answered, writes the answer, again (pipelined requests wait their
/// turn). Made and owned by its loop; `run` ends when the connection does.
class Connection {
public:
  Connection(Executor loop, int socket, SslPtr ssl, Peer peer, Handler& handler, const ServerLimits& limits,
             const TrustsProxy& trusts_proxy, BodyMemory& body_memory);
  ~Connection() { release_body(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Task<void> run();
  bool greeted() const { return greeted_; }  ///< a whole request head has come
  std::function<void()> on_greeting;         ///< called once, on the loop, when it has

  Stream& stream() { return stream_; }
  /// No further request is read: closes now if none is under way, else after its answer.
  void finish_up();
  /// Ends the connection even where it waits for the next piece of a stream.
  void abandon();
  /// The same, and what the kernel has not sent yet is dropped.
  void cut();
  /// A stream is being sent to a client that is no longer there.
  bool is_deserted() const { return streaming_ && stream_.peer_is_gone(); }
  /// The right to the body that is being sent was taken away.
  bool is_barred() const { return may_go_on_ && !may_go_on_(); }

private:
  enum class Got { request, refused, ended };

  Task<Got> read_head();
  Task<Got> read_body();
  Task<Got> read_chunks(std::uint64_t limit);
  Task<bool>
  fill();  ///< more bytes into the buffer; false: the peer has ended, or the buffer is at its limit
  Task<Response> answer();
  Task<bool> send(Response response, bool head_only);
  Task<bool> send_stream(StreamBody body, bool chunked);
  Task<bool> send_long(Response response, bool chunked);  ///< a file or a stream
  Task<bool> send_parts(FileBody body);
  Got refuse(int status, std::string message);
  Got no_more(const char* what);

  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  void set_deadline(std::chrono::seconds time);
  /// `bytes` of a body are there: counts its memory and renews the deadline. False: all have too much.
  bool body_has(std::size_t bytes);
  void release_body();

  Stream stream_;
  Peer peer_;
  Handler& handler_;
  const ServerLimits& limits_;
  const TrustsProxy& trusts_proxy_;
  BodyMemory& body_memory_;
  std::uint64_t counted_ = 0;  ///< of this connection in body_memory_
  Stream::TimePoint body_since_;
  RequestParser parser_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::string out_;  ///< head of the answer, kept for its capacity
  Response refusal_;
  std::function<bool()> may_go_on_;  ///< of the body that is being sent
  bool keep_ = true, idle_ = true, finishing_ = false, first_ = true, streaming_ = false, greeted_ = false;
  asio::cancellation_signal stop_stream_;
};

}  // namespace restante::http
