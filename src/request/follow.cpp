// SPDX-License-Identifier: Apache-2.0
#include "request/follow.hpp"

#include "request/events.hpp"
#include "request/json.hpp"
#include "request/outbox.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <thread>

namespace restante::request {
namespace {

std::optional<Update> read_update(const Event& event) {
  auto object = json::parse_object(event.data, "an event");
  if (!object) return std::nullopt;
  Update out;
  out.type = event.type;
  out.job = json::text(*object, "job");
  out.name = json::text(*object, "name");
  out.from = json::text(*object, "from");
  out.to = json::text(*object, "to");
  out.cause = json::text(*object, "cause");
  out.reason = json::text(*object, "reason");
  out.received_bytes = json::number(*object, "received_bytes").value_or(0);
  out.size_bytes = json::number(*object, "size_bytes");
  out.bytes_per_s = json::number(*object, "bytes_per_s");
  (*object)["event"] = event.type;
  out.json = json::bj::serialize(*object);
  return out;
}

}  // namespace

Result<void> follow(Calls& calls, const Follow& what) {
  using Clock = std::chrono::steady_clock;
  bool go_on = true;
  EventReader reader([&](const Event& event) {
    if (const auto update = read_update(event); update && go_on) go_on = what.take(*update);
  });
  auto last_contact = Clock::now();
  bool told = false;
  while (true) {
    reader.restart();
    net::ClientRequest request;
    request.headers = {{"Accept", "text/event-stream"}};
    if (!reader.last_id().empty()) request.headers.emplace_back("Last-Event-ID", reader.last_id());
    request.stall_time = what.limits.silence;
    request.on_head = [&](int, const auto&) {
      last_contact = Clock::now();
      told = false;
      go_on = what.connected();
    };
    request.on_body = [&](std::string_view piece) {
      last_contact = Clock::now();
      if (go_on) reader.feed(piece);
      return go_on;
    };
    auto answer = calls.stream(what.job ? "/v1/events?job=" + *what.job : "/v1/events", std::move(request));
    if (!go_on) return {};
    Error error =
        answer ? fail(Reason::unreachable, "the place ended the connection").value() : answer.error();
    if (!error.transient || Clock::now() - last_contact > what.limits.give_up) return fail(std::move(error));
    if (!told && what.cut) what.cut(error);
    told = true;
    std::this_thread::sleep_for(
        std::min(reader.retry().value_or(what.limits.retry), what.limits.longest_retry));
  }
}

}  // namespace restante::request
