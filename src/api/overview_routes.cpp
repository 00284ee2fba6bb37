// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "base/text.hpp"
#include "jobs/overview_records.hpp"
#include "proxy/zone.hpp"

#include <charconv>
#include <map>

// What an administrator sees of the whole place: numbers, never names, addresses or whose they are
// (THREATS.md P11).
namespace restante::api {

namespace {

using jobs::Amount;
using jobs::OverviewRecords;

constexpr int usual_days = 7;

/// The beginning of the day at the place in which `now` lies, `ago` days before.
Result<Instant> midnight(const std::string& zone, Instant now, int ago) {
  const auto local = proxy::to_local(zone, now);
  using namespace std::chrono;
  const sys_days today{year{local.year} / static_cast<unsigned>(local.month) /
                       static_cast<unsigned>(local.day)};
  const year_month_day day{today - days{ago}};
  proxy::LocalTime begin;
  begin.year = static_cast<int>(day.year());
  begin.month = static_cast<int>(static_cast<unsigned>(day.month()));
  begin.day = static_cast<int>(static_cast<unsigned>(day.day()));
  return proxy::to_instant(zone, begin);
}

std::string date_of(const std::string& zone, Instant at) {
  const auto local = proxy::to_local(zone, at);
  return fmt::format("{:04}-{:02}-{:02}", local.year, local.month, local.day);
}

/// The full hour of the place's clocks in which `at` lies.
Instant hour_of(const std::string& zone, Instant at) {
  const auto local = proxy::to_local(zone, at);
  return at - std::chrono::minutes(local.minute % 60) - Seconds(local.second);
}

/// `days` of the query; error invalid.
Result<int> days_wanted(const http::Request& request, int most) {
  const auto text = request.query_value("days");
  if (!text) return std::min(usual_days, most);
  int days = 0;
  const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), days);
  if (error != std::errc() || rest != text->data() + text->size() || days < 1 || days > most)
    return fail(Reason::invalid, "days is not a number of days that are kept",
                fmt::format("give 1 to {}", most));
  return days;
}

void write_amount(JsonWriter& json, const Amount& amount) {
  json.key("downloads").number(amount.downloads).key("bytes").number(amount.bytes);
  json.key("unknown").number(amount.unknown);
}

std::string_view name(Condition::Mail mail) {
  switch (mail) {
    case Condition::Mail::off:
      return "off";
    case Condition::Mail::ok:
      return "ok";
    case Condition::Mail::failing:
      return "failing";
  }
  return "";
}

struct Warning {
  std::string_view code;
  std::string what, hint;
};

std::vector<Warning> warnings_of(const ApiLimits& limits, const files::Areas::Volume& volume,
                                 const Condition& condition, Instant now) {
  std::vector<Warning> out;
  if (volume.free_bytes <= volume.reserve_bytes)
    out.push_back({"disk-full", "the disk is full: nothing new is fetched",
                   "make room: delete files, or give the place a larger disk"});
  else if (volume.free_bytes - volume.reserve_bytes <
           volume.total_bytes / 100 * static_cast<std::uint64_t>(limits.low_disk_percent))
    out.push_back({"disk-low", "little room is left on the disk",
                   "make room soon: delete files, or set quotas for the users"});
  if (condition.mail == Condition::Mail::failing)
    out.push_back({"mail", "the last mail could not be sent",
                   "`restanted check` at the place says what the mail server answers"});
  if (condition.mailbox == Condition::Mail::failing)
    out.push_back({"mailbox", "the mailbox for requests cannot be asked",
                   "`restanted check` at the place says what its server answers"});
  if (condition.certificate_until && *condition.certificate_until < now)
    out.push_back({"certificate-over", "the certificate has expired: browsers refuse to connect",
                   "put the new files where [tls] in the configuration says"});
  else if (condition.certificate_until && *condition.certificate_until - now < limits.certificate_ends_soon)
    out.push_back({"certificate-ends", "the certificate expires soon",
                   "renew it, and put the new files where [tls] in the configuration says"});
  if (condition.store_faults > 0)
    out.push_back({"store", "the database is damaged in places",
                   "`restanted check` at the place says where; have a backup ready"});
  return out;
}

struct WeekPlan {
  std::vector<OverviewRecords::Planned> planned;
  Amount running, later;
};

template <class T>
Task<Result<T>> read_overview(Context& context, std::function<Result<T>(OverviewRecords&)> look) {
  if (context.parts.database == nullptr) co_return fail(Reason::internal, "there is no store to look into");
  std::function<Result<T>(Tx&)> work = [look = std::move(look)](Tx& tx) -> Result<T> {
    return look(tx.repo<OverviewRecords>());
  };
  co_return co_await context.parts.database->read_value<T>(std::move(work));
}

http::Response fresh(std::string body) {
  auto response = http::json_response(200, std::move(body));
  response.set("Cache-Control", "no-store");
  return response;
}

}  // namespace

