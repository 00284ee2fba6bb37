// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/document.hpp"
#include "proxy/jose.hpp"
#include "proxy/key_set.hpp"
#include "request/calls.hpp"
#include "request/place.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What this device makes of a request before it goes anywhere: signed by its key for the place, and sealed
// with the place's.
namespace restante::request {

/// "application/vnd.restante.proxy+json" of a bare core, "application/jose",
/// "application/vnd.restante.sealed+json".
const char* media_type_of(std::string_view document);

/// The place's keys, as its identity key vouches for them. Errors: bad-signature, not-found (it told none).
Result<proxy::KeySet> keys_of(const Place& place);

/// Signs and seals these bytes. Errors: as keys_of; storage (this device's key for the place is missing).
Result<std::string> seal_request(const Home& home, const Place& place, std::string_view core,
                                 std::int64_t exp, proxy::SealedForm form);
/// Signed only.
Result<std::string> sign_request(const Home& home, const Place& place, std::string_view core);

/// The place whose key a sealed document is for; null: none that this device knows.
const Place* place_of(const std::vector<Place>& places, std::string_view kid);

/// What the download will be called at the place (DESIGN.md §6), known before anything was sent.
std::string job_id_of(const Place& place, std::string_view request_id);

/// Takes what a place says of itself ("keys", "mailboxes"): keys only if its identity key signed them, and
/// they are not older than those that are known. Errors: bad-signature, storage.
Result<void> take_place(const Home& home, Place& place, const boost::json::object& said, Instant now);

/// Asks the place, and saves what it says; not while another command changes the list of places. A place of
/// an earlier version has nothing to say. Errors: what the call says, bad-signature, storage.
Result<void> look_again(const Home& home, Calls& calls, Place& place, Instant now);

}  // namespace restante::request
