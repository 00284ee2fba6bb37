// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "proxy/document.hpp"

#include <string_view>

namespace restante::intake {

/// How a document came: where nobody could read it, or where somebody might have.
enum class Carriage { guarded, in_the_open };

/// A document that this place accepts from this person: well-formed, supported, in time, addressed to us, by
/// whom it says, and without secrets where somebody may have read them. Errors: those of proxy::parse,
/// check_supported and check_times; not-for-me (aud); invalid (iss); insecure.
Result<proxy::Document> admitted_document(std::string_view core, const accounts::Principal& who,
                                          Carriage carriage, std::string_view server_jkt, Instant now);

}  // namespace restante::intake
