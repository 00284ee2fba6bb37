// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "intake/admission.hpp"
#include "jobs/service.hpp"

// What the ways of handing something in have in common (POST /v1/proxies, POST /v1/share): how often, and
// what is told of what was accepted. On the control loop.
namespace restante::api {

/// The download that was accepted. Plans other than on-time come from a deadline; only then it is worth
/// another look.
Task<jobs::JobView> view_of(Context& context, jobs::Accepted accepted, bool has_deadline);

/// A token that may only submit is told id and state, and nothing of the download besides.
bool is_terse(const accounts::Principal& who);
void write_told(JsonWriter& json, const jobs::JobView& view, bool terse);

intake::SubmitLimit::Verdict take_turn(Context& context, const accounts::Principal& who);
/// The same from a connection's loop.
Task<intake::SubmitLimit::Verdict> take_turn_there(Context& context, accounts::Principal who);
void add_rate_headers(const Context& context, const intake::SubmitLimit::Verdict& verdict,
                      http::Response& response);
http::Response too_often(const Context& context, const intake::SubmitLimit::Verdict& verdict,
                         const Call& call);

/// How what this peer sends came here.
intake::Carriage carriage_of(const http::Peer& peer);

}  // namespace restante::api
