// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace restante::proxy {

/// Whether a request header may stay readable in a document: those of content negotiation and of what
/// browsers say about themselves. Every other one may carry a secret (X-Api-Key, PRIVATE-TOKEN, ...) and is
/// kept as a credential.
bool is_harmless_header(std::string_view lower_case_name);

}  // namespace restante::proxy
