// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace restante::jobs {

/// The rests of content servers: those that they asked for (Retry-After, RFC 9110 §10.2.3), and growing ones
/// of our own where they refused (429, 503) and did not say for how long. They hold for the jobs of all
/// accounts (CONTENT_SERVERS.md M41). By host and port, since http often only points to https. In memory:
/// forgotten at a restart.
class Rests {
public:
  /// `at_most`: hosts that are remembered; `longest`: a host may not ask for more.
  /// `first`, `most`: the rest after a first refusal, doubled with each that follows, and the longest such.
  Rests(std::size_t at_most, Seconds longest, Millis first = Millis(1000), Millis most = Millis(600000))
      : at_most_(at_most), longest_(longest), first_(first), most_(most) {}

  /// `origin` asked at `now` to be left alone for so long. A longer rest stays. When there are too many, the
  /// one that ends first is forgotten: its host is only asked earlier than it wished.
  void rest(const std::string& origin, Seconds time, Instant now);

  /// `origin` refused at `now`. Of several refusals in one rest only the first counts: they answer requests
  /// that were under way. `dice`: 0 to 1; up to a quarter of the rest is left out by it.
  void refused(const std::string& origin, double dice, Instant now);
  /// It gives content again: the next refusal is a first one.
  void answered(const std::string& origin);

  /// Until when nobody is to ask `origin`; nullopt: it may be asked at `now`.
  std::optional<Instant> until(const std::string& origin, Instant now) const;

  std::size_t size() const { return hosts_.size(); }

private:
  struct Host {
    Instant until;
    int refusals = 0;  ///< one after the other
  };
  Host* host(const std::string& origin, Instant now);  ///< null: none are remembered

  std::size_t at_most_;
  Seconds longest_;
  Millis first_, most_;
  std::map<std::string, Host, std::less<>> hosts_;
};

/// Whether two origins are of the same host and port.
bool same_host(std::string_view origin, std::string_view other);

}  // namespace restante::jobs
