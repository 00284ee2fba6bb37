// SPDX-License-Identifier: Apache-2.0
#include "api/guests.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace restante::api {

namespace {

tl::unexpected<Error> wrong(std::string_view member, std::string_view words) {
  return fail(Reason::invalid, fmt::format("{} is {}", member, words), "", fmt::format("/{}", member));
}

Result<Instant> instant(const boost::json::object& object, std::string_view member) {
  const auto* found = object.if_contains(member);
  const auto read = found != nullptr && found->is_string()
                        ? from_rfc3339(std::string_view(found->as_string()))
                        : std::nullopt;
  if (!read) return wrong(member, "not an instant such as 2026-12-01T15:00:00Z");
  return *read;
}

Result<std::optional<std::uint64_t>> size(const boost::json::object& object, std::string_view member) {
  const auto* found = object.if_contains(member);
  if (found == nullptr) return std::optional<std::uint64_t>();
  if (!found->is_int64() || found->as_int64() < 0) return wrong(member, "not a number of bytes");
  return std::optional<std::uint64_t>(static_cast<std::uint64_t>(found->as_int64()));
}

std::string_view words(accounts::Stay stay) {
  switch (stay) {
    case accounts::Stay::unlimited:
      return "unlimited";
    case accounts::Stay::coming:
      return "coming";
    case accounts::Stay::here:
      return "here";
    case accounts::Stay::leaving:
      return "leaving";
    case accounts::Stay::over:
      return "over";
  }
  return "over";
}

}  // namespace

std::string invitation_url(std::string_view base_url, std::string_view jkt,
                           const accounts::Invited& invited) {
  const auto& account = invited.account;
  return fmt::format("{}/pair#k={}&c={}&from={}&until={}", base_url, jkt, invited.code,
                     to_rfc3339(account.valid_from.value_or(account.created)),
                     to_rfc3339(accounts::stay_ends(account)));
}

Result<accounts::NewGuest> read_new_guest(const boost::json::object& object) {
  accounts::NewGuest guest;
  auto from = instant(object, "from");
  if (!from) return fail(from.error());
  auto until = instant(object, "until");
  if (!until) return fail(until.error());
  auto quota = size(object, "quota_bytes");
  if (!quota) return fail(quota.error());
  auto traffic = size(object, "traffic_bytes");
  if (!traffic) return fail(traffic.error());
  if (const auto* label = object.if_contains("label"); label != nullptr) {
    if (!label->is_string()) return wrong("label", "not a text");
    guest.label = std::string(label->as_string());
  }
  guest.from = *from;
  guest.until = *until;
  guest.quota_bytes = *quota;
  guest.traffic_bytes = *traffic;
  return guest;
}

void write_stay(JsonWriter& json, const accounts::Account& account, Seconds grace) {
  if (!account.valid_until) return;
  if (account.valid_from) json.key("from").text(to_rfc3339(*account.valid_from));
  json.key("until").text(to_rfc3339(*account.valid_until));
  json.key("erased").text(to_rfc3339(accounts::stay_erased(account, grace)));
}

void write_guest(JsonWriter& json, const GuestView& guest) {
  const auto& account = guest.account;
  json.key("name").text(account.name);
  if (!account.label.empty()) json.key("label").text(account.label);
  json.key("state").text(words(accounts::stay_at(account, guest.now, guest.grace)));
  write_stay(json, account, guest.grace);
  json.key("created").text(to_rfc3339(account.created));
  json.key("connected").yes_no(guest.connected);
  if (account.quota_bytes) json.key("quota_bytes").number(*account.quota_bytes);
  json.key("used_bytes").number(guest.used_bytes);
  if (account.traffic_bytes) json.key("traffic_limit_bytes").number(*account.traffic_bytes);
  json.key("traffic_bytes").number(guest.traffic_bytes);
}

}  // namespace restante::api
