// SPDX-License-Identifier: Apache-2.0
#include "api/job_patch.hpp"

#include "api/body.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace restante::api {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> weekdays{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::size_t max_windows = 64;
constexpr std::size_t max_sources = 16;

tl::unexpected<Error> wrong(const std::string& pointer, std::string_view what) {
  return fail(Reason::invalid, fmt::format("{} is not {}", pointer, what), "", pointer);
}

/// "HH:MM", and 24:00 where it may be.
std::optional<int> minute_of_day(std::string_view text, int last) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 100; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hours = digit(0) * 10 + digit(1), minutes = digit(3) * 10 + digit(4);
  if (hours > 24 || minutes > 59 || hours * 60 + minutes > last) return std::nullopt;
  return hours * 60 + minutes;
}

Result<proxy::Window> read_window(const json::value& value, const std::string& pointer) {
  if (!value.is_object()) return wrong(pointer, "a window");
  proxy::Window window;
  const auto minute = [&](const char* key, int last) -> std::optional<int> {
    const auto* found = value.as_object().if_contains(key);
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return minute_of_day(std::string_view(found->as_string()), last);
  };
  const auto from = minute("from", 1439), to = minute("to", 1440);
  if (!from) return wrong(pointer + "/from", "a time of day");
  if (!to) return wrong(pointer + "/to", "a time of day");
  window.from_minute = *from;
  window.to_minute = *to;
  for (const auto& member : value.as_object()) {
    const std::string_view key = member.key();
    if (key == "from" || key == "to") continue;
    if (key != "days" || !member.value().is_array()) return wrong(pointer + "/" + std::string(key), "known");
    for (const auto& day : member.value().as_array()) {
      const auto found = day.is_string()
                             ? std::find(weekdays.begin(), weekdays.end(), std::string_view(day.as_string()))
                             : weekdays.end();
      if (found == weekdays.end()) return wrong(pointer + "/days", "a list of MO to SU");
      window.days.push_back(static_cast<proxy::Weekday>(found - weekdays.begin()));
    }
  }
  return window;
}

Result<std::vector<proxy::Window>> read_windows(const json::value& value) {
  std::vector<proxy::Window> windows;
  if (value.is_null()) return windows;
  if (!value.is_array() || value.as_array().size() > max_windows)
    return wrong("/when/windows", "a list of windows");
  for (std::size_t i = 0; i < value.as_array().size(); ++i) {
    auto window = read_window(value.as_array()[i], fmt::format("/when/windows/{}", i));
    if (!window) return fail(window.error());
    windows.push_back(std::move(*window));
  }
  return windows;
}

/// Text, or null to take it away.
Result<std::optional<std::string>> read_instant(const json::value& value, const std::string& pointer) {
  if (value.is_null()) return std::optional<std::string>();
  if (!value.is_string() || value.as_string().size() > 128) return wrong(pointer, "an instant or null");
  return std::optional<std::string>(std::string(value.as_string()));
}

Result<void> read_when(const json::value& value, jobs::Change& change) {
  if (!value.is_object()) return wrong("/when", "an object");
  for (const auto& member : value.as_object()) {
    const std::string_view key = member.key();
    const std::string pointer = "/when/" + std::string(key);
    if (key == "start" || key == "by") {
      auto text = read_instant(member.value(), pointer);
      if (!text) return fail(text.error());
      (key == "start" ? change.start : change.by) = std::move(*text);
    } else if (key == "windows") {
      auto windows = read_windows(member.value());
      if (!windows) return fail(windows.error());
      change.windows = std::move(*windows);
    } else if (key == "tz") {
      if (!member.value().is_string() && !member.value().is_null()) return wrong(pointer, "a time zone");
      change.tz = member.value().is_null() ? "" : std::string(member.value().as_string());
    } else {
      return wrong(pointer, "a member that can be changed");
    }
  }
  return {};
}

Result<void> read_limits(const json::value& value, jobs::Change& change) {
  if (!value.is_object()) return wrong("/limits", "an object");
  for (const auto& member : value.as_object()) {
    const std::string pointer = "/limits/" + std::string(member.key());
    if (member.key() != "rate") return wrong(pointer, "a member that can be changed");
    if (member.value().is_null()) {
      change.rate_bytes_per_s = std::optional<std::uint64_t>();
    } else if (member.value().is_int64() && member.value().as_int64() > 0) {
      change.rate_bytes_per_s = static_cast<std::uint64_t>(member.value().as_int64());
    } else {
      return wrong(pointer, "a number of bytes a second");
    }
  }
  return {};
}

Result<std::vector<std::string>> read_sources(const json::value& value) {
  if (!value.is_array() || value.as_array().empty() || value.as_array().size() > max_sources)
    return wrong("/sources", fmt::format("a list of 1 to {} links", max_sources));
  std::vector<std::string> urls;
  for (std::size_t i = 0; i < value.as_array().size(); ++i) {
    const auto* source = value.as_array()[i].if_object();
    const auto* url = source != nullptr ? source->if_contains("url") : nullptr;
    if (url == nullptr || !url->is_string() || source->size() != 1)
      return wrong(fmt::format("/sources/{}", i), "an object with one member, url");
    urls.emplace_back(url->as_string());
  }
  return urls;
}

}  // namespace

Result<jobs::Change> read_change(const http::Request& request) {
  auto body = read_object(request, {"application/merge-patch+json", "application/json"},
                          {"when", "name", "folder", "limits", "sources"});
  if (!body) return fail(body.error());
  jobs::Change change;
  auto name = read_text(*body, "name", 255);
  if (!name) return fail(name.error());
  change.name = std::move(*name);
  auto folder = read_text(*body, "folder", 4096);
  if (!folder) return fail(folder.error());
  change.folder = std::move(*folder);
  if (const auto* when = body->if_contains("when"))
    if (auto read = read_when(*when, change); !read) return fail(read.error());
  if (const auto* limits = body->if_contains("limits"))
    if (auto read = read_limits(*limits, change); !read) return fail(read.error());
  if (const auto* sources = body->if_contains("sources")) {
    auto urls = read_sources(*sources);
    if (!urls) return fail(urls.error());
    change.sources = std::move(*urls);
  }
  return change;
}

}  // namespace restante::api
