// SPDX-License-Identifier: Apache-2.0
#include "api/host_names.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>

namespace restante::api {

namespace {

bool is_address(const std::string& host) {
  in6_addr any;
  return inet_pton(AF_INET, host.c_str(), &any) == 1 || inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

}  // namespace

std::string host_only(std::string_view authority) {
  std::string host;
  if (authority.starts_with('[')) {
    host = std::string(authority.substr(1, authority.find(']') - 1));
  } else if (std::count(authority.begin(), authority.end(), ':') > 1) {
    host = std::string(authority);  // an IPv6 address without its brackets
  } else {
    host = std::string(authority.substr(0, authority.find(':')));
  }
  host = ascii_lower(host);
  if (host.ends_with('.')) host.pop_back();
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    char out[INET6_ADDRSTRLEN];
    host = inet_ntop(AF_INET6, &v6, out, sizeof out);
  }
  return host;
}

std::string authority_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find_first_of("/?#")));
}

std::vector<std::string> interface_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  std::vector<std::string> v4, v6;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0)
      continue;
    char out[INET6_ADDRSTRLEN];
    if (one->ifa_addr->sa_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      v4.emplace_back(inet_ntop(AF_INET, &in->sin_addr, out, sizeof out));
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      if (!IN6_IS_ADDR_LINKLOCAL(&in->sin6_addr))
        v6.emplace_back(inet_ntop(AF_INET6, &in->sin6_addr, out, sizeof out));
    }
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  return v4;
}

void HostNames::add(std::string_view host) {
  if (auto name = host_only(host); !name.empty()) names_.insert(std::move(name));
}

void HostNames::add_listener(std::string_view address) {
  const std::string host = host_only(address);
  const bool wildcard = host == "0.0.0.0" || host == "::";
  any_own_ = any_own_ || wildcard;
  if (wildcard || host.starts_with("127.") || host == "::1") {
    names_.insert("localhost");
    if (wildcard) names_.insert({"127.0.0.1", "::1"});
  }
  if (!wildcard) names_.insert(host);
}

bool HostNames::knows(std::string_view host_header) const {
  const std::string host = host_only(host_header);
  if (names_.contains(host)) return true;
  if (!any_own_ || !is_address(host)) return false;
  const auto own = interface_addresses();
  return std::find(own.begin(), own.end(), host) != own.end();
}

}  // namespace restante::api