Task<http::Response> show_health(Context& context, Call call) {
  const ApiOptions& options = context.options;
  const Instant now = context.parts.clock.now();
  auto volume = co_await context.parts.areas.volume();
  if (!volume) co_return refuse(volume.error(), call.request);
  std::function<Result<OverviewRecords::Unended>(OverviewRecords&)> look = [](OverviewRecords& records) {
    return records.unended();
  };
  auto unended = co_await read_overview<OverviewRecords::Unended>(context, look);
  if (!unended) co_return refuse(unended.error(), call.request);
  const Condition condition = options.condition ? options.condition() : Condition{};
  std::string out;
  JsonWriter json(out);
  json.open('{').key("version").text(RESTANTE_VERSION);
  json.key("started").text(to_rfc3339(context.started)).key("now").text(to_rfc3339(now));
  json.key("tz").text(options.time_zone);
  json.key("disk").open('{').key("free_bytes").number(volume->free_bytes);
  json.key("total_bytes").number(volume->total_bytes);
  json.key("reserve_bytes").number(volume->reserve_bytes).close('}');
  json.key("downloads").open('{').key("running").number(unended->running);
  json.key("waiting").number(unended->waiting).key("scheduled").number(unended->scheduled);
  json.key("paused").number(unended->paused).key("held").number(unended->held).close('}');
  json.key("workers").number(condition.workers).key("mail").text(name(condition.mail));
  json.key("mailbox").text(name(condition.mailbox));
  if (condition.certificate_until)
    json.key("certificate").open('{').key("until").text(to_rfc3339(*condition.certificate_until)).close('}');
  json.key("warnings").open('[');
  for (const auto& warning : warnings_of(options.limits, *volume, condition, now)) {
    json.open('{').key("code").text(warning.code).key("what").text(warning.what);
    json.key("hint").text(warning.hint).close('}');
  }
  json.close(']').close('}');
  co_return fresh(std::move(out));
}

Task<http::Response> show_failures(Context& context, Call call) {
  const std::string& zone = context.options.time_zone;
  const Instant now = context.parts.clock.now();
  const auto days = days_wanted(call.request, context.options.limits.failure_days);
  if (!days) co_return refuse(days.error(), call.request);
  const auto since = midnight(zone, now, *days - 1);
  if (!since) co_return refuse(since.error(), call.request);
  std::function<Result<std::vector<OverviewRecords::Failures>>(OverviewRecords&)> look =
      [since = *since](OverviewRecords& records) { return records.failures(since); };
  auto failures = co_await read_overview<std::vector<OverviewRecords::Failures>>(context, look);
  if (!failures) co_return refuse(failures.error(), call.request);
  std::map<std::string, std::map<Reason, std::int64_t>> by_day;
  for (int ago = *days - 1; ago >= 0; --ago)
    if (const auto begin = midnight(zone, now, ago)) by_day[date_of(zone, *begin)];
  for (const auto& one : *failures) by_day[date_of(zone, one.slot)][one.reason] += one.count;
  std::string out;
  JsonWriter json(out);
  json.open('{').key("tz").text(zone).key("days").open('[');
  for (const auto& [date, reasons] : by_day) {
    json.open('{').key("date").text(date).key("reasons").open('{');
    for (const auto& [reason, count] : reasons) json.key(code(reason)).number(count);
    json.close('}').close('}');
  }
  json.close(']').close('}');
  co_return fresh(std::move(out));
}

Task<http::Response> show_week(Context& context, Call call) {
  const std::string& zone = context.options.time_zone;
  const Instant now = context.parts.clock.now();
  const Instant begin = hour_of(zone, now);
  const Instant until = begin + std::chrono::hours(24 * context.options.limits.week_days);
  std::function<Result<WeekPlan>(OverviewRecords&)> look =
      [now, until](OverviewRecords& records) -> Result<WeekPlan> {
    auto planned = records.planned(now, until);
    if (!planned) return fail(planned.error());
    auto running = records.running();
    if (!running) return fail(running.error());
    auto later = records.planned_from(until);
    if (!later) return fail(later.error());
    return WeekPlan{std::move(*planned), *running, *later};
  };
  auto plan = co_await read_overview<WeekPlan>(context, look);
  if (!plan) co_return refuse(plan.error(), call.request);
  std::map<Instant, Amount> hours;
  for (const auto& one : plan->planned) hours[std::max(begin, hour_of(zone, one.slot))] += one.amount;
  std::string out;
  JsonWriter json(out);
  json.open('{')
      .key("tz")
      .text(zone)
      .key("begin")
      .text(to_rfc3339(begin))
      .key("until")
      .text(to_rfc3339(until));
  json.key("running").open('{');
  write_amount(json, plan->running);
  json.close('}').key("hours").open('[');
  for (const auto& [at, amount] : hours) {
    json.open('{').key("at").text(to_rfc3339(at));
    write_amount(json, amount);
    json.close('}');
  }
  json.close(']').key("later").open('{');
  write_amount(json, plan->later);
  json.close('}').close('}');
  co_return fresh(std::move(out));
}

}  // namespace restante::api
