// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace restante::jobs {

/// The rests that content servers asked for (Retry-After, RFC 9110 §10.2.3): they hold for the jobs of all
/// accounts (CONTENT_SERVERS.md M41). By host and port, since http often only points to https. In memory:
/// forgotten at a restart.
class Rests {
public:
  /// `at_most`: hosts that are remembered; `longest`: a host may not ask for more.
  Rests(std::size_t at_most, Seconds longest) : at_most_(at_most), longest_(longest) {}

  /// `origin` asked at `now` to be left alone for so long. A longer rest stays. When there are too many, the
  /// one that ends first is forgotten: its host is only asked earlier than it wished.
  void rest(const std::string& origin, Seconds time, Instant now);

  /// Until when nobody is to ask `origin`; nullopt: it may be asked at `now`.
  std::optional<Instant> until(const std::string& origin, Instant now) const;

  std::size_t size() const { return until_.size(); }

private:
  std::size_t at_most_;
  Seconds longest_;
  std::map<std::string, Instant, std::less<>> until_;
};

/// Whether two origins are of the same host and port.
bool same_host(std::string_view origin, std::string_view other);

}  // namespace restante::jobs
