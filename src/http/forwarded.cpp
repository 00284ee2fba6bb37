// SPDX-License-Identifier: Apache-2.0
#include "http/forwarded.hpp"

#include "base/text.hpp"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <optional>
#include <string_view>
#include <vector>

namespace restante::http {

namespace {

constexpr std::string_view for_field = "X-Forwarded-For", proto_field = "X-Forwarded-Proto";
constexpr std::array<std::string_view, 5> fields{for_field, proto_field, "X-Forwarded-Host", "X-Real-IP",
                                                 "Forwarded"};

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// All entries of a list field (RFC 9110 §5.6.1), in order, over all its lines.
std::vector<std::string> entries(const Request& request, std::string_view field) {
  std::vector<std::string> out;
  for (const auto& [name, value] : request.headers) {
    if (!iequals(name, field)) continue;
    std::string_view rest = value;
    for (;;) {
      const auto comma = std::min(rest.find(','), rest.size());
      out.emplace_back(without_blanks(rest.substr(0, comma)));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return out;
}

/// The canonical form of an address with or without port: "192.0.2.1:5", "[2001:db8::1]:5", "2001:db8::1".
/// An IPv4 address that was mapped into IPv6 is the IPv4 address.
std::optional<std::string> address_of(std::string_view text) {
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    text = text.substr(0, text.find(']'));
  } else if (text.find(':') == text.rfind(':')) {
    text = text.substr(0, text.find(':'));
  }
  const std::string host(text);
  char out[INET6_ADDRSTRLEN];
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return inet_ntop(AF_INET, &v4, out, sizeof out);
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return inet_ntop(AF_INET, &v6.s6_addr[12], out, sizeof out);
  return inet_ntop(AF_INET6, &v6, out, sizeof out);
}

bool was_forwarded(const Request& request) {
  for (const auto& [name, value] : request.headers)
    for (const auto field : fields)
      if (iequals(name, field)) return true;
  return false;
}

}  // namespace

Peer peer_behind(const Peer& peer, const Request& request, const TrustsProxy& trusts) {
  if (peer.unix_socket || !was_forwarded(request)) return peer;
  Peer client = peer;
  client.both_loopback = false;
  if (!trusts || !trusts(peer.address)) return client;

  const auto way = entries(request, for_field);
  for (auto hop = way.rbegin(); hop != way.rend(); ++hop) {
    const auto address = address_of(*hop);
    if (!address) break;
    client.address = *address;
    if (!trusts(*address)) break;
  }
  // The last entry is the nearest proxy's; those before it may be the client's own.
  const auto protocols = entries(request, proto_field);
  client.tls = !protocols.empty() && iequals(protocols.back(), "https");
  return client;
}

}  // namespace restante::http
