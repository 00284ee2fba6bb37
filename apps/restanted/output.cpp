// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include "api/json_views.hpp"
#include "base/text.hpp"
#include "base/unicode.hpp"
#include "terminal.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <iostream>

namespace restante::daemon {

namespace {

std::string text(const boost::json::object& object, const char* member) {
  const auto* found = object.if_contains(member);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::uint64_t number(const boost::json::object& object, const char* member) {
  const auto* found = object.if_contains(member);
  return found != nullptr && found->is_int64() ? static_cast<std::uint64_t>(found->as_int64()) : 0;
}

bool yes(const boost::json::object& object, const char* member) {
  const auto* found = object.if_contains(member);
  return found != nullptr && found->is_bool() && found->as_bool();
}

std::string user_text(const boost::json::object& user) {
  const auto quota = number(user, "quota_bytes");
  const auto traffic = number(user, "fetched_bytes") + number(user, "served_bytes");
  const auto most = number(user, "traffic_bytes");
  const std::string month =
      traffic + most == 0 ? ""
                          : "\ttraffic " + human_size(traffic) + (most > 0 ? " of " + human_size(most) : "");
  const std::string label = printable(text(user, "label"));
  const std::string until = text(user, "until");
  const std::string stay = (label.empty() ? "" : "\t" + label) + (until.empty() ? "" : "\tuntil " + until);
  return fmt::format("{}\t{}\t{}{}\t{} device{}{}{}{}", text(user, "name"), text(user, "role"),
                     human_size(number(user, "used_bytes")), quota > 0 ? " of " + human_size(quota) : "",
                     number(user, "devices"), number(user, "devices") == 1 ? "" : "s",
                     yes(user, "lan") ? "\tlan" : "", month, stay);
}

std::string for_people(const std::string& command, const boost::json::object& line) {
  if (command == "pair" || command == "invite" || command == "setup") return text(line, "url");
  if (command == "user-list") return user_text(line);
  if (command == "user-add") return "added " + text(line, "name");
  if (command == "user-change") return "changed " + text(line, "name");
  if (command == "user-remove") return "removed " + text(line, "name");
  if (command == "keys-rotate")
    return "requests are sealed with a new key from now on; devices follow by themselves";
  if (command == "check")
    return fmt::format("{}: {}: {}", yes(line, "ok") ? "ok" : "fault", text(line, "check"),
                       text(line, "message"));
  return {};
}

std::string on_one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

Result<void> Output::print(const std::string& command, const Result<api::CommandLines>& lines) const {
  if (!lines) return fail(lines.error());
  bool sound = true;
  for (const auto& line : *lines) {
    boost::system::error_code unreadable;
    const auto value = boost::json::parse(line, unreadable);
    if (unreadable || !value.is_object()) return fail(Reason::internal, "the answer could not be understood");
    std::cout << (json ? line : for_people(command, value.as_object())) << '\n';
    if (command == "pair" || command == "invite" || command == "setup")
      show_qr(text(value.as_object(), "url"));
    if (command == "check") sound = sound && yes(value.as_object(), "ok");
  }
  std::cout << std::flush;
  if (!sound) return fail(Reason::storage, "the check found faults", "see the lines above");
  return {};
}

void Output::print_restored(const std::string& dir, int held) const {
  if (json) {
    std::cout << fmt::format("{{\"held\":{}}}\n", held) << std::flush;
    return;
  }
  std::cout << "restored into " << dir << '\n' << std::flush;
  if (held > 0)
    std::cerr << fmt::format(
        "{} download{} may have run since the backup was made, and wait{} for your word: "
        "`restante resume ID` or `restante cancel ID`\n",
        held, held == 1 ? "" : "s", held == 1 ? "s" : "");
}

void Output::print_error(const Error& error) const {
  const std::string message(error.message.empty() ? info(error.reason).words
                                                  : std::string_view(error.message));
  std::cerr << "restanted: " << on_one_line(fmt::format("{} ({})", message, error.remedy())) << '\n';
  if (!json) return;
  std::string out;
  api::JsonWriter writer(out);
  writer.open('{').key("error");
  api::write_error(writer, error);
  writer.close('}');
  std::cout << out << '\n' << std::flush;
}

}  // namespace restante::daemon
