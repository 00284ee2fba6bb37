// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "jobs/model.hpp"
#include "jobs/retry.hpp"
#include "jobs/service.hpp"
#include "jobs/time_plan.hpp"

#include <optional>
#include <string>
#include <variant>

/// The life of a job as plain decisions (DESIGN.md §6): no clock, no store, no network.
namespace restante::jobs {

/// A scheduled job that the server finds this much late when it starts was missed while it was off.
inline constexpr Millis missed_after{60000};

/// The part of a job that changes by itself.
struct Control {
  State state = State::waiting;
  WaitingFor waiting_for = WaitingFor::nothing;
  std::optional<Reason> reason;
  std::string message;
  int attempt = 0;
  std::optional<Instant> next_run;
};
Control control_of(const Job& job);
void apply(const Control& control, Job& job);

/// What the document and the place say about when and how often.
struct Terms {
  Hours hours;
  RetryRules retry;
  int attempts = 20;
};

/// Why something did not work.
struct Trouble {
  Reason reason = Reason::internal;
  std::string message;
  std::optional<Seconds> retry_after;
  /// More than so many are not worth it; then a person must help, or it fails.
  std::optional<int> attempts = std::nullopt;
};

namespace event {

/// Its time has come (or it waited for a turn). `turn`: it may run now.
struct Due {
  bool turn = false;
  Instant server_started{};
  std::optional<Instant> rest_until{};  ///< its content server asked to be left alone until then
};
/// The server found it in the store as running: a stop or a crash interrupted it.
struct FoundInterrupted {};
/// One of its files is complete and being hashed, or being published.
struct Received {
  int file = 0;
  bool verifying = false;  ///< else publishing
};
/// The content server would not go on with what is here of a file: it comes anew.
struct StartedOver {
  int file = 0;
  Reason why = Reason::source_changed;
};
struct FilePublished {
  int file = 0;
  bool all = false;         ///< every file is published now
  bool unverified = false;  ///< one of them is saved but unproven
};
/// A round over its files ended without all of them published.
struct RoundEnded {
  std::optional<Trouble> later, person, broken;  ///< tried again; needs a person; will not come
  double jitter = 0;                             ///< 0 <= jitter < 1
};
/// While it runs: its window closed or its deadline passed. `at`: the instant that was waited for.
struct Alarm {
  Instant at{};
};
struct Acted {
  Action action = Action::pause;
};
/// The look-first probe was refused in a way that time does not mend.
struct Refused {
  Trouble trouble;
};
/// A person gave a new link to the same content.
struct Refreshed {};
/// Its document was edited or replaced: its time is decided anew.
struct Changed {
  bool replaced = false;
};

}  // namespace event

using JobEvent = std::variant<event::Due, event::FoundInterrupted, event::Received, event::StartedOver,
                              event::FilePublished, event::RoundEnded, event::Alarm, event::Acted,
                              event::Refused, event::Refreshed, event::Changed>;

struct Step {
  Control to;
  bool changed = false;         ///< `to` differs from what was
  std::string cause;            ///< of a history row; empty: not worth one
  std::optional<Reason> why;    ///< of the history row
  bool forbidden = false;       ///< the state does not allow it; nothing changes; `cause` says why
  bool stop_transfers = false;  ///< what runs for it is to end
  bool discard_partials = false;
  bool erase_secrets = false;
  bool reset_files = false;  ///< failed files are pending again
  bool drop_hours = false;   ///< its start and its windows no longer count
  /// Waiting for its turn, it ends then if its turn has not come.
  std::optional<Instant> look_again;
};

/// Where a job begins: scheduled, or waiting for its window or its turn.
Control begin(const Terms& terms, Instant now);

Step step(const Control& from, const JobEvent& what, const Terms& terms, Instant now);

}  // namespace restante::jobs
