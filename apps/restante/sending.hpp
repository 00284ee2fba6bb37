// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "context.hpp"
#include "request/outbox.hpp"
#include "request/sent.hpp"

#include <optional>
#include <string>
#include <vector>

namespace restante::cli {

/// What is sent in one call.
struct Parcel {
  request::Unsent unsent;
  std::vector<std::string> urls;  ///< as they may be shown
  std::optional<Instant> passed;  ///< the wanted start, when it lies in the past
  Secret core;                    ///< of a single request, as it was sealed
  std::int64_t exp = 0;
  std::string name;
  std::optional<Instant> start;
  bool by_trip = false;
};

struct Delivery {
  bool strict = false;  ///< what cannot be done in time is refused
  bool wait = false;    ///< until it has ended
  bool look = true;     ///< tells what the first look found
};

/// Sends each parcel: directly, else through the place's mailbox, else it waits in the outbox; tells the way
/// and what became of it. Returns the exit status.
int deliver(const Context& context, Session& session, std::vector<Parcel>& parcels, const Delivery& options);

/// Takes a request back at its place and sends it to another one, times on the clocks there; what runs or has
/// ended stays where it is, and is told. Never both: what cannot be taken back is not sent. Returns the exit
/// status.
int move_request(const Context& context, const request::Sent& sent, const std::string& to);

}  // namespace restante::cli
