// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "net/curl_tls.hpp"

#include <map>
#include <optional>
#include <string>

namespace restante::transfer {

/// What the Date fields of content servers say about our own clock. One thread.
class ClockWitness {
public:
  /// An answer of `origin` said that it was `date` when it was `now` here.
  void heard(const std::string& origin, Instant date, Instant now);
  /// By how much our clock is ahead (or behind, negative), if at least two origins say that it is more than a
  /// day off and none says otherwise.
  std::optional<Seconds> off() const;

private:
  static constexpr std::size_t origins_kept = 8;
  std::map<std::string, Seconds> ahead_;
};

/// Which fault it is, for people (CONTENT_SERVERS.md M60); whether it may be our own clock's.
std::string tls_words(const std::string& host, const net::TlsClose& certificate,
                      const std::string& library_words, Instant now, std::optional<Seconds> clock_off);

}  // namespace restante::transfer
