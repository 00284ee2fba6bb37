// SPDX-License-Identifier: Apache-2.0
// Random rules: the same days as libical finds. At noon, where no clock is changed: there libical takes the
// second of two equal times, against RFC 5545 §3.3.5, and recurrence_test.cpp has tables instead.
#include "proxy/recurrence.hpp"
#include "proxy/zone.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <libical/ical.h>
#include <random>

namespace restante::proxy {
namespace {

constexpr int rules_tried = 150;
constexpr std::size_t compared = 25;
constexpr int last_year = 2045;
constexpr std::array<const char*, 10> zones{
    "Europe/Paris",      "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu",   "Australia/Lord_Howe",
    "Africa/Casablanca", "Pacific/Auckland", "Asia/Tokyo",        "America/St_Johns", "UTC"};

class Random {
public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int from(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  bool chance(int percent) { return from(1, 100) <= percent; }

private:
  std::mt19937 engine_;
};

std::string some_days(Random& random, bool numbered) {
  constexpr std::array<const char*, 7> codes{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
  std::string out;
  const int first = random.from(0, 6), count = random.from(1, 3);
  for (int i = 0; i < count; ++i) {
    int ordinal = numbered && random.chance(60) ? random.from(1, 4) : 0;
    if (random.chance(40)) ordinal = -ordinal;
    out += (i == 0 ? "" : ",") + (ordinal == 0 ? std::string() : std::to_string(ordinal)) +
           codes.at(static_cast<std::size_t>((first + i * 2) % 7));
  }
  return out;
}

std::string some_month_days(Random& random, bool from_the_end) {
  std::string out;
  const int count = random.from(1, 3);
  for (int i = 0; i < count; ++i) {
    const int day = random.from(1, 10) + 10 * i + (i == 2 ? 1 : 0);
    out += (i == 0 ? "" : ",") + std::to_string(from_the_end && random.chance(30) ? -day : day);
  }
  return out;
}

std::string some_rule(Random& random) {
  const int kind = random.from(0, 2);
  std::string rule = kind == 0 ? "FREQ=DAILY" : kind == 1 ? "FREQ=WEEKLY" : "FREQ=MONTHLY";
  // Weeks begin with Sunday in libical 3.0.16, whatever WKST says: where a rule leaves weeks out it finds
  // other ones than RFC 5545 §3.8.5.3.
  if (kind != 1 && random.chance(50))
    rule += ";INTERVAL=" + std::to_string(random.from(1, kind == 0 ? 40 : 7));
  const bool days = random.chance(50);
  if (days) rule += ";BYDAY=" + some_days(random, kind == 2);
  // libical numbers days with BYMONTHDAY beside them in a way of its own, and knows no days from the end of
  // the month in daily rules.
  if (kind != 1 && random.chance(40) &&
      rule.find_first_of("0123456789", rule.find("BYDAY")) == std::string::npos)
    rule += ";BYMONTHDAY=" + some_month_days(random, kind == 2);
  if (random.chance(20))
    rule += ";COUNT=" + std::to_string(random.from(1, 20));
  else if (random.chance(20))
    rule += fmt::format(";UNTIL={}{:02}{:02}T120000", random.from(2027, 2029), random.from(1, 12),
                        random.from(1, 28));
  return rule;
}

using Days = std::vector<std::string>;

Days by_libical(const std::string& rule, const LocalTime& start) {
  Days out;
  const auto text = fmt::format("{:04}{:02}{:02}T120000", start.year, start.month, start.day);
  const icalrecurrencetype recurrence = icalrecurrencetype_from_string(rule.c_str());
  icalrecur_iterator* iterator = icalrecur_iterator_new(recurrence, icaltime_from_string(text.c_str()));
  if (iterator == nullptr) return {"libical refuses it"};
  for (auto at = icalrecur_iterator_next(iterator);
       !icaltime_is_null_time(at) && out.size() < compared && at.year <= last_year;
       at = icalrecur_iterator_next(iterator))
    out.push_back(
        fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", at.year, at.month, at.day, at.hour, at.minute));
  icalrecur_iterator_free(iterator);
  return out;
}

Days by_us(const std::string& text, const char* zone, const LocalTime& start) {
  const auto rule = parse_recurrence(text);
  if (!rule) return {rule.error().message};
  const Instant first = to_instant(zone, start).value();
  Days out;
  for (auto at = next_occurrence(*rule, zone, first, first - Millis(1)); at && out.size() < compared;
       at = next_occurrence(*rule, zone, first, *at)) {
    const std::string local = local_text(zone, *at);
    if (to_local(zone, *at).year > last_year) break;
    out.push_back(local.substr(0, local.rfind(' ')));
  }
  return out;
}

TEST(RecurrenceOracle, FindsTheDaysThatLibicalFinds) {
  const char* given = std::getenv("RESTANTE_SEED");
  const unsigned seed = given == nullptr ? 20261122 : static_cast<unsigned>(std::atoi(given));
  std::printf("seed %u\n", seed);
  Random random(seed);
  std::size_t occurrences = 0;
  for (int i = 0; i < rules_tried; ++i) {
    const std::string rule = some_rule(random);
    LocalTime start;
    start.year = random.from(2024, 2027);
    start.month = random.from(1, 12);
    start.day = random.from(1, 28);
    start.minute = 12 * 60;
    const char* zone = zones.at(static_cast<std::size_t>(random.from(0, zones.size() - 1)));

    const Days wanted = by_libical(rule, start);
    occurrences += wanted.size();

    ASSERT_EQ(by_us(rule, zone, start), wanted)
        << rule << " from " << start.year << "-" << start.month << "-" << start.day << " in " << zone;
  }
  EXPECT_GT(occurrences, static_cast<std::size_t>(rules_tried) * 8) << "most of them come often";
}

}  // namespace
}  // namespace restante::proxy
