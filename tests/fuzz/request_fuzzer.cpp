// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "http/parser.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

// Requests to our own server, one after the other on a connection: whatever the packets are, what is read is
// the same.
namespace restante::fuzz {

namespace {

using http::RequestParser;
using Progress = http::RequestParser::Progress;

constexpr std::size_t header_bytes = 2048, header_count = 20;
constexpr std::uint64_t body_limit = 600;

void check_request(const http::Request& request, const RequestParser& parser) {
  for (const std::string& segment : request.segments) {
    check(segment != "." && segment != "..", "no segment climbs");
    check(segment.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos && is_utf8(segment),
          "a segment is the name of one thing");
  }
  check(request.path == "*" || request.path.starts_with('/'), "a path begins with a slash");
  int hosts = 0;
  for (const auto& [name, value] : request.headers) {
    hosts += iequals(name, "host") ? 1 : 0;
    check((name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
          "a header is one line");
  }
  check(hosts == 1 || (hosts == 0 && parser.http_1_0()), "a request has one host");
  check(!parser.is_chunked() || request.header("content-length").empty(), "a body has one length");
  check(request.bearer_token().find(' ') != 0, "a token does not begin with a space");
  for (const auto& [name, value] : request.query)
    check(request.query_value(name).has_value(), "a query is found");
}

/// One connection. Bytes come in; what was understood goes into a protocol of the conversation.
class Connection {
public:
  void receive(std::string_view bytes) {
    buffer_ += bytes;
    while (!ended_ && step()) {
    }
  }
  const std::string& protocol() const { return protocol_; }

private:
  /// Whether something was understood.
  bool step() {
    std::size_t used = 0;
    if (skip_ > 0) {
      const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, buffer_.size()));
      body_ += buffer_.substr(0, some);
      buffer_.erase(0, some);
      skip_ -= some;
      return skip_ == 0 && finish();
    }
    const auto progress =
        in_chunks_ ? parser_.chunked(buffer_, used, body_limit) : parser_.head(buffer_, used);
    check(used <= buffer_.size(), "no more is used than there is");
    buffer_.erase(0, used);
    if (progress == Progress::refused) {
      check(parser_.refusal().status >= 400 && !parser_.refusal().message.empty(), "a refusal has words");
      // Not in the protocol: a refusal may come at once or when more is there.
      ended_ = true;
      return false;
    }
    if (progress == Progress::need_more) return false;
    if (in_chunks_) return finish();
    check_request(parser_.request(), parser_);
    in_chunks_ = parser_.is_chunked();
    skip_ = parser_.content_length();
    if (skip_ > body_limit) ended_ = true;
    return in_chunks_ || skip_ > 0 || finish();
  }

  bool finish() {
    const http::Request& request = parser_.request();
    check(request.body.size() <= body_limit, "a body is not larger than allowed");
    protocol_ += request.method + " " + request.target;
    for (const auto& [name, value] : request.headers) protocol_ += "\n" + name + ":" + value;
    protocol_ += "\n\n" + request.body + body_ + (parser_.keep_alive() ? "\n" : "\nclosed\n");
    body_.clear();
    in_chunks_ = false;
    parser_.reset();
    return true;
  }

  RequestParser parser_{header_bytes, header_count};
  std::string buffer_, body_, protocol_;
  std::uint64_t skip_ = 0;
  bool in_chunks_ = false, ended_ = false;
};

void check_same(const Connection& one, const Connection& other, std::string_view property) {
  if (one.protocol() != other.protocol())
    std::fprintf(stderr, "--- in one packet:\n%s\n--- in several:\n%s\n", one.protocol().c_str(),
                 other.protocol().c_str());
  check(one.protocol() == other.protocol(), property);
}

}  // namespace

void request(std::string_view input) {
  Connection whole;
  whole.receive(input);
  for (const std::size_t cut : cuts(input.size())) {
    Connection two;
    two.receive(input.substr(0, cut));
    two.receive(input.substr(cut));
    check_same(whole, two, "two packets are read as one is");
  }
  Connection drops;
  for (const char& byte : input) drops.receive({&byte, 1});
  check_same(whole, drops, "single bytes are read as one packet is");
}

}  // namespace restante::fuzz
