// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "request/calls.hpp"
#include "request/state.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace restante::request {

/// The key of this device that seals what it keeps; made at the first use. Errors: storage.
Result<std::string> outbox_key(const Home& home);

/// Documents that a place has not acknowledged yet: one, or a batch that goes in one call.
struct Unsent {
  std::string id;  ///< of the first document
  std::string place;
  Instant created{};
  std::string label;                   ///< what it is about, as it may be shown
  std::vector<std::string> documents;  ///< bare cores, or one sealed document
  /// Left at one of the place's mailboxes then; sent again when the place is reached, which changes nothing.
  std::optional<Instant> posted{};
  std::string posted_to{};        ///< for people
  std::optional<Instant> over{};  ///< the place takes it until then
  std::string refused;  ///< why the place said no when a later command sent it; then it is not sent by itself
  int sender = 0;       ///< the process that is sending it; 0: none
};

/// Whether another living process is at it.
bool is_being_sent(const Unsent& unsent);

/// Requests are kept here before the first attempt to send them, and go away when the place has acknowledged
/// or refused them: a cut, a crash or a full disk in between loses none. Files are sealed under
/// keys/outbox.key, since requests carry passwords. Several processes may use it.
class Outbox {
public:
  /// `home` must outlive it, where it is.
  static Result<Outbox> open(const Home& home);

  /// Durable on return. Errors: storage, disk-full.
  Result<void> keep(const Unsent& unsent) const;
  Result<void> drop(const std::string& id) const;

  /// Oldest first. A file that cannot be opened is left out and reported to `damaged`.
  Result<std::vector<Unsent>> all(const std::function<void(const std::string& file)>& damaged = {}) const;

  /// The one whose id begins so (at least four characters, or the whole). Errors: not-found, usage.
  Result<Unsent> find(const std::string& text) const;

  /// Held while one process sends; empty if another one is at it.
  Result<UniqueFd> claim(const std::string& place) const;

private:
  Outbox(const Home& home, std::string key) : home_(&home), key_(std::move(key)) {}

  const Home* home_;
  std::string key_;
};

/// What became of one entry.
struct SendOutcome {
  std::vector<Verdict> verdicts;  ///< one a document; empty if the place was not reached
  std::optional<Error> kept;      ///< still in the outbox, and why
};

/// Sends one entry and settles it in the outbox: acknowledged or finally refused ones are dropped; what a
/// later try may mend (no connection, busy, storage fault, not authorised) is kept. Errors: storage.
Result<SendOutcome> send_unsent(const Outbox& outbox, Calls& calls, const Unsent& unsent);

/// Whether an error means that the place was not reached at all.
bool is_unreached(const Error& error);
/// Whether an error means that the place does not know this device, or does not let it.
bool is_unauthorised(const Error& error);

}  // namespace restante::request
