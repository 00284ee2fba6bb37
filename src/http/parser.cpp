// SPDX-License-Identifier: Apache-2.0
#include "http/parser.hpp"

#include "base/text.hpp"
#include "http/target.hpp"

// The only file with Beast in it, so its parser is compiled here instead of in a part of its own.
#undef BOOST_BEAST_SEPARATE_COMPILATION
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace restante::http {

namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;

struct Facts {
  Request request;
  Refusal refusal;
  std::size_t fields = 0, hosts = 0, lengths = 0, encodings = 0;
  bool chunked = false, length_given = false, expects_continue = false, keep_alive = true, http_1_0 = false;
  std::uint64_t content_length = 0;
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Beast reads the wire format; what it finds goes straight into our own Request.
class Parser final : public beast::http::basic_parser<true> {
public:
  Parser(Facts& facts, std::size_t header_count) : facts_(facts), header_count_(header_count) {}

  bool head_done = false;

private:
  void refuse(int status, std::string message, ErrorCode& ec) {
    facts_.refusal = {status, std::move(message)};
    ec = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version,
                       ErrorCode&) override {
    facts_.request.method.assign(method.data(), method.size());
    facts_.request.target.assign(target.data(), target.size());
    facts_.http_1_0 = version < 11;
  }
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}

  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                     ErrorCode& ec) override {
    if (head_done) return;  // a trailer (RFC 9110 §6.5.1: may be discarded)
    using beast::http::field::content_length;
    if (++facts_.fields > header_count_) return refuse(431, "the request has too many header lines", ec);
    const std::string_view text(value.data(), value.size());
    switch (field) {
      case beast::http::field::host:
        // RFC 9112 §3.2 says 400; whoever asks for two places is told what whoever asks for another one is.
        if (++facts_.hosts > 1) return refuse(421, "the request has two Host lines", ec);
        break;
      case beast::http::field::content_length:
        facts_.length_given = true;
        if (++facts_.lengths > 1 || !all_digits(text))
          return refuse(400, "the request's Content-Length is not one number", ec);
        break;
      case beast::http::field::transfer_encoding:
        if (++facts_.encodings > 1 || !iequals(text, "chunked"))
          return refuse(400, "the request's Transfer-Encoding is not \"chunked\"", ec);
        break;
      case beast::http::field::expect:
        if (!iequals(text, "100-continue")) return refuse(417, "the request expects something unknown", ec);
        facts_.expects_continue = true;
        break;
      default:
        break;
    }
    facts_.request.headers.emplace_back(std::string(name.data(), name.size()), std::string(text));
  }

  void on_header_impl(ErrorCode&) override { head_done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(beast::string_view body, ErrorCode&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, ErrorCode&) override {
    facts_.request.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  Facts& facts_;
  std::size_t header_count_;
};

/// A line of the head that begins with white space: obs-fold, refused by RFC 9112 §5.2.
bool folded(std::string_view head) {
  return head.find("\n ") != std::string_view::npos || head.find("\n\t") != std::string_view::npos;
}

}  // namespace

struct RequestParser::Impl {
  std::size_t header_bytes, header_count;
  Facts facts;
  std::optional<Parser> parser;
  std::size_t scanned = 0;  ///< of the head: no end of it begins before
  bool body_begun = false, chunk_seen = false;

  Progress refuse(int status, std::string message) {
    if (facts.refusal.message.empty()) facts.refusal = {status, std::move(message)};
    return Progress::refused;
  }
  Progress check_head();
};

RequestParser::RequestParser(std::size_t header_bytes, std::size_t header_count)
    : impl_(std::make_unique<Impl>()) {
  impl_->header_bytes = header_bytes;
  impl_->header_count = header_count;
  reset();
}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  impl_->facts = Facts{};
  impl_->body_begun = impl_->chunk_seen = false;
  impl_->scanned = 0;
  impl_->facts.request.headers.reserve(16);
  impl_->parser.emplace(impl_->facts, impl_->header_count);
  impl_->parser->header_limit(static_cast<std::uint32_t>(impl_->header_bytes + 1));
  impl_->parser->body_limit(boost::none);
}

