// SPDX-License-Identifier: Apache-2.0
#include "transfer/token_renewal.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace restante::transfer {

namespace {

namespace json = boost::json;

constexpr Seconds ends_soon{60};
constexpr std::int64_t longest_life_s = std::int64_t{10} * 366 * 86400;
constexpr std::size_t longest_token = 16384;

/// application/x-www-form-urlencoded, strictly: everything but unreserved characters is escaped.
std::string form_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    if (plain)
      out += c;
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

bool is_token_text(std::string_view text) {
  return !text.empty() && text.size() <= longest_token &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

/// Seconds; some servers write them as a text.
std::optional<std::int64_t> life_of(const json::object& object) {
  const auto* found = object.if_contains("expires_in");
  if (found == nullptr) return std::nullopt;
  std::int64_t seconds = -1;
  if (found->is_int64()) seconds = found->get_int64();
  if (found->is_string()) {
    const auto& text = found->get_string();
    std::from_chars(text.data(), text.data() + text.size(), seconds);
  }
  if (seconds < 0) return std::nullopt;
  return std::min(seconds, longest_life_s);
}

std::optional<json::object> object_of(std::string_view body) {
  json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code error;
  json::value value = json::parse({body.data(), body.size()}, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

/// The error code of RFC 6749 §5.2, if it looks like one; its description may repeat what we sent.
std::string error_code(std::string_view body) {
  const auto object = object_of(body);
  const std::string code = object ? text_of(*object, "error") : std::string();
  const bool word = !code.empty() && code.size() <= 40 && std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
  return word ? " (" + code + ")" : std::string();
}

bool is_loopback(std::string_view address) {
  return address == "::1" || address.starts_with("127.");
}

}  // namespace

bool is_stale(const proxy::Credential& credential, Instant now) {
  if (credential.token.empty()) return true;
  return credential.expires && Instant(Seconds(*credential.expires)) - ends_soon <= now;
}

TokenRequest token_request(const proxy::Credential& credential) {
  TokenRequest out;
  out.body = "grant_type=refresh_token&refresh_token=" + form_encoded(credential.refresh_token) +
             "&client_id=" + form_encoded(credential.client_id);
  out.lines = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json",
               "Accept-Encoding: identity", "User-Agent: Restante/" RESTANTE_VERSION};
  if (!credential.client_secret.empty())  // RFC 6749 §2.3.1
    out.lines.push_back("Authorization: Basic " + to_base64(form_encoded(credential.client_id) + ":" +
                                                            form_encoded(credential.client_secret)));
  return out;
}

Result<jobs::RenewedTokens> judge_tokens(const proxy::Credential& credential, const std::string& host,
                                         const HeaderBlock& head, std::string_view body, Instant now) {
  const std::string answered = host + " answered " + std::to_string(head.status);
  if (head.status == 429) return fail(Reason::rate_limited, answered + " when the sign-in was renewed");
  if (head.status >= 500) return fail(Reason::server_error, answered + " when the sign-in was renewed");
  if (head.status != 200)
    return fail(Reason::auth_expired, host + " does not renew the sign-in" + error_code(body),
                "sign in again, and send it anew");
  const auto object = object_of(body);
  const auto malformed = [&host](const char* what) {
    return fail(Reason::malformed, host + " renewed the sign-in with an answer " + what);
  };
  if (!object) return malformed("that is not JSON");
  jobs::RenewedTokens tokens;
  tokens.credential_id = credential.id;
  tokens.access_token = text_of(*object, "access_token");
  tokens.refresh_token = text_of(*object, "refresh_token");
  if (tokens.refresh_token.empty()) tokens.refresh_token = credential.refresh_token;
  if (!is_token_text(tokens.access_token) || !is_token_text(tokens.refresh_token))
    return malformed("without a token that can be used");
  if (const auto type = text_of(*object, "token_type"); !type.empty() && !iequals(type, "bearer"))
    return malformed("with a token of an unknown kind");
  if (const auto life = life_of(*object))
    tokens.expires = std::chrono::floor<Seconds>(now).time_since_epoch().count() + *life;
  return tokens;
}

TokenRenewal::TokenRenewal(const Limits& limits, proxy::Credential credential, net::HttpUrl endpoint,
                           Ways ways)
    : limits_(limits),
      credential_(std::move(credential)),
      endpoint_(std::move(endpoint)),
      ways_(std::move(ways)),
      request_(token_request(credential_)),
      reader_(HeaderReader::Limits{limits.header_bytes, limits.header_lines, limits.interim_answers}) {
}

void TokenRenewal::start(const std::vector<std::string>& addresses) {
  const bool here = !addresses.empty() && std::all_of(addresses.begin(), addresses.end(), is_loopback);
  if (endpoint_.scheme != "https" && !here)
    return end(fail(Reason::tls, "the sign-in at " + endpoint_.host +
                                     " is renewed over https only, and its address begins with http"));
  if (addresses.empty()) return end(fail(Reason::dns, endpoint_.host + " has no address"));
  net::CurlOptions options;
  options.url = endpoint_.text;
  options.method = "POST";
  options.header_lines = std::move(request_.lines);
  options.body = &request_.body;
  options.connect_address = addresses.front();
  options.connect_port = endpoint_.port;
  options.connect_time = limits_.connect_time;
  options.fresh = true;
  handle_ = ways_.start(options, *this);
}

int TokenRenewal::open_socket(int family, int socktype, const sockaddr* address, socklen_t length) {
  return ways_.open_socket(family, socktype, address, length);
}

net::CurlEvents::Taken TokenRenewal::on_header(std::string_view line) {
  const auto step = reader_.line(line);
  const bool good = step == HeaderReader::Step::more || step == HeaderReader::Step::complete;
  return good ? Taken::all : Taken::abort;
}

net::CurlEvents::Taken TokenRenewal::on_body(std::string_view bytes) {
  too_large_ = body_.size() + bytes.size() > limits_.evidence_bytes;
  if (too_large_) return Taken::abort;
  body_ += bytes;
  return Taken::all;
}

Result<jobs::RenewedTokens> TokenRenewal::judge(const net::CurlEnd& end) const {
  const std::string& host = endpoint_.host;
  switch (end.ending) {
    case net::CurlEnding::finished:
      return judge_tokens(credential_, host, reader_.block(), body_, SystemClock().now());
    case net::CurlEnding::not_connected:
      if (end.os_errno == EACCES || end.os_errno == EPERM)
        return fail(Reason::address, "connecting to " + host + " is not permitted");
      return fail(Reason::unreachable, "no connection to " + host + ", where the sign-in is renewed");
    case net::CurlEnding::connect_timeout:
      return fail(Reason::timeout, "no connection to " + host + ", where the sign-in is renewed, in time");
    case net::CurlEnding::tls_untrusted:
    case net::CurlEnding::tls_failed:
    case net::CurlEnding::tls_refused_us:
      return fail(Reason::tls, host + ", where the sign-in is renewed: " + end.text);
    default:
      return fail(Reason::server_error, host + " did not answer as a place where a sign-in is renewed");
  }
}

void TokenRenewal::on_end(const net::CurlEnd& curl_end) {
  handle_.reset();
  auto tokens = judge(curl_end);
  wipe(body_);
  wipe(request_.body);
  end(std::move(tokens));
}

/// The caller may drop this object in `done`.
void TokenRenewal::end(Result<jobs::RenewedTokens> tokens) {
  const auto done = std::move(ways_.done);
  done(std::move(tokens));
}

}  // namespace restante::transfer
