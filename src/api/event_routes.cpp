// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/json_views.hpp"

#include <boost/asio/post.hpp>

#include <charconv>

namespace restante::api {

namespace {

/// One watcher. Made on the control loop and destroyed there, because the subscription lives there.
struct EventStream {
  Context& context;
  accounts::Principal who;
  std::unique_ptr<jobs::Subscription> subscription;
  bool begun = false;
};
using SharedStream = std::shared_ptr<EventStream>;
using Subscribed = Result<std::unique_ptr<jobs::Subscription>>;

SharedStream make_stream(Context& context, accounts::Principal who,
                         std::unique_ptr<jobs::Subscription> events) {
  const auto destroy = [control = context.parts.control](EventStream* stream) {
    std::unique_ptr<EventStream> owner(stream);
    asio::post(control, [owner = std::move(owner)] {});
  };
  return SharedStream(new EventStream{context, std::move(who), std::move(events)}, destroy);
}

/// On the control loop: the text of the next event, or a heartbeat; nullopt when the watcher has to come
/// again.
Task<std::optional<std::string>> pull(SharedStream stream) {
  const ApiParts& parts = stream->context.parts;
  auto event = co_await stream->subscription->next(stream->context.options.limits.heartbeat);
  if (!event || stream->context.closed) co_return std::nullopt;
  // Whoever may not come in any more hears nothing that happened since.
  if (!parts.accounts.snapshot()->alive(stream->who, parts.clock.now())) co_return std::nullopt;
  if (*event) co_return event_text(**event);
  co_return ": \n\n";
}

Task<std::optional<std::string>> next_text(SharedStream stream) {
  if (!std::exchange(stream->begun, true)) co_return "retry: 3000\n\n";
  const Executor control = stream->context.parts.control;
  auto pulling = run_there(control, pull(stream));
  co_return co_await std::move(pulling);
}

/// On the control loop.
Task<Result<SharedStream>> subscribe(Context& context, accounts::Principal who, std::optional<JobId> job,
                                     std::optional<std::int64_t> after) {
  Subscribed events = co_await context.parts.jobs.subscribe(who.account, job, after);
  if (!events) co_return fail(events.error());
  co_return make_stream(context, std::move(who), std::move(*events));
}

std::optional<std::int64_t> sequence(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

Task<http::Response> events(Context& context, Call call) {
  std::optional<JobId> job;
  if (const auto wanted = call.request.query_value("job")) {
    job = JobId::parse(*wanted);
    if (!job) co_return refuse(nothing_there("job"), call.request);
  }
  const auto after = sequence(call.request.header("Last-Event-ID"));
  auto subscribing = run_there(context.parts.control, subscribe(context, *call.who, job, after));
  auto stream = co_await std::move(subscribing);
  if (!stream) co_return refuse(hide_foreign(stream.error(), "job"), call.request);
  http::Response response;
  response.set("Content-Type", "text/event-stream");
  response.set("X-Accel-Buffering", "no");
  http::StreamBody body;
  body.next = [shared = *stream] { return next_text(shared); };
  response.body = std::move(body);
  co_return response;
}

}  // namespace restante::api
