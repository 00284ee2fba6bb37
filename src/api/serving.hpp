// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"
#include "files/areas.hpp"
#include "http/ranges.hpp"

namespace restante::api {

http::Representation representation(const files::OpenedFile& file);

/// The content of a file of this account as the answer to a GET or HEAD, and counted as the account's
/// traffic. Where the month's traffic is used up, no content is sent any more: 429 with the reason quota.
http::Response serve_content(Context& context, const http::Request& request, AccountId account,
                             const http::Representation& content);

}  // namespace restante::api
