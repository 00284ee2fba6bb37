// SPDX-License-Identifier: Apache-2.0
#include "transfer/small_request.hpp"

#include "base/crypto.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace restante::transfer {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// For the rest of an answer whose head is there; it changes nothing.
constexpr std::chrono::seconds drain_time{2};

}  // namespace

SmallRequestRun::SmallRequestRun(const Limits& limits, std::uint32_t id, net::SmallRequest request, Ways ways)
    : limits_(limits),
      id_(id),
      request_(std::move(request)),
      ways_(std::move(ways)),
      end_(SteadyClock::now() + request_.deadline),
      reader_(HeaderReader::Limits{limits.header_bytes, limits.header_lines, limits.interim_answers}) {
}

SmallRequestRun::~SmallRequestRun() {
  handle_.reset();  // libcurl holds the body until here
  wipe(request_.body);
  for (auto& [name, value] : request_.headers) wipe(value);
}

void SmallRequestRun::begin() {
  auto url = net::check(request_);
  if (!url) return finish(fail(std::move(url.error())));
  url_ = std::move(*url);
  phase_ = Phase::resolving;
  ways_.send(worker::Resolve{id_, 1, url_.scheme, url_.host, url_.port});
}

void SmallRequestRun::on_resolved(worker::Resolved answer) {
  if (phase_ != Phase::resolving) return;
  if (answer.refused) return finish(fail(std::move(*answer.refused)));
  addresses_ = std::move(answer.addresses);
  addresses_.resize(std::min(addresses_.size(), limits_.addresses));
  if (addresses_.empty()) return finish(fail(Reason::dns, url_.host + " has no address"));
  phase_ = Phase::running;
  send();
}

void SmallRequestRun::send() {
  net::CurlOptions options;
  options.url = url_.text;
  options.method = request_.method;
  for (const auto& [name, value] : request_.headers) options.header_lines.push_back(name + ": " + value);
  options.header_lines.emplace_back("User-Agent: Restante/" RESTANTE_VERSION);
  options.header_lines.emplace_back("Accept-Encoding: identity");
  if (request_.method != "GET") options.body = &request_.body;
  options.connect_address = addresses_[address_];
  options.connect_port = url_.port;
  options.connect_time = std::min(limits_.connect_time, request_.deadline);
  options.fresh = true;
  handle_ = ways_.start(options, *this);
  handle_->forbid_reuse();
  for (std::string& line : options.header_lines) wipe(line);
}

int SmallRequestRun::open_socket(int family, int socktype, const sockaddr* address, socklen_t length) {
  return ways_.open_socket(family, socktype, address, length);
}

net::CurlEvents::Taken SmallRequestRun::on_header(std::string_view line) {
  const auto step = reader_.line(line);
  if (step == HeaderReader::Step::complete) head_ = SteadyClock::now();
  malformed_ = step == HeaderReader::Step::malformed || step == HeaderReader::Step::too_much;
  return malformed_ ? Taken::abort : Taken::all;
}

net::CurlEvents::Taken SmallRequestRun::on_body(std::string_view bytes) {
  body_ += bytes.substr(0, request_.answer_bytes - body_.size());
  body_bytes_ += bytes.size();
  return body_bytes_ <= limits_.evidence_bytes ? Taken::all : Taken::abort;
}

net::SmallAnswer SmallRequestRun::answer() const {
  net::SmallAnswer out;
  out.status = reader_.block().status;
  out.retry_after =
      parse_retry_after(reader_.block().first("retry-after"), SystemClock().now(), limits_.retry_after);
  out.body = body_;
  return out;
}

Error SmallRequestRun::no_answer(const net::CurlEnd& end) const {
  const std::string& host = url_.host;
  switch (end.ending) {
    case net::CurlEnding::not_connected:
      if (end.os_errno == EACCES || end.os_errno == EPERM)
        return fail(Reason::address, "connecting to " + host + " is not permitted").value();
      return fail(Reason::unreachable, "no connection to " + host).value();
    case net::CurlEnding::connect_timeout:
      return fail(Reason::timeout, "no connection to " + host + " in time").value();
    case net::CurlEnding::tls_untrusted:
    case net::CurlEnding::tls_failed:
    case net::CurlEnding::tls_refused_us:
    case net::CurlEnding::bad_certificate:
      return fail(Reason::tls, host + ": " + end.text).value();
    case net::CurlEnding::nothing:
    case net::CurlEnding::cut:
    case net::CurlEnding::finished:
      return fail(Reason::incomplete, host + " closed the connection without an answer").value();
    default:
      return fail(Reason::malformed, host + " gave an answer that is not HTTP").value();
  }
}

void SmallRequestRun::on_end(const net::CurlEnd& end) {
  handle_.reset();
  if (head_ && !malformed_) return finish(answer());
  const bool connecting =
      end.ending == net::CurlEnding::not_connected || end.ending == net::CurlEnding::connect_timeout;
  const bool judged = end.os_errno == EACCES || end.os_errno == EPERM;
  if (connecting && !judged && address_ + 1 < addresses_.size() && SteadyClock::now() < end_) {
    ++address_;
    return send();
  }
  finish(fail(no_answer(end)));
}

void SmallRequestRun::on_tick(TimePoint now) {
  if (finished()) return;
  if (head_ && now - *head_ > drain_time) {
    handle_.reset();
    return finish(answer());
  }
  if (now < end_) return;
  handle_.reset();
  if (head_) return finish(answer());
  finish(fail(Reason::timeout, (url_.host.empty() ? "the host" : url_.host) + " did not answer in time"));
}

void SmallRequestRun::stop() {
  if (finished()) return;
  handle_.reset();
  finish(fail(Reason::cancelled, "the request was stopped"));
}

void SmallRequestRun::finish(Result<net::SmallAnswer> result) {
  if (finished()) return;
  phase_ = Phase::finished;
  worker::Answered answered;
  answered.transfer = id_;
  if (result)
    answered.answer = std::move(*result);
  else
    answered.failure = std::move(result.error());
  ways_.send(std::move(answered));
}

}  // namespace restante::transfer
