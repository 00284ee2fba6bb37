// SPDX-License-Identifier: Apache-2.0
#include "api/submitting.hpp"

#include "api/json_views.hpp"

#include <utility>

namespace restante::api {

Task<jobs::JobView> view_of(Context& context, jobs::Accepted accepted, bool has_deadline) {
  jobs::JobView view;
  if (has_deadline || accepted.replayed) {
    auto found = co_await context.parts.jobs.find(accepted.job.account, accepted.job.id);
    if (found) co_return std::move(*found);
  }
  view.job = std::move(accepted.job);
  co_return view;
}

bool is_terse(const accounts::Principal& who) {
  return who.kind == accounts::Principal::Kind::submit_token;
}

void write_told(JsonWriter& json, const jobs::JobView& view, bool terse) {
  if (!terse) return write_job(json, view);
  json.open('{').key("id").text(view.job.id.text()).key("state").text(jobs::name(view.job.state)).close('}');
}

intake::SubmitLimit::Verdict take_turn(Context& context, const accounts::Principal& who) {
  auto& limit = is_terse(who) ? context.token_submits : context.submits;
  return limit.take(who.account, context.parts.clock.now());
}

namespace {
Task<intake::SubmitLimit::Verdict> turn_of(Context& context, accounts::Principal who) {
  co_return take_turn(context, who);
}
}  // namespace

Task<intake::SubmitLimit::Verdict> take_turn_there(Context& context, accounts::Principal who) {
  const Executor control = context.parts.control;
  auto taking = run_there(control, turn_of(context, std::move(who)));
  co_return co_await std::move(taking);
}

void add_rate_headers(const Context& context, const intake::SubmitLimit::Verdict& verdict,
                      http::Response& response) {
  response.set("RateLimit-Policy", context.submits.policy_header());
  response.set("RateLimit", intake::SubmitLimit::state_header(verdict));
}

http::Response too_often(const Context& context, const intake::SubmitLimit::Verdict& verdict,
                         const Call& call) {
  const auto error =
      fail(Reason::rate_limited,
           fmt::format("this account may submit {} times a minute", context.options.limits.submit_per_minute),
           "send many in one application/jsonl call, which counts once; the operator can raise [limits] "
           "submit_per_minute");
  auto response = refuse(error.value(), call.request);
  add_rate_headers(context, verdict, response);
  response.set("Retry-After", std::to_string(verdict.retry_after.count()));
  return response;
}

intake::Carriage carriage_of(const http::Peer& peer) {
  const bool guarded = peer.tls || peer.both_loopback || peer.unix_socket;
  return guarded ? intake::Carriage::guarded : intake::Carriage::in_the_open;
}

}  // namespace restante::api
