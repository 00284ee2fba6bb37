// SPDX-License-Identifier: Apache-2.0
#include "transfer/tls_words.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace restante::transfer {

namespace {

constexpr Seconds day{86400};

std::string day_of(std::int64_t seconds) {
  return to_rfc3339(Instant(Seconds(seconds))).substr(0, 10);
}

}  // namespace

void ClockWitness::heard(const std::string& origin, Instant date, Instant now) {
  if (!ahead_.contains(origin) && ahead_.size() >= origins_kept) ahead_.erase(ahead_.begin());
  ahead_[origin] = std::chrono::duration_cast<Seconds>(now - date);
}

std::optional<Seconds> ClockWitness::off() const {
  if (ahead_.size() < 2) return std::nullopt;
  const auto by_time = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [least, most] = std::minmax_element(ahead_.begin(), ahead_.end(), by_time);
  if (least->second > day) return least->second;
  if (most->second < -day) return most->second;
  return std::nullopt;
}

std::string tls_words(const std::string& host, const net::TlsClose& certificate,
                      const std::string& library_words, Instant now, std::optional<Seconds> clock_off) {
  using net::TlsFault;
  const auto words = [&]() -> std::string {
    switch (certificate.fault) {
      case TlsFault::expired:
        return "the certificate of " + host + " ran out on " + day_of(certificate.valid_until);
      case TlsFault::not_yet_valid:
        return "the certificate of " + host + " is valid only from " + day_of(certificate.valid_from) + " on";
      case TlsFault::self_signed:
        return host + " signed its certificate itself: nobody vouches for it";
      case TlsFault::unknown_issuer:
        return "the certificate of " + host + " was issued by somebody who is not trusted here";
      case TlsFault::wrong_host:
        return "the certificate that " + host + " shows is for another name";
      case TlsFault::weak:
        return "the certificate of " + host + " has a key or a signature that is too weak";
      case TlsFault::revoked:
        return "the certificate of " + host + " was revoked";
      case TlsFault::none:
      case TlsFault::other:
        break;
    }
    return host + ": " + library_words;
  };
  const bool by_time = certificate.fault == TlsFault::expired || certificate.fault == TlsFault::not_yet_valid;
  // Nobody issues certificates for days to come, so one of them speaks of our own clock.
  const bool too_early =
      certificate.fault == TlsFault::not_yet_valid && Instant(Seconds(certificate.valid_from)) - now > day;
  if (!by_time || (!clock_off && !too_early)) return words();
  const bool behind = clock_off ? *clock_off < Seconds(0) : true;
  return words() + "; but the clock of this place seems to be " + (behind ? "behind" : "ahead") +
         " by more than a day: it says " + to_rfc3339(now).substr(0, 10);
}

}  // namespace restante::transfer
