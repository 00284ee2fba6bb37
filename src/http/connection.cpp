// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

#include "base/log.hpp"
#include "http/forwarded.hpp"
#include "http/head.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <sys/socket.h>
#include <utility>

namespace restante::http {

namespace {

constexpr const char* late_body = "the request's body did not come in time";
constexpr std::size_t first_buffer_bytes = 4096;
constexpr std::size_t body_piece_bytes = 16u << 10;  ///< a body's memory grows with what has arrived
constexpr std::size_t joined_bytes = 16u << 10;      ///< TLS: head and body in one record up to this
constexpr std::size_t linger_bytes = 1u << 20;       ///< dropped after a refusal so that it can be read
constexpr std::chrono::seconds linger_time{2};
constexpr std::string_view too_many_bodies = "too much is being sent to this server at once";

Response refusal_response(int status, std::string message) {
  Response response = problem(Error{Reason::invalid, std::move(message), {}, {}, false});
  if (status == 413)
    response = problem(Error{Reason::too_large, "the request's body is too large", {}, {}, false});
  if (status == 421) response = problem(Error{Reason::misdirected, std::move(message), {}, {}, false});
  if (status == 503)
    response = problem(Error{Reason::busy, std::move(message), "try again in a moment", {}, true});
  if (status == 405) response = problem(Error{Reason::method, "this server is no proxy", {}, {}, false});
  response.status = status;
  response.close = true;
  return response;
}

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string whole_refusal(std::string_view status, const Error& error) {
  std::string body = std::get<std::string>(problem(error).body);
  const std::string_view member = "\"status\":";
  if (const auto at = body.find(member); at != std::string::npos)
    body.replace(at + member.size(), 3, status.substr(0, 3));  // a reason may have another one of its own
  std::string out("HTTP/1.1 ");
  out.append(status).append("\r\nContent-Type: application/problem+json\r\nContent-Length: ");
  return out + std::to_string(body.size()) + "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" + body;
}

Connection::Connection(Executor loop, int socket, SslPtr ssl, Peer peer, Handler& handler,
                       const ServerLimits& limits, const TrustsProxy& trusts_proxy, BodyMemory& body_memory)
    : stream_(std::move(loop), socket, std::move(ssl)),
      peer_(std::move(peer)),
      handler_(handler),
      limits_(limits),
      trusts_proxy_(trusts_proxy),
      body_memory_(body_memory),
      parser_(limits.header_bytes, limits.header_lines) {
  set_deadline(limits.head_time);
}

void Connection::set_deadline(std::chrono::seconds time) {
  stream_.deadline = std::chrono::steady_clock::now() + time;
}

bool Connection::body_has(std::size_t bytes) {
  const auto pace = std::chrono::seconds(bytes / std::max<std::uint64_t>(limits_.slowest_body, 1));
  stream_.deadline = std::min(std::chrono::steady_clock::now(), body_since_ + pace) + limits_.body_time;
  if (bytes <= limits_.small_body_bytes || bytes <= counted_) return true;
  const std::uint64_t more = bytes - counted_;
  counted_ = bytes;
  return body_memory_.fetch_add(more) + more <= limits_.large_bodies_bytes;
}

void Connection::release_body() {
  body_memory_ -= std::exchange(counted_, 0);
}

void Connection::finish_up() {
  finishing_ = true;
  if (idle_ || streaming_) abandon();
}

void Connection::abandon() {
  stream_.expire();
  if (streaming_) stop_stream_.emit(asio::cancellation_type::all);
}

void Connection::cut() {
  const linger at_once{1, 0};
  ::setsockopt(stream_.socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  abandon();
}

void Connection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

Task<bool> Connection::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (end_ >= limits_.header_bytes) co_return false;
    buffer_.resize(std::min(std::max(first_buffer_bytes, end_ * 2), limits_.header_bytes));
  }
  const std::size_t got = co_await stream_.read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  co_return got > 0;
}

Connection::Got Connection::refuse(int status, std::string message) {
  refusal_ = refusal_response(status, std::move(message));
  return Got::refused;
}

/// Nothing more came: the client is gone, or it was too slow and is told so, if it still takes that.
Connection::Got Connection::no_more(const char* what) {
  if (std::chrono::steady_clock::now() < stream_.deadline) return Got::ended;
  const Error error{Reason::timeout, what, "send the whole request sooner", {}, true};
  stream_.last_word(whole_refusal("408 Request Timeout", error));
  return Got::ended;
}

Task<Connection::Got> Connection::read_head() {
  parser_.reset();
  idle_ = unread().empty();
  if (idle_ && finishing_) co_return Got::ended;
  if (idle_ && !first_) set_deadline(limits_.idle_time);
  if (!idle_) set_deadline(limits_.head_time);
  first_ = false;
  for (;;) {
    std::size_t used = 0;
    const auto progress = parser_.head(unread(), used);
    consume(used);
    if (progress == RequestParser::Progress::ready) co_return Got::request;
    if (progress == RequestParser::Progress::refused)
      co_return refuse(parser_.refusal().status, parser_.refusal().message);
    if (!co_await fill()) co_return idle_ ? Got::ended : no_more("the request's head did not come in time");
    if (std::exchange(idle_, false)) set_deadline(limits_.head_time);
  }
}

Task<Connection::Got> Connection::read_body() {
  Request& request = parser_.request();
  const std::uint64_t length = parser_.content_length();
  if (length == 0 && !parser_.is_chunked()) co_return Got::request;
  request.peer = peer_behind(peer_, request, trusts_proxy_);
  const std::uint64_t limit = handler_.body_limit(request);
  if (length > limit) co_return refuse(413, {});
  set_deadline(limits_.body_time);
  body_since_ = std::chrono::steady_clock::now();
  if (parser_.expects_continue() && unread().empty()) {
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string_view nothing;
    if (!co_await stream_.write(go_on, nothing, false, limits_.body_time)) co_return Got::ended;
  }
  if (parser_.is_chunked()) co_return co_await read_chunks(limit);

  request.body.assign(unread().substr(0, length));
  consume(request.body.size());
  while (request.body.size() < length) {
    const std::size_t have = request.body.size();
    const std::size_t room = std::min<std::uint64_t>(length - have, std::max(body_piece_bytes, have));
    request.body.resize(have + room);
    const std::size_t got = co_await stream_.read(request.body.data() + have, room);
    request.body.resize(have + got);
    if (got == 0) co_return no_more(late_body);
    if (!body_has(request.body.size())) co_return refuse(503, std::string(too_many_bodies));
  }
  co_return Got::request;
}

Task<Connection::Got> Connection::read_chunks(std::uint64_t limit) {
  for (;;) {
    std::size_t used = 0;
    const auto progress = parser_.chunked(unread(), used, limit);
    consume(used);
    if (progress == RequestParser::Progress::ready) co_return Got::request;
    if (progress == RequestParser::Progress::refused)
      co_return refuse(parser_.refusal().status, parser_.refusal().message);
    if (end_ - begin_ >= limits_.header_bytes)
      co_return refuse(400, "the request's chunk header or trailer is too large");
    if (!body_has(parser_.request().body.size())) co_return refuse(503, std::string(too_many_bodies));
    if (!co_await fill()) co_return no_more(late_body);
  }
}

Task<Response> Connection::answer() {
  stream_.deadline = Stream::TimePoint::max();
  Request request = std::move(parser_.request());
  request.peer = peer_behind(peer_, request, trusts_proxy_);
  // The rest may hold a secret.
  const std::string path = request.path.substr(0, request.path.find('/', 1));
  try {
    co_return co_await handler_.handle(std::move(request));
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    log::error("http: {}: {}", path, error.what());
  } catch (const std::exception& error) {
    log::error("http: {}: {}", path, error.what());
  }
  co_return problem(Error{Reason::internal, {}, {}, {}, true}, path);
}

Task<bool> Connection::send(Response response, bool head_only) {
  const bool bodiless = !has_body(response.status);
  auto* stream = std::get_if<StreamBody>(&response.body);
  auto* file = std::get_if<FileBody>(&response.body);
  auto* text = std::get_if<std::string>(&response.body);

  Framing framing;
  framing.http_1_0 = parser_.http_1_0();
  if (!bodiless) {
    if (text != nullptr) framing.content_length = text->size();
    if (file != nullptr) framing.content_length = file->length();
    if (stream != nullptr) framing.chunked = !framing.http_1_0;
  }
  // Without a length HTTP/1.0 knows the end of a body only by the end of the connection.
  if (stream != nullptr && framing.http_1_0) keep_ = false;
  if (response.close || finishing_) keep_ = false;
  framing.keep_alive = keep_;

  out_.clear();
  append_head(out_, response, framing);
  const bool send_body = !bodiless && !head_only;
  std::string_view body;
  if (send_body && text != nullptr) {
    body = *text;
    if (peer_.tls && body.size() <= joined_bytes) {
      out_ += body;
      body = {};
    }
  }
  const bool more = send_body && file != nullptr && file->length() > 0;
  if (!co_await stream_.write(out_, body, more, limits_.write_time)) co_return false;
  if (!send_body || text != nullptr) co_return true;
  may_go_on_ = std::move(response.may_go_on);
  const auto on_file_sent = std::move(response.on_file_sent);
  const std::uint64_t before = stream_.file_bytes_sent;
  const bool sent = co_await send_long(std::move(response), framing.chunked);
  may_go_on_ = nullptr;
  if (on_file_sent) on_file_sent(stream_.file_bytes_sent - before);
  co_return sent;
}

Task<bool> Connection::send_long(Response response, bool chunked) {
  if (auto* file = std::get_if<FileBody>(&response.body)) co_return co_await send_parts(std::move(*file));
  co_return co_await send_stream(std::get<StreamBody>(std::move(response.body)), chunked);
}

Task<bool> Connection::send_parts(FileBody body) {
  const std::string_view nothing;
  for (const auto& part : body.parts) {
    if (!part.before.empty() && !co_await stream_.write(part.before, nothing, true, limits_.write_time))
      co_return false;
    if (part.length > 0 &&
        !co_await stream_.send_file(body.fd->get(), part.offset, part.length, limits_.write_time))
      co_return false;
  }
  if (!body.after.empty()) co_return co_await stream_.write(body.after, nothing, false, limits_.write_time);
  co_return true;
}

Task<bool> Connection::send_stream(StreamBody body, bool chunked) {
  std::string piece;
  const auto loop = co_await asio::this_coro::executor;
  for (;;) {
    stream_.deadline = Stream::TimePoint::max();
    // Started with a cancellation slot of its own, so that a client that goes away ends the wait.
    auto piece_made = asio::bind_cancellation_slot(stop_stream_.slot(), asio::use_awaitable);
    auto make_piece = body.next();
    streaming_ = true;
    std::optional<std::string> next = co_await asio::co_spawn(loop, std::move(make_piece), piece_made);
    streaming_ = false;
    if (!next) break;
    if (next->empty()) continue;
    piece.clear();
    if (chunked) {
      char digits[16];
      piece.append(digits, std::to_chars(digits, digits + sizeof digits, next->size(), 16).ptr);
      piece += "\r\n";
      *next += "\r\n";
    }
    if (!co_await stream_.write(piece, *next, false, limits_.write_time)) co_return false;
  }
  if (!chunked) co_return true;
  const std::string_view end = "0\r\n\r\n";
  const std::string_view nothing;
  co_return co_await stream_.write(end, nothing, false, limits_.write_time);
}

Task<void> Connection::run() {
  if (!co_await stream_.handshake()) co_return;
  for (;;) {
    Got got = co_await read_head();
    if (got == Got::ended) co_return;
    if (!std::exchange(greeted_, true) && on_greeting) on_greeting();
    if (got == Got::request) got = co_await read_body();
    if (got == Got::ended) co_return;
    if (got == Got::refused) parser_.request().body = {};
    keep_ = got == Got::request && parser_.keep_alive();
    const bool head_only = parser_.request().method == "HEAD";
    Response response = got == Got::refused ? std::move(refusal_) : co_await answer();
    const bool sent = co_await send(std::move(response), head_only);
    release_body();
    if (!sent) co_return;
    if (!keep_) {
      stream_.deadline = std::chrono::steady_clock::now() + linger_time;
      co_await stream_.finish(got == Got::refused || !unread().empty() ? linger_bytes : 0);
      co_return;
    }
  }
}

}  // namespace restante::http
