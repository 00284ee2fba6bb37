// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/job_patch.hpp"
#include "api/json_views.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace restante::api {

namespace {

http::Response job_answer(const jobs::JobView& view) {
  std::string out;
  JsonWriter json(out);
  write_job(json, view);
  auto response = http::json_response(200, std::move(out));
  response.set("ETag", fmt::format("\"{}\"", view.job.version));
  return response;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<jobs::JobFilter> read_filter(const http::Request& request, const ApiLimits& limits) {
  jobs::JobFilter filter;
  filter.limit = limits.usual_page;
  if (const auto limit = request.query_value("limit")) {
    const auto number = whole_number(*limit);
    if (!number || *number < 1 || *number > limits.longest_page)
      return fail(Reason::invalid, fmt::format("limit is not a number from 1 to {}", limits.longest_page));
    filter.limit = static_cast<int>(*number);
  }
  filter.cursor = std::string(request.query_value("cursor").value_or(""));
  std::string_view states = request.query_value("state").value_or("");
  while (!states.empty()) {
    const auto end = std::min(states.find(','), states.size());
    const auto state = jobs::state_from_name(states.substr(0, end));
    if (!state) return fail(Reason::invalid, "state names a state that does not exist");
    filter.states.push_back(*state);
    states.remove_prefix(std::min(end + 1, states.size()));
  }
  return filter;
}

/// N of "Prefer: wait=N" (RFC 7240 §4.3), bounded; none without it.
std::optional<Millis> wanted_wait(const http::Request& request, Seconds longest) {
  std::string_view value = request.header("Prefer");
  const auto at = value.find("wait=");
  if (at == std::string_view::npos) return std::nullopt;
  value.remove_prefix(at + 5);
  const auto number = whole_number(value.substr(0, value.find_first_not_of("0123456789")));
  if (!number || *number < 0) return std::nullopt;
  return Millis{Seconds{std::min<std::int64_t>(*number, longest.count())}};
}

/// Waits in short pieces, because whoever waits may lose the right to the answer meanwhile.
Task<Result<jobs::JobView>> looked_at(Context& context, accounts::Principal who, JobId id, Millis wait) {
  using Steady = std::chrono::steady_clock;
  const auto until = Steady::now() + wait;
  for (;;) {
    const auto begun = Steady::now();
    const auto left = std::chrono::ceil<Millis>(until - begun);
    const Millis piece = std::clamp(left, Millis{0}, context.options.limits.wait_piece);
    auto view = co_await context.parts.jobs.find_looked_at(who.account, id, piece);
    const auto now = Steady::now();
    const bool timed_out = now - begun >= piece;
    if (!view || !timed_out || now >= until ||
        !context.parts.accounts.snapshot()->alive(who, context.parts.clock.now()))
      co_return view;
  }
}

Task<http::Response> act(Context& context, Call call, jobs::Action action) {
  const auto id = JobId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("job"), call.request);
  auto view = co_await context.parts.jobs.act(call.who->account, *id, action);
  if (!view) co_return refuse(hide_foreign(view.error(), "job"), call.request);
  co_return job_answer(*view);
}

}  // namespace

