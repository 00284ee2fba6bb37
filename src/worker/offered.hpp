// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "jobs/offers.hpp"
#include "worker/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

// What a worker says that an address offers: how the worker packs it, how the server judges it.
namespace restante::worker {

/// Whether a document could carry it: every text, address and digest keeps the rules of proxy::rules. A
/// worker leaves out what is not sound; one that sends it is ended.
bool is_sound(const jobs::Offer& offer, const jobs::OfferLimits& limits = {});

/// Whether it is one line of at most 512 characters, as a title or label has to be.
bool is_sound_line(const std::string& text);

/// Everything in messages that fit into packets; at least one. Offers that are not sound are left out, and
/// so are those beyond the limits (told in `left_out`).
std::vector<Offered> pack(std::uint32_t transfer, jobs::Offers offers, const jobs::OfferLimits& limits = {});

/// Judges the parts that a worker sends of one address.
class OfferClaims {
public:
  explicit OfferClaims(jobs::OfferLimits limits = {}) : limits_(limits) {}
  /// malformed: what an honest worker does not send.
  Result<void> take(const jobs::Offers& part);

private:
  jobs::OfferLimits limits_;
  std::size_t offers_ = 0, left_out_ = 0, bytes_ = 0, parts_ = 0;
};

}  // namespace restante::worker
