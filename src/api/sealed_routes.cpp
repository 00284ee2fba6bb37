// SPDX-License-Identifier: Apache-2.0
#include "api/sealed_routes.hpp"

#include "accounts/names.hpp"
#include "api/body.hpp"
#include "api/json_views.hpp"
#include "api/submitting.hpp"
#include "proxy/envelope.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace restante::api {

namespace {

constexpr std::array<std::string_view, 2> media_types{"application/vnd.restante.sealed+json",
                                                      "application/jose"};

/// Zero: go ahead.
Task<Seconds> wait_of(Context& context, std::string peer) {
  co_return context.refused_senders.wait(peer, context.parts.clock.now());
}

/// On the control loop. Guessing costs us more than it costs whoever guesses.
Task<http::Response> refuse_sender(Context& context, http::Request request, Error error) {
  context.refused_senders.failed(accounts::peer_group(request.peer.address), context.parts.clock.now());
  context.refused_any = true;
  co_return refuse(error, request);
}

http::Response too_many_refused(const http::Request& request, Seconds wait) {
  const auto error = fail(Reason::rate_limited,
                          fmt::format("too many documents from there were refused; wait {} s", wait.count()),
                          "mend what was refused, then try again");
  auto response = refuse(error.value(), request);
  response.set("Retry-After", std::to_string(wait.count()));
  return response;
}

/// On the control loop.
Task<http::Response> admit(Context& context, Call call, proxy::OpenedDocument opened) {
  auto& receiver = *context.parts.receiver;
  auto sender = receiver.sender_of(opened);
  if (!sender) co_return refuse(sender.error(), call.request);
  const auto turn = take_turn(context, *sender);
  if (!turn.allowed) co_return too_often(context, turn, call);
  auto admitting = receiver.admit(std::move(opened), intake::Channel::post);
  auto receipt = co_await std::move(admitting);
  if (receipt.error) {
    auto response = refuse(*receipt.error, call.request);
    add_rate_headers(context, turn, response);
    co_return response;
  }
  const int status = receipt.accepted->replayed ? 200 : 202;
  const std::string id = receipt.accepted->job.id.text();
  const bool own = call.who && call.who->account == sender->account && !is_terse(*call.who);
  std::string out, version;
  JsonWriter json(out);
  if (own) {
    auto view = co_await view_of(context, std::move(*receipt.accepted), true);
    write_job(json, view);
    version = fmt::format("\"{}\"", view.job.version);
  } else {
    json.open('{').key("id").text(id).key("status").text(intake::name(receipt.status)).close('}');
  }
  auto response = http::json_response(status, std::move(out));
  response.set("Location", "/v1/jobs/" + id);
  if (own) response.set("ETag", version);
  add_rate_headers(context, turn, response);
  co_return response;
}

}  // namespace

bool brings_sealed(const http::Request& head) {
  if (head.method != "POST" || head.path != "/v1/proxies") return false;
  const std::string type = media_type_of(head.header("Content-Type"));
  return std::find(media_types.begin(), media_types.end(), type) != media_types.end();
}

Task<http::Response> submit_sealed(Context& context, Call call) {
  const Executor control = context.parts.control;
  if (context.parts.receiver == nullptr) {
    const auto error = fail(Reason::cap_denied, "this place does not read sealed documents").value();
    co_return refuse(error, call.request);
  }
  const std::string peer = accounts::peer_group(call.request.peer.address);
  // Whoever is known has the limits of an account instead: a stranger behind the same address stops nobody.
  const bool stranger = !call.who;
  if (stranger && context.refused_any) {
    auto asking = run_there(control, wait_of(context, peer));
    const Seconds wait = co_await std::move(asking);
    if (wait > Seconds{0}) co_return too_many_refused(call.request, wait);
  }
  auto opened = context.parts.receiver->open(call.request.body);
  if (!opened && !stranger) co_return refuse(opened.error(), call.request);
  if (!opened) {
    call.request.body.clear();
    auto refusing =
        run_there(control, refuse_sender(context, std::move(call.request), std::move(opened.error())));
    co_return co_await std::move(refusing);
  }
  call.request.body.clear();
  auto admitting = run_there(control, admit(context, std::move(call), std::move(*opened)));
  co_return co_await std::move(admitting);
}

}  // namespace restante::api
