// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "http/message.hpp"
#include "proxy/document.hpp"

#include <string>
#include <string_view>

namespace restante::api {

/// A document that this place accepts from this person over this connection: well-formed, supported, in time,
/// addressed to us, by whom it says, and without secrets where somebody may listen. Errors: those of
/// proxy::parse, check_supported and check_times; invalid (aud, iss); insecure.
Result<proxy::Document> admitted_document(std::string_view core, const accounts::Principal& who,
                                          const http::Peer& peer, std::string_view server_jkt, Instant now);

}  // namespace restante::api
