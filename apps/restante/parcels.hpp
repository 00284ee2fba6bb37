// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/document.hpp"
#include "sending.hpp"
#include "wish_options.hpp"

#include <string>

namespace restante::cli {

/// What this device knows and the wish does not say: stored logins, and how long what is sent for a trip is
/// kept. Errors: storage, not-found (no trip).
Result<void> use_stored(const Context& context, const Session& session, WishOptions& options);

/// A request of its own, ready to be sent: sealed, and then without what the signature says anyway, where the
/// place told its keys. `shown`: what it is called in notes, without secrets. Errors: those of sealing.
Result<Parcel> parcel_of(proxy::Document document, const Session& session, std::string shown, Instant now);

}  // namespace restante::cli
