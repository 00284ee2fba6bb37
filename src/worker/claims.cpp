// SPDX-License-Identifier: Apache-2.0
#include "worker/claims.hpp"

#include "net/curl_url.hpp"

#include <algorithm>
#include <limits>

namespace restante::worker {

namespace {

constexpr std::size_t longest_host = 300, longest_token = 16384, longest_id = 64;
constexpr std::int64_t last_second = 253402300799;  ///< 9999-12-31T23:59:59Z

/// Visible ASCII, as in a document.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= longest_token &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Claims::Claims(const jobs::TransferOrder& order, ClaimLimits limits, std::uint64_t file_bytes)
    : limits_(limits) {
  if (const auto url = net::parse_url(order.source.url)) own_ = {url->host, url->port};
  if (order.room_bytes) {
    const std::uint64_t begin = std::max(order.offset, file_bytes);
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - begin - limits_.overdraw_bytes;
    room_end_ = begin + std::min(*order.room_bytes, most);
  }
}

Result<void> Claims::resolve(const Resolve& asked) {
  const bool web = asked.scheme == "http" || asked.scheme == "https";
  if (resolving_ || asked.hop < next_hop_ || !web || asked.host.size() > longest_host ||
      asked.hop == std::numeric_limits<std::uint32_t>::max())
    return fail(Reason::malformed, "it asked for addresses out of turn");
  next_hop_ = asked.hop + 1;
  resolving_ = true;
  std::pair place{asked.host, asked.port};
  if (place != own_ && others_.size() <= limits_.other_hosts) others_.insert(std::move(place));
  if (++resolves_ > limits_.resolves || others_.size() > limits_.other_hosts)
    return fail(Reason::redirect_loop, "it asked for too many addresses");
  return {};
}

Result<void> Claims::responded() {
  if (std::exchange(responded_, true))
    return fail(Reason::malformed, "it says that a request was answered twice");
  return {};
}

Result<void> Claims::has(std::uint64_t claimed_bytes, std::uint64_t file_bytes) {
  if (claimed_bytes > file_bytes) return fail(Reason::malformed, "it claims more bytes than the file has");
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
