// SPDX-License-Identifier: Apache-2.0
#include "http/crowd.hpp"

#include <netinet/in.h>

namespace restante::http {

namespace {

constexpr std::size_t ipv4_bytes = 4, ipv6_network_bytes = 8;

bool is_loopback(const std::string& key) {
  return key.size() == ipv4_bytes ? key[0] == 127 : key == std::string(ipv6_network_bytes, '\0');
}

}  // namespace

std::string Crowd::key_of(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(from).sin_addr;
    return {reinterpret_cast<const char*>(&address), ipv4_bytes};
  }
  if (from.ss_family != AF_INET6) return {};
  const auto& address = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr;
  return {reinterpret_cast<const char*>(&address), ipv6_network_bytes};
}

bool Crowd::enter(const std::string& key) {
  if (key.empty()) return true;
  const auto found = counts_.find(key);
  const Count now = found == counts_.end() ? Count() : found->second;
  const bool loopback = is_loopback(key);
  if (now.silent >= (loopback ? limits_.silent_of_loopback : limits_.silent_of_address)) return false;
  if (!loopback && now.connections >= limits_.connections_of_address) return false;
  counts_[key] = {now.connections + 1, now.silent + 1};
  return true;
}

void Crowd::greet(const std::string& key) {
  if (const auto found = counts_.find(key); found != counts_.end()) --found->second.silent;
}

void Crowd::leave(const std::string& key, bool greeted) {
  const auto found = counts_.find(key);
  if (found == counts_.end()) return;
  if (!greeted) --found->second.silent;
  if (--found->second.connections == 0) counts_.erase(found);
}

}  // namespace restante::http
