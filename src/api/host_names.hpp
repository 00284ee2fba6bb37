// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace restante::api {

/// The host of a Host value or URL authority: lower case, without port, brackets and closing dot; addresses
/// in their canonical form.
std::string host_only(std::string_view authority);

/// The host (and port) of "scheme://host:port/..."; "" if it has none.
std::string authority_of(std::string_view url);

/// Numeric addresses of this machine's interfaces, loopback left out, IPv4 first.
std::vector<std::string> interface_addresses();

/// The names that this server goes by (DESIGN.md §7, Hosts): everything else is refused, so that no foreign
/// page can reach us under a name of its own (THREATS.md D1). Built before serving; then any thread.
class HostNames {
public:
  void add(std::string_view host);
  /// A listener's address: for a wildcard all of this machine's, now and later; for loopback also localhost.
  void add_listener(std::string_view address);
  bool knows(std::string_view host_header) const;

private:
  std::set<std::string> names_;
  bool any_own_ = false;
};

}  // namespace restante::api
