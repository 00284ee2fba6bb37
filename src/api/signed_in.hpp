// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"
#include "api/json_writer.hpp"

#include <boost/json/object.hpp>

// What the ways of signing in share.
namespace restante::api {

void write_account(JsonWriter& json, const accounts::Service& accounts, const accounts::Account& account);

/// Whether the session's token is to go into a cookie ("cookie": true) and nowhere else; only pages of our
/// own may ask for that. Error forbidden.
Result<bool> wants_cookie(const Context& context, const http::Request& request,
                          const boost::json::object& body);

/// 201 with the account and the token, or with the cookie and what belongs to it.
http::Response signed_in_response(const Context& context, const http::Peer& peer,
                                  const accounts::SignedIn& signed_in, bool by_cookie);

}  // namespace restante::api