Task<http::Response> list_jobs(Context& context, Call call) {
  auto filter = read_filter(call.request, context.options.limits);
  if (!filter) co_return refuse(filter.error(), call.request);
  auto page = co_await context.parts.jobs.list_views(call.who->account, *filter);
  if (!page) co_return refuse(page.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('[');
  for (const auto& view : page->views) write_job(json, view);
  json.close(']');
  auto response = http::json_response(200, std::move(out));
  if (!page->next_cursor.empty()) {
    std::string link = fmt::format("</v1/jobs?cursor={}&limit={}", page->next_cursor, filter->limit);
    if (const auto state = call.request.query_value("state"); state && !state->empty())
      link += "&state=" + std::string(*state);
    response.set("Link", link + ">; rel=\"next\"");
  }
  co_return response;
}

Task<http::Response> show_job(Context& context, Call call) {
  const auto id = JobId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("job"), call.request);
  jobs::Service& service = context.parts.jobs;
  const auto wait = wanted_wait(call.request, context.options.limits.longest_wait);
  const AccountId account = call.who->account;
  auto looking = wait ? looked_at(context, *call.who, *id, *wait) : service.find(account, *id);
  auto view = co_await std::move(looking);
  if (!view) co_return refuse(hide_foreign(view.error(), "job"), call.request);
  auto history = co_await service.history(account, *id);
  if (!history) co_return refuse(hide_foreign(history.error(), "job"), call.request);
  std::string out;
  JsonWriter json(out);
  const JobDetail detail{*history, service.why(*view)};
  write_job(json, *view, detail);
  auto response = http::json_response(200, std::move(out));
  response.set("ETag", fmt::format("\"{}\"", view->job.version));
  if (wait) response.set("Preference-Applied", fmt::format("wait={}", wait->count() / 1000));
  co_return response;
}

Task<http::Response> job_rates(Context& context, Call call) {
  const auto id = JobId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("job"), call.request);
  auto rates = co_await context.parts.jobs.rates(call.who->account, *id);
  if (!rates) co_return refuse(hide_foreign(rates.error(), "job"), call.request);
  std::string out;
  JsonWriter json(out);
  write_rates(json, *rates);
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> change_job(Context& context, Call call) {
  const auto if_match = call.request.header("If-Match");
  if (if_match.empty()) {
    const auto error = fail(Reason::precondition_required, "a change must say which version it changes");
    co_return refuse(error.value(), call.request);
  }
  auto change = read_change(call.request);
  if (!change) co_return refuse(change.error(), call.request);
  const auto id = JobId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("job"), call.request);
  std::optional<std::int64_t> version;
  if (if_match.size() > 2 && if_match.front() == '"' && if_match.back() == '"')
    version = whole_number(if_match.substr(1, if_match.size() - 2));
  // A version that never was one is as stale as any other; the job is looked for first, so that a foreign one
  // is not told from an unknown one.
  if (if_match == "*") {  // RFC 9110 §13.1.1: any present version
    auto present = co_await context.parts.jobs.find(call.who->account, *id);
    if (present) version = present->job.version;
  }
  auto view = co_await context.parts.jobs.change(call.who->account, *id, *change, version.value_or(-1));
  if (!view) co_return refuse(hide_foreign(view.error(), "job"), call.request);
  co_return job_answer(*view);
}

Task<http::Response> remove_job(Context& context, Call call) {
  const auto id = JobId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("job"), call.request);
  auto done = co_await context.parts.jobs.remove(call.who->account, *id);
  if (!done) co_return refuse(hide_foreign(done.error(), "job"), call.request);
  co_return no_content();
}

Task<http::Response> pause_job(Context& context, Call call) {
  return act(context, std::move(call), jobs::Action::pause);
}
Task<http::Response> resume_job(Context& context, Call call) {
  return act(context, std::move(call), jobs::Action::resume);
}
Task<http::Response> retry_job(Context& context, Call call) {
  return act(context, std::move(call), jobs::Action::retry);
}
Task<http::Response> run_job_now(Context& context, Call call) {
  return act(context, std::move(call), jobs::Action::now);
}
Task<http::Response> cancel_job(Context& context, Call call) {
  return act(context, std::move(call), jobs::Action::cancel);
}

/// Releases a job that is held for a person; anything else has nothing to be approved.
Task<http::Response> approve_job(Context& context, Call call) {
  const auto id = JobId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("job"), call.request);
  auto view = co_await context.parts.jobs.find(call.who->account, *id);
  if (!view) co_return refuse(hide_foreign(view.error(), "job"), call.request);
  if (view->job.state != jobs::State::held) {
    const auto error = fail(
        Reason::conflict,
        fmt::format("this download does not wait for an approval: it is {}", jobs::name(view->job.state)));
    co_return refuse(error.value(), call.request);
  }
  auto acting = act(context, std::move(call), jobs::Action::resume);
  co_return co_await std::move(acting);
}

}  // namespace restante::api
