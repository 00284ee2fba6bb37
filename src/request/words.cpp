// SPDX-License-Identifier: Apache-2.0
#include "request/words.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/zone.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace restante::request {
namespace {

struct StateWords {
  std::string_view state, words;
};
constexpr std::array<StateWords, 13> states{{{"scheduled", "waits for its time"},
                                             {"waiting", "waits"},
                                             {"running", "downloading"},
                                             {"verifying", "checking"},
                                             {"publishing", "saving"},
                                             {"done", "done"},
                                             {"paused", "paused"},
                                             {"held", "needs you"},
                                             {"failed", "failed"},
                                             {"cancelled", "cancelled"},
                                             {"expired", "too late"},
                                             {"pending", "not yet"},
                                             {"posted", "on its way"}}};

constexpr std::array<StateWords, 6> waits{{{"window", "waits for its hours"},
                                           {"slot", "waits for its turn"},
                                           {"retry", "tries again soon"},
                                           {"quota", "waits for room"},
                                           {"origin", "waits for the server"},
                                           {"origin-pause", "waits for the server"}}};

std::string padded(std::string text, std::size_t width) {
  // Width in code points: good enough for columns.
  const auto points = static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  if (points < width) text.append(width - points, ' ');
  return text;
}

std::string left_padded(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string short_id(const std::string& id) {
  return id.substr(0, 8);
}

std::optional<unsigned> percent(std::uint64_t received, std::optional<std::uint64_t> size) {
  if (!size || *size == 0) return std::nullopt;
  return static_cast<unsigned>(
      std::min<double>(100, 100.0 * static_cast<double>(received) / static_cast<double>(*size)));
}

/// At most `points` code points.
std::string cut(const std::string& text, std::size_t points) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && seen++ == points) return text.substr(0, i);
  return text;
}

std::string name_or_id(const Job& job) {
  return job.name.empty() ? "(no name yet)" : shown(job.name);
}

}  // namespace

std::string shown(std::string_view text) {
  return printable(text);
}

std::string reason_words(std::string_view code) {
  for (const auto& known : reason_table)
    if (known.code == code) return std::string(known.words);
  return shown(code);
}

std::string state_words(std::string_view state, std::string_view reason) {
  std::string out(shown(state));
  for (const auto& one : states)
    if (one.state == state) out = one.words;
  if (state == "done" && reason == "complete-unverified") return "done, but unproven";
  if (state == "failed" || state == "held")
    if (!reason.empty()) out += ": " + reason_words(reason);
  return out;
}

std::string state_words(const Job& job) {
  if (job.state == "waiting")
    for (const auto& one : waits)
      if (one.state == job.waiting_for) return std::string(one.words);
  if (job.state == "running")
    if (const auto done = percent(job.received_bytes, job.size_bytes))
      return "downloading " + std::to_string(*done) + " %";
  return state_words(job.state, job.reason);
}

std::string time_words(std::string_view rfc3339, const Zones& zones, Both both) {
  const auto instant = from_rfc3339(rfc3339);
  if (!instant) return shown(rfc3339);
  const Instant seconds = std::chrono::floor<Seconds>(*instant);
  const std::string place = zones.place.empty() ? "UTC" : zones.place;
  std::string out = proxy::local_text(place, seconds);
  const bool same = place == zones.here ||
                    proxy::to_local(place, seconds).offset == proxy::to_local(zones.here, seconds).offset;
  if (same) return out.substr(0, out.rfind(' '));
  if (both == Both::yes) out += " (here " + proxy::local_text(zones.here, seconds) + ")";
  return out;
}

namespace {
/// As time_words, cut to the minute: a list is read by the minute, and fits into 80 columns.
std::string minute_words(const std::string& rfc3339, const Zones& zones) {
  const auto instant = from_rfc3339(rfc3339);
  return time_words(instant ? to_rfc3339(std::chrono::floor<std::chrono::minutes>(*instant)) : rfc3339, zones,
                    Both::no);
}
}  // namespace

std::string job_line(const Job& job, const Zones& zones) {
  // The words behind the colon would make the column too wide; `show` has them.
  const std::string words = state_words(job).substr(0, state_words(job).find(':'));
  std::string size = job.size_bytes ? human_size(*job.size_bytes) : "-";
  const bool later = (job.state == "scheduled" || job.state == "waiting") && !job.next_run.empty();
  return short_id(job.id) + "  " + padded(words, 18) + "  " + left_padded(size, 10) + "  " +
         padded(name_or_id(job), 18) + "  " + (later ? "from " : "") +
         minute_words(later ? job.next_run : job.created, zones);
}

std::string look_first_words(const Job& job) {
  if (!job.look_first) return {};
  const LookFirst& look = *job.look_first;
  if (!look.refused.empty())
    return "the first look found: " +
           (look.message.empty() ? reason_words(look.refused) : shown(look.message));
  std::string out = "found: " + shown(look.name.empty() ? job.name : look.name);
  out += ", " + (look.size_bytes ? human_size(*look.size_bytes) : std::string("size not told"));
  const bool page =
      look.media_type.starts_with("text/html") || look.media_type.starts_with("application/xhtml+xml");
  if (!look.media_type.empty()) out += ", " + shown(look.media_type) + (page ? " (a web page)" : "");
  out += look.resumable ? ", can be resumed" : ", cannot be resumed";
  if (look.web_page) out += "; is that what you wanted, or the page before the file?";
  return out;
}

