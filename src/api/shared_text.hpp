// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "proxy/document.hpp"

#include <string_view>
#include <vector>

namespace restante::api {

/// The requests in a text or file that somebody shared, as documents of this moment for this place, each with
/// an id of its own and nothing said about when: they start now. None: there is no link in it. Errors: what
/// is wrong with it, for people.
Result<std::vector<proxy::Document>> requests_in(std::string_view text, std::string_view server_jkt,
                                                 std::string_view server_url, Instant now);

}  // namespace restante::api