RequestParser::Progress RequestParser::head(std::string_view input, std::size_t& used) {
  used = 0;
  // RFC 9112 §2.2: empty lines before a request line are skipped.
  while (input.substr(used).starts_with("\r\n")) used += 2;
  const std::string_view rest = input.substr(used);
  if (rest.empty() || rest == "\r") return Progress::need_more;
  // Something else than HTTP (a TLS hello) is told at once, not when the time for a head is over.
  if (rest.front() <= ' ' || rest.front() >= 0x7f) return impl_->refuse(400, "the request is not HTTP/1.1");
  // The parser sees the head only whole, so that its size is limited as a whole.
  const auto end =
      rest.find("\r\n\r\n", std::exchange(impl_->scanned, rest.size() < 3 ? 0 : rest.size() - 3));
  if (end == std::string_view::npos ? rest.size() >= impl_->header_bytes : end + 4 > impl_->header_bytes)
    return impl_->refuse(
        431, "the request's head is larger than " + std::to_string(impl_->header_bytes) + " bytes");
  if (end == std::string_view::npos) return Progress::need_more;
  ErrorCode ec;
  const std::size_t parsed = impl_->parser->put({rest.data(), end + 4}, ec);
  if (ec) return impl_->refuse(400, "the request is not HTTP/1.1: " + ec.message());
  if (folded(rest.substr(0, parsed))) return impl_->refuse(400, "the request has a folded header line");
  used += parsed;
  return impl_->check_head();
}

RequestParser::Progress RequestParser::Impl::check_head() {
  facts.chunked = facts.encodings > 0;
  if (facts.chunked && facts.length_given)
    return refuse(400, "the request has both Content-Length and Transfer-Encoding");
  if (facts.chunked && facts.http_1_0)
    return refuse(400, "the request has a Transfer-Encoding, which HTTP/1.0 does not know");
  facts.keep_alive = parser->keep_alive();
  if (facts.length_given) facts.content_length = parser->content_length().value_or(0);
  if (facts.http_1_0) facts.expects_continue = false;

  if (facts.request.method == "CONNECT") return refuse(405, "this server is not a proxy for connections");
  auto target = parse_target(facts.request.target);
  if (!target) return refuse(400, std::move(target.error().message));
  if (target->path == "*" && facts.request.method != "OPTIONS")
    return refuse(400, "the address * is for OPTIONS only");
  if (facts.hosts == 0 && !facts.http_1_0) return refuse(400, "the request has no Host line");
  if (facts.hosts == 1 && !valid_host(facts.request.header("Host")))
    return refuse(400, "the request's Host line is not a host");
  if (!target->authority.empty()) {
    // RFC 9112 §3.2.2: the absolute form's host counts, not the Host line.
    std::erase_if(facts.request.headers, [](const auto& line) { return iequals(line.first, "Host"); });
    facts.request.headers.emplace_back("Host", std::move(target->authority));
  }
  facts.request.path = std::move(target->path);
  facts.request.segments = std::move(target->segments);
  facts.request.query = std::move(target->query);
  return Progress::ready;
}

RequestParser::Progress RequestParser::chunked(std::string_view input, std::size_t& used,
                                               std::uint64_t limit) {
  impl_->parser->eager(true);
  if (!std::exchange(impl_->body_begun, true)) impl_->parser->body_limit(limit);
  used = 0;
  // Beast 1.81 has an assertion that fails when a body without content comes as "0\r\n" and then "\r": it
  // sees the beginning of the first chunk only together with as many bytes as every chunked body has.
  constexpr std::size_t shortest_body = 5;
  if (!impl_->chunk_seen && input.size() < shortest_body) return Progress::need_more;
  impl_->chunk_seen = true;
  while (!impl_->parser->is_done()) {
    ErrorCode ec;
    const std::size_t parsed = impl_->parser->put({input.data() + used, input.size() - used}, ec);
    used += parsed;
    if (ec == beast::http::error::need_more) return Progress::need_more;
    if (ec == beast::http::error::body_limit) return impl_->refuse(413, "the request's body is too large");
    if (ec) return impl_->refuse(400, "the request's chunks are not right: " + ec.message());
    if (used == input.size() && !impl_->parser->is_done()) return Progress::need_more;
  }
  return Progress::ready;
}

Request& RequestParser::request() {
  return impl_->facts.request;
}
const Refusal& RequestParser::refusal() const {
  return impl_->facts.refusal;
}
bool RequestParser::is_chunked() const {
  return impl_->facts.chunked;
}
std::uint64_t RequestParser::content_length() const {
  return impl_->facts.content_length;
}
bool RequestParser::expects_continue() const {
  return impl_->facts.expects_continue;
}
bool RequestParser::keep_alive() const {
  return impl_->facts.keep_alive;
}
bool RequestParser::http_1_0() const {
  return impl_->facts.http_1_0;
}

}  // namespace restante::http
