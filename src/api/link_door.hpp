// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/backoff.hpp"
#include "files/links.hpp"

#include <string>
#include <string_view>

namespace restante::api {

struct LinkDoorLimits {
  Seconds pass_time{3600};  ///< after its page a link's data can be had so long without asking again
  int passwords_before_backoff = 10;
  Seconds longest_backoff_by_link{60};   ///< short: a stranger must not lock out those who know the password
  Seconds longest_backoff_by_peer{900};  ///< of one IPv4 address or one IPv6 /64
  int hashes_waiting = 4;  ///< passwords of links being hashed or waiting for it; beyond it: busy
  std::size_t least_password = 6, longest_password = 1024;
  std::size_t listed = 10000;  ///< files and folders on a folder's page
};

/// What stands between a link with a page and its data: who guessed how often, and the passes of those who
/// were let in. A pass is a cookie's value for one link, sealed with a key that lives as long as the server
/// runs.
class LinkDoor {
public:
  explicit LinkDoor(LinkDoorLimits limits = {});

  const LinkDoorLimits& limits() const { return limits_; }

  // Control loop.
  Seconds wait(const files::Link& link, std::string_view peer, Instant now) const;  ///< zero: go ahead
  /// Counted before a password's fate is known, so that many at once do not get more guesses.
  void guessed(const files::Link& link, std::string_view peer, Instant now);
  void was_right(const files::Link& link, std::string_view peer);
  /// One password being hashed, for as long as this lives.
  class Hashing {
  public:
    explicit Hashing(LinkDoor& door) : door_(door) { ++door_.hashing_; }
    ~Hashing() { --door_.hashing_; }
    Hashing(const Hashing&) = delete;
    Hashing& operator=(const Hashing&) = delete;

  private:
    LinkDoor& door_;
  };
  bool hashing_is_full() const { return hashing_ >= limits_.hashes_waiting; }

  // Any thread.
  std::string pass(const files::Link& link, Instant until) const;
  bool admits(const files::Link& link, std::string_view pass, Instant now) const;

private:
  std::string seal(const files::Link& link, std::string_view until) const;

  LinkDoorLimits limits_;
  accounts::Backoff by_link_, by_peer_;
  std::string key_;
  int hashing_ = 0;
};

/// The value of a request's cookie; "" if there is none of that name, or several.
std::string cookie_value(std::string_view header, std::string_view name);

}  // namespace restante::api
