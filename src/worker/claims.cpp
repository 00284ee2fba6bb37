// SPDX-License-Identifier: Apache-2.0
#include "worker/claims.hpp"

#include "net/curl_url.hpp"

#include <algorithm>
#include <limits>

namespace restante::worker {

namespace {

constexpr std::size_t longest_host = 300, longest_token = 16384, longest_id = 64;
constexpr std::int64_t last_second = 253402300799;  ///< 9999-12-31T23:59:59Z

bool is_web(std::string_view scheme) {
  return scheme == "http" || scheme == "https";
}

/// Visible ASCII, as in a document.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= longest_token &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Claims::Claims(const jobs::TransferOrder& order, ClaimLimits limits, std::uint64_t file_bytes)
    : limits_(limits) {
  if (const auto url = net::parse_any_url(order.source.url)) {
    own_ = {url->host, url->port};
    if (!is_web(url->scheme)) file_scheme_ = url->scheme;
    named_.insert(own_);
  }
  for (const jobs::OtherSource& other : order.others)
    if (const auto url = net::parse_url(other.source.url)) named_.insert({url->host, url->port});
  // One more than at once: when the first one has ended, others go on without it.
  const int connections = std::clamp(order.connections, 1, jobs::most_connections);
  parts_.resize(connections > 1 ? static_cast<std::size_t>(connections) + 1 : 1);
  if (connections > 1 || !order.have.empty()) spans_ = jobs::most_spans;
  if (order.room_bytes) {
    const std::uint64_t begin = std::max(order.offset, file_bytes);
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - begin - limits_.overdraw_bytes;
    room_end_ = begin + std::min(*order.room_bytes, most);
  }
}

Result<void> Claims::resolve(const Resolve& asked) {
  const bool file = !file_scheme_.empty() && asked.scheme == file_scheme_ && asked.host == own_.first &&
                    asked.port == own_.second;
  const bool sound = file_scheme_.empty() ? is_web(asked.scheme) : file;
  const bool known = asked.part < parts_.size();
  if (!known || parts_[asked.part].resolving || asked.hop < parts_[asked.part].next_hop || !sound ||
      asked.host.size() > longest_host || asked.hop == std::numeric_limits<std::uint32_t>::max())
    return fail(Reason::malformed, "it asked for addresses out of turn");
  Part& part = parts_[asked.part];
  part.next_hop = asked.hop + 1;
  part.resolving = true;
  Place place{asked.host, asked.port};
  if (!named_.contains(place) && others_.size() <= limits_.other_hosts) others_.insert(std::move(place));
  if (++part.resolves > limits_.resolves || others_.size() > limits_.other_hosts)
    return fail(Reason::redirect_loop, "it asked for too many addresses");
  return {};
}

Result<void> Claims::responded() {
  if (std::exchange(responded_, true))
    return fail(Reason::malformed, "it says that a request was answered twice");
  return {};
}

Result<void> Claims::has(std::uint64_t claimed_bytes, const std::vector<SpanReport>& apart,
                         std::uint64_t file_bytes) const {
  if (claimed_bytes > file_bytes) return fail(Reason::malformed, "it claims more bytes than the file has");
  if (apart.size() > spans_) return fail(Reason::malformed, "it has too many stretches of a content");
  std::uint64_t end = claimed_bytes;
  for (const SpanReport& span : apart) {
    const bool in_order = span.begin > claimed_bytes && span.begin >= end;
    if (!in_order || span.begin > file_bytes || span.pieces.end_bytes > file_bytes - span.begin ||
        span.pieces.end_bytes == 0 || !fits(span.pieces))
      return fail(Reason::malformed, "its stretches of a content cannot be");
    end = span.end();
  }
  return {};
}

/// Tokens come into documents and headers later: they are held to what a document may carry.
Result<void> Claims::renewed(const jobs::RenewedTokens& tokens) {
  const std::int64_t expires = tokens.expires.value_or(0);
  const bool sound = is_token(tokens.access_token) && is_token(tokens.refresh_token) &&
                     tokens.credential_id.size() <= longest_id && expires >= 0 && expires <= last_second;
  if (!sound || ++renewals_ > limits_.renewals) return fail(Reason::malformed, "it sent tokens out of turn");
  return {};
}

bool Claims::overdrawn(std::uint64_t file_bytes) const {
  return room_end_ && file_bytes > *room_end_ + limits_.overdraw_bytes;
}

}  // namespace restante::worker
