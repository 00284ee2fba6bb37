// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/app.hpp"
#include "http/message.hpp"

namespace restante::api {

/// One file of the web app as a client takes it: packed or not, or "not changed", with the page's policy.
http::Response app_answer(const AppFile& file, const http::Request& request);

}  // namespace restante::api
