// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"

namespace restante::api {

/// The plain listener of [listen] open is for people who cannot trust us yet: it tells who we are, and how to
/// trust us. Takes what could say who asks out of the request, and answers at once whatever may not come in
/// here; none: the request goes on. Any thread.
std::optional<http::Response> stopped_at_open_door(const Context& context, http::Request& request);

}  // namespace restante::api
