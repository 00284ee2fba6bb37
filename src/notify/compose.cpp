// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "base/unicode.hpp"
#include "notify/facts.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace restante::notify {
namespace {

namespace json = boost::json;

std::string quoted(const std::string& name) {
  return "\"" + printable(name) + "\"";
}

std::string why(const Facts& facts) {
  if (!facts.reason) return {};
  std::string text = ": " + std::string(info(*facts.reason).words);
  if (!facts.detail.empty() && facts.detail != info(*facts.reason).words)
    text += " (" + printable(facts.detail) + ")";
  return text;
}

std::string remedy(const Facts& facts) {
  if (!facts.reason || info(*facts.reason).remedy.empty()) return {};
  return " What helps: " + std::string(info(*facts.reason).remedy) + ".";
}

std::string title_of(const Facts& facts) {
  if (facts.gathered_count > 0)
    return fmt::format("Restante: news of {} downloads", facts.gathered_count + 1);
  switch (facts.event) {
    case Event::job_done:
      return facts.file_count > 1 ? "Restante: downloads are here" : "Restante: a download is here";
    case Event::job_failed:
      return "Restante: a download failed";
    case Event::job_late:
      return "Restante: a download is late";
    case Event::job_needs_you:
      return "Restante: a download needs you";
    case Event::account_quota:
      return "Restante: there is no room left for you";
    case Event::stay_ending:
      return "Restante: your stay ends, and your files with it";
    case Event::request_refused:
      return "Restante: a request was refused";
    case Event::test:
      return "Restante: a test message";
    case Event::contact_confirm:
      return "Restante: please confirm this address";
  }
  return "Restante";
}

std::string arrived(const Facts& facts) {
  const auto& first = facts.files.empty() ? facts.job_name : facts.files.front().name;
  std::string text = facts.file_count > 1
                         ? fmt::format("{} are here: {} files", quoted(facts.job_name), facts.file_count)
                         : quoted(first) + " is here";
  if (facts.file_count <= 1 && !facts.files.empty() && facts.files.front().size_bytes)
    text += " (" + human_size(*facts.files.front().size_bytes) + ")";
  for (const auto& file : facts.files)
    if (!file.verified)
      return text + ". Nothing proves that it is complete: look at it before you rely on it";
  return text;
}

std::string text_of(const Facts& facts, const Place& place) {
  const std::string where = place.name.empty() ? "your place" : printable(place.name);
  switch (facts.event) {
    case Event::job_done:
      return arrived(facts) + ".";
    case Event::job_failed:
      return quoted(facts.job_name) + " did not come" + why(facts) + "." + remedy(facts);
    case Event::job_late:
      return facts.state == "expired"
                 ? quoted(facts.job_name) + " was not fetched in time and will not be" + why(facts) + "."
                 : quoted(facts.job_name) + " is not here by the time that you gave; it goes on.";
    case Event::job_needs_you:
      return quoted(facts.job_name) + " waits until you decide" + why(facts) + "." + remedy(facts);
    case Event::account_quota:
      return quoted(facts.job_name) + " waits" + why(facts) + "." + remedy(facts);
    case Event::stay_ending:
      return fmt::format(
          "Your files and everything that {} knows about you are erased at {}. Take with you what "
          "you want to keep.",
          where, facts.until ? to_rfc3339(*facts.until) : "the end of your stay");
    case Event::request_refused:
      return fmt::format("A request that you sent reached {}, and was refused{}.", where, why(facts)) +
             remedy(facts);
    case Event::test:
      return fmt::format("This is a test message of {}. You are told here of your downloads.", where);
    case Event::contact_confirm:
      return fmt::format(
          "The account {} of {} wants to be told of its downloads here. If that is you, please "
          "confirm it; otherwise do nothing, and nothing more comes.",
          facts.account, where);
  }
  return {};
}

std::string link_of(const std::string& base, const std::string& token) {
  return base.empty() || token.empty() ? std::string() : base + "/d/" + token;
}

json::object data_of(const Facts& facts, const Message& message) {
  json::object out;
  if (facts.job) out["job"] = facts.job->text();
  if (!facts.job_name.empty()) out["name"] = facts.job_name;
  if (!facts.state.empty()) out["state"] = facts.state;
  if (facts.reason) out["reason"] = code(*facts.reason);
  if (facts.until) out["until"] = to_rfc3339(*facts.until);
  if (facts.event == Event::contact_confirm) out["code"] = facts.code;
  json::array files;
  for (std::size_t i = 0; i < facts.files.size(); ++i) {
    json::object file{{"name", facts.files[i].name}, {"verified", facts.files[i].verified}};
    if (facts.files[i].size_bytes) file["size_bytes"] = *facts.files[i].size_bytes;
    if (!message.files[i].url.empty()) file["url"] = message.files[i].url;
    files.push_back(std::move(file));
  }
  if (!files.empty()) out["files"] = std::move(files);
  if (facts.file_count > 0) out["file_count"] = facts.file_count;
  if (facts.gathered_count > 0) out["others"] = facts.gathered_count;
  return out;
}

}  // namespace

std::string line_of(const Facts& facts) {
  switch (facts.event) {
    case Event::job_done:
      return arrived(facts);
    case Event::job_failed:
      return quoted(facts.job_name) + " did not come" + why(facts);
    case Event::job_late:
      return quoted(facts.job_name) + " is late";
    case Event::job_needs_you:
      return quoted(facts.job_name) + " waits until you decide" + why(facts);
    case Event::request_refused:
      return "A request was refused" + why(facts);
    default:
      return quoted(facts.job_name) + " waits" + why(facts);
  }
}

Message compose(const NoticeId& id, const Facts& facts, const Place& place) {
  Message out;
  out.id = id;
  out.event = facts.event;
  out.at = facts.at;
  out.title = title_of(facts);
  out.text = text_of(facts, place);
  for (const auto& file : facts.files)
    out.files.push_back({file.name, file.size_bytes, link_of(place.public_url, file.link_token),
                         link_of(place.lan_url, file.link_token)});
  if (!out.files.empty()) {
    out.url = out.files.front().url;
    out.lan_url = out.files.front().lan_url;
  }
  if (static_cast<std::size_t>(facts.file_count) > out.files.size() && !out.files.empty())
    out.more = fmt::format("{} more are in your files.",
                           static_cast<std::size_t>(facts.file_count) - out.files.size());
  out.others = facts.gathered;
  if (static_cast<std::size_t>(facts.gathered_count) > facts.gathered.size())
    out.others.push_back(fmt::format("and {} more: `restante list` has them all",
                                     static_cast<std::size_t>(facts.gathered_count) - facts.gathered.size()));
  out.code = facts.code;
  out.data = json::serialize(data_of(facts, out));
  return out;
}

}  // namespace restante::notify
