// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "api/submitting.hpp"
#include "capture/understand.hpp"
#include "intake/admission.hpp"

#include <utility>

namespace restante::api {

namespace {

void write_understood(JsonWriter& json, const capture::Understood& understood, const Context& context,
                      Instant now) {
  const capture::Recipient here{context.options.jkt, context.options.public_url};
  std::size_t bytes = 0, written = 0;
  json.open('{').key("kind").text(capture::name(understood.kind));
  json.key("requests").open('[');
  for (const auto& one : understood.requests) {
    // What is common to all is written with each: a short text can stand for a very long answer.
    const std::string core = proxy::to_json(capture::address_to(one.document, here, now));
    bytes += core.size();
    if (bytes > context.options.limits.composed_bytes) break;
    ++written;
    json.open('{').key("core").raw(core);
    if (!one.name.empty()) json.key("name").text(one.name);
    json.key("url").text(one.url).key("secrets").open('[');
    for (const auto& secret : one.secrets)
      json.open('{')
          .key("kind")
          .text(secret.kind)
          .key("origin")
          .text(secret.origin)
          .key("label")
          .text(secret.label)
          .close('}');
    json.close(']').key("notes").open('[');
    for (const auto& note : one.notes) json.text(note);
    json.close(']').close('}');
  }
  json.close(']').key("left_out").open('[');
  for (const auto& [what, why] : understood.left_out)
    json.open('{').key("what").text(what).key("why").text(why).close('}');
  if (const std::size_t too_much = understood.requests.size() - written; too_much > 0)
    json.open('{')
        .key("what")
        .text(fmt::format("{} more", too_much))
        .key("why")
        .text("there is too much in it at once")
        .close('}');
  json.close(']').close('}');
}

bool may_carry_secrets(const http::Peer& peer) {
  return peer.tls || peer.both_loopback || peer.unix_socket;
}

/// On the control loop.
Task<http::Response> look(Context& context, Call call, proxy::Document document) {
  const auto turn = take_turn(context, *call.who);
  if (!turn.allowed) co_return too_often(context, turn, call);
  auto found = co_await context.parts.jobs.look(call.who->account, std::move(document));
  if (!found) {
    auto response = refuse(found.error(), call.request);
    add_rate_headers(context, turn, response);
    co_return response;
  }
  std::string out;
  JsonWriter json(out);
  json.open('{').key("files").open('[');
  for (std::size_t i = 0; i < found->size(); ++i) {
    json.open('{').key("index").number(i).key("probe");
    write_probe(json, found->at(i));
    json.close('}');
  }
  json.close(']').close('}');
  auto response = http::json_response(200, std::move(out));
  response.set("Cache-Control", "no-store");
  add_rate_headers(context, turn, response);
  co_return response;
}

}  // namespace

Task<http::Response> compose(Context& context, Call call) {
  capture::Hint hint;
  if (const auto kind = call.request.query_value("kind")) {
    hint.kind = capture::kind_named(*kind);
    if (!hint.kind) {
      const auto error = fail(Reason::invalid, "this kind is not known",
                              "say urls, curl, har, metalink, aria2 or request, or leave it out")
                             .value();
      co_return refuse(error, call.request);
    }
  }
  // Also what is refused has to be read: it counts.
  auto taking = take_turn_there(context, *call.who);
  const auto turn = co_await std::move(taking);
  if (!turn.allowed) co_return too_often(context, turn, call);
  const auto understood = capture::understand(call.request.body, hint);
  if (!understood) co_return refuse(understood.error(), call.request);
  bool has_secrets = false;
  for (const auto& one : understood->requests) has_secrets |= !one.secrets.empty();
  if (has_secrets && !may_carry_secrets(call.request.peer)) {
    const auto error = fail(Reason::insecure, "there are secrets in it, and this connection has no TLS",
                            "send it over https; what it carried may have been seen on the way")
                           .value();
    co_return refuse(error, call.request);
  }
  std::string out;
  JsonWriter json(out);
  write_understood(json, *understood, context, context.parts.clock.now());
  auto response = http::json_response(200, std::move(out));
  response.set("Cache-Control", "no-store");
  add_rate_headers(context, turn, response);
  co_return response;
}

Task<http::Response> probe(Context& context, Call call) {
  const std::string type = media_type_of(call.request.header("Content-Type"));
  if (type != "application/vnd.restante.proxy+json" && type != "application/json") {
    const auto error = fail(Reason::media_type, "this kind of document is not known here").value();
    co_return refuse(error, call.request);
  }
  auto document = intake::admitted_document(call.request.body, *call.who, carriage_of(call.request.peer),
                                            context.options.jkt, context.parts.clock.now());
  if (!document) co_return refuse(document.error(), call.request);
  const Executor control = context.parts.control;
  auto looking = run_there(control, look(context, std::move(call), std::move(*document)));
  co_return co_await std::move(looking);
}

}  // namespace restante::api
