// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "notify/message.hpp"
#include "notify/records.hpp"

#include <optional>
#include <string>

namespace restante::notify {

/// What became of one attempt.
struct Delivery {
  enum class Outcome {
    sent,     ///< the other side has taken it over
    later,    ///< worth another try
    refused,  ///< will never be taken: this notice is given up
    gone,     ///< the contact exists no more (410): it is told nothing from now on
  };
  Outcome outcome = Outcome::later;
  std::string message;                 ///< for people and the log, no secrets and no address; empty when sent
  std::optional<Seconds> retry_after;  ///< the other side asked for it
};

/// A way by which people are told. Control loop.
class Channel {
public:
  virtual ~Channel() = default;
  /// Tells once, within its own deadline; repeating it sends it once more. Cancelling the task ends it soon.
  virtual Task<Delivery> send(Contact contact, Message message) = 0;
  /// Messages to the same host wait for each other: "mail", or the host of the contact's address.
  virtual std::string host(const Contact& contact) const = 0;
  /// Whether it is an address of this kind, and what is stored of it: `secret` may be filled in. Errors:
  /// invalid, cap-denied (this place does not tell in this way).
  virtual Result<void> check(Contact& contact) const = 0;
};

}  // namespace restante::notify
