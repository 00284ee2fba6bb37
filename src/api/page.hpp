// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/html.hpp"
#include "http/message.hpp"

#include <string>
#include <string_view>

namespace restante::api {

/// One of the place's own small pages, in plain HTML that works without script. `title` is text, `body` is
/// HTML. Its policy permits no script, no frame around it, nothing from elsewhere, and forms to this place
/// only; it is neither stored nor indexed, and links on it tell nobody where they were followed.
http::Response page(int status, std::string_view title, std::string body);

}  // namespace restante::api
