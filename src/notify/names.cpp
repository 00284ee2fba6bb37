// SPDX-License-Identifier: Apache-2.0
#include "notify/records.hpp"

#include <array>
#include <utility>

namespace restante::notify {
namespace {

constexpr std::array<std::pair<Event, std::string_view>, 9> events{{
    {Event::job_done, "job.done"},
    {Event::job_failed, "job.failed"},
    {Event::job_late, "job.late"},
    {Event::job_needs_you, "job.needs-you"},
    {Event::account_quota, "account.quota"},
    {Event::stay_ending, "stay.ending"},
    {Event::request_refused, "request.refused"},
    {Event::test, "test"},
    {Event::contact_confirm, "contact.confirm"},
}};

constexpr std::array<std::pair<Kind, std::string_view>, 3> kinds{
    {{Kind::mail, "mail"}, {Kind::webhook, "webhook"}, {Kind::ntfy, "ntfy"}}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [known, name] : table)
    if (known == value) return name;
  return {};
}

template <class Table>
std::optional<typename Table::value_type::first_type> value_in(const Table& table, std::string_view name) {
  for (const auto& [known, text] : table)
    if (text == name) return known;
  return std::nullopt;
}

}  // namespace

std::string_view name(Event event) {
  return name_in(events, event);
}
std::optional<Event> event_from_name(std::string_view name) {
  return value_in(events, name);
}
std::string_view name(Kind kind) {
  return name_in(kinds, kind);
}
std::optional<Kind> kind_from_name(std::string_view name) {
  return value_in(kinds, name);
}

}  // namespace restante::notify