std::string plan_words(const Job& job, const Zones& zones) {
  if (job.plan.empty() || job.plan == "on-time") return {};
  std::string out = job.plan == "tight" ? "it will be tight" : "it cannot be done in time";
  if (!job.plan_reason.empty()) out += ": " + reason_words(job.plan_reason);
  if (!job.next_run.empty()) out += " (next try " + time_words(job.next_run, zones, Both::yes) + ")";
  return out;
}

std::string job_page(const JobDetail& detail, const Zones& zones) {
  const Job& job = detail.job;
  std::string out;
  const auto row = [&](const char* label, const std::string& text) {
    if (!text.empty()) out += padded(label, 9) + text + "\n";
  };
  row("name", name_or_id(job));
  row("id", job.id);
  row("state", state_words(job));
  row("why", shown(detail.why.empty() ? job.message : detail.why));
  std::string size = job.size_bytes ? human_size(*job.size_bytes) : "";
  if (job.state != "done") size = human_size(job.received_bytes) + (size.empty() ? " so far" : " of " + size);
  row("size", size);
  if (!job.next_run.empty() && !job.ended()) row("next", time_words(job.next_run, zones, Both::yes));
  row("repeats", job.repeat.empty() ? "" : shown(proxy::recurrence_words(job.repeat)));
  row("plan", job.ended() ? "" : plan_words(job, zones));
  row("looked", look_first_words(job));
  if (job.attempt > 1) row("attempt", std::to_string(job.attempt));
  for (const JobFile& file : detail.files) {
    std::string text =
        shown(file.name.empty() ? job.name : file.name) + ", " + state_words(file.state, file.reason);
    if (file.size_bytes) text += ", " + human_size(*file.size_bytes);
    if (!file.sha256.empty()) text += "\n         sha-256 " + shown(file.sha256);
    row("file", text);
  }
  for (const HistoryRow& step : detail.history) {
    std::string text = time_words(step.at, zones, Both::no) + "  " + state_words(step.to, step.reason);
    if (!step.cause.empty()) text += " (" + shown(step.cause) + ")";
    row(&step == &detail.history.front() ? "history" : "", text);
  }
  return out;
}

std::string file_line(const StoredFile& file) {
  const std::string size = file.size_bytes ? std::to_string(*file.size_bytes) : "?";
  if (file.arriving)
    return std::to_string(file.received_bytes) + "/" + size + "\tarriving\t" + shown(file.name);
  return size + "\t" + shown(file.published) + "\t" + shown(file.name);
}

std::string in_options(std::string_view text) {
  struct Option {
    std::string_view pointer, option;
  };
  // Longer pointers first: one may begin like another.
  constexpr std::array<Option, 12> options{{{"/what/files/0/sources/0/url: ", ""},
                                            {"/what/files/0/sources/0/url", "the URL"},
                                            {"/limits/bytes", "--max-size"},
                                            {"/what/files/0/name", "--name"},
                                            {"/what/folder", "--folder"},
                                            {"/when/windows", "--window"},
                                            {"/when/start", "--at"},
                                            {"/when/by", "--by"},
                                            {"/when/repeat", "--every"},
                                            {"/limits/rate", "--limit-rate"},
                                            {"folders go into `path`", "folders go into --folder"},
                                            {"/keep", "--keep"}}};
  std::string out(text);
  for (const Option& one : options)
    if (const auto at = out.find(one.pointer); at != std::string::npos)
      out.replace(at, one.pointer.size(), one.option);
  return out;
}

std::string progress_line(const Progress& progress) {
  std::string out = shown(progress.name) + ": ";
  const auto done = percent(progress.received_bytes, progress.size_bytes);
  if (done)
    out += std::to_string(*done) + " % of " + human_size(*progress.size_bytes);
  else
    out += human_size(progress.received_bytes);
  if (progress.bytes_per_s && *progress.bytes_per_s > 0)
    out += ", " + human_size(*progress.bytes_per_s) + "/s";
  if (!progress.words.empty()) out += ", " + progress.words;
  return out;
}

std::string progress_bar(const Progress& progress, std::size_t columns) {
  constexpr std::size_t name_width = 18, bar_width = 16;  // the whole fits into 80 columns
  constexpr std::size_t room_for_bar = 66;                // a narrower terminal gets the figures alone
  std::string out = padded(cut(shown(progress.name), name_width), name_width) + "  ";
  const auto done = percent(progress.received_bytes, progress.size_bytes);
  if (!progress.words.empty()) {
    out += progress.words;
  } else if (done) {
    const std::size_t full = *done * bar_width / 100;
    if (columns >= room_for_bar)
      out += "[" + std::string(full, '#') + std::string(bar_width - full, ' ') + "] ";
    out += left_padded(std::to_string(*done), 3) + " %  " + human_size(progress.received_bytes) + " of " +
           human_size(*progress.size_bytes);
  } else {
    out += human_size(progress.received_bytes);
  }
  if (progress.words.empty() && progress.bytes_per_s && *progress.bytes_per_s > 0)
    out += "  " + human_size(*progress.bytes_per_s) + "/s";
  return cut(out, columns);
}

}  // namespace restante::request
