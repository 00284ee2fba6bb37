// SPDX-License-Identifier: Apache-2.0
#include "api/routes.hpp"

#include "api/handlers.hpp"

namespace restante::api {

namespace {

// Not `using enum Rights`: its `submit` is also a handler's name.
constexpr auto open = Rights::open, account = Rights::account, person = Rights::person, admin = Rights::admin;
using enum Loop;

constexpr Route table[] = {
    {"POST", "/v1/proxies", Rights::submit, Body::batch, connection, submit},
    {"POST", "/v1/share", Rights::submit, Body::form, connection, share},
    {"POST", "/v1/compose", account, Body::document, connection, compose},
    {"POST", "/v1/probe", account, Body::document, connection, probe},
    {"POST", "/v1/browse", account, Body::document, connection, browse},
    {"GET", "/v1/proxies/{proxy}", account, Body::none, control, show_proxy},
    {"GET", "/v1/jobs", account, Body::none, control, list_jobs},
    {"GET", "/v1/jobs/{job}", account, Body::none, control, show_job},
    {"GET", "/v1/jobs/{job}/rates", account, Body::none, control, job_rates},
    {"PATCH", "/v1/jobs/{job}", account, Body::small, control, change_job},
    {"DELETE", "/v1/jobs/{job}", account, Body::none, control, remove_job},
    {"POST", "/v1/jobs/{job}:pause", account, Body::small, control, pause_job},
    {"POST", "/v1/jobs/{job}:resume", account, Body::small, control, resume_job},
    {"POST", "/v1/jobs/{job}:retry", account, Body::small, control, retry_job},
    {"POST", "/v1/jobs/{job}:now", account, Body::small, control, run_job_now},
    {"POST", "/v1/jobs/{job}:cancel", account, Body::small, control, cancel_job},
    {"POST", "/v1/jobs/{job}:approve", account, Body::small, control, approve_job},
    {"GET", "/v1/jobs/{job}/files/{index}", account, Body::none, control, job_file},
    {"GET", "/v1/events", account, Body::none, connection, events},
    {"GET", "/v1/files", account, Body::none, connection, list_files},
    {"GET", "/v1/files/{file}", account, Body::none, connection, get_file},
    {"HEAD", "/v1/files/{file}", account, Body::none, connection, get_file},
    {"PATCH", "/v1/files/{file}", account, Body::small, control, change_file},
    {"DELETE", "/v1/files/{file}", account, Body::none, control, remove_file},
    {"POST", "/v1/folders", account, Body::small, control, make_folder},
    {"PATCH", "/v1/folders", account, Body::small, control, move_folder},
    {"DELETE", "/v1/folders", account, Body::none, control, remove_folder},
    {"GET", "/v1/trash", account, Body::none, control, list_trash},
    {"DELETE", "/v1/trash", account, Body::none, control, empty_trash},
    {"POST", "/v1/trash/{file}:restore", account, Body::small, control, restore_file},
    {"DELETE", "/v1/trash/{file}", account, Body::none, control, erase_trashed},
    {"GET", "/v1/links", account, Body::none, control, list_links},
    {"POST", "/v1/links", person, Body::small, control, create_link},
    {"GET", "/v1/links/{link}", account, Body::none, control, show_link},
    {"DELETE", "/v1/links/{link}", person, Body::none, control, revoke_link},
    {"GET", "/d/{link_token}", open, Body::none, connection, visit_link},
    {"HEAD", "/d/{link_token}", open, Body::none, connection, visit_link},
    {"POST", "/d/{link_token}", open, Body::small, control, answer_link},
    {"GET", "/d/{link_token}/{path}", open, Body::none, connection, visit_link},
    {"HEAD", "/d/{link_token}/{path}", open, Body::none, connection, visit_link},
    {"POST", "/d/{link_token}/{path}", open, Body::small, control, answer_link},
    {"POST", "/v1/devices", open, Body::small, control, enrol_device},
    {"GET", "/v1/devices", account, Body::none, control, list_devices},
    {"DELETE", "/v1/devices/{device}", person, Body::none, control, revoke_device},
    {"POST", "/v1/session", open, Body::small, control, sign_in},
    {"GET", "/v1/session", account, Body::none, control, show_session},
    {"DELETE", "/v1/session", account, Body::none, control, sign_out},
    {"POST", "/v1/session:key", person, Body::small, control, connect_browser},
    {"POST", "/v1/session:password", person, Body::small, control, change_own_password},
    {"DELETE", "/v1/sessions/{session}", person, Body::none, control, end_session},
    {"POST", "/v1/pairings", person, Body::small, control, add_pairing},
    {"GET", "/v1/logins", account, Body::none, control, list_logins},
    {"POST", "/v1/logins", person, Body::small, control, add_login},
    {"DELETE", "/v1/logins/{login}", person, Body::none, control, remove_login},
    {"GET", "/v1/tokens", person, Body::none, control, list_tokens},
    {"POST", "/v1/tokens", person, Body::small, control, add_token},
    {"DELETE", "/v1/tokens/{token}", person, Body::none, control, revoke_token},
    {"GET", "/v1/users", admin, Body::none, control, list_users},
    {"POST", "/v1/users", admin, Body::small, control, add_user},
    {"PATCH", "/v1/users/{user}", admin, Body::small, control, change_user},
    {"DELETE", "/v1/users/{user}", admin, Body::none, control, remove_user},
    {"POST", "/v1/invites", Rights::admin, Body::small, control, create_invite},
    {"GET", "/v1/invites", Rights::admin, Body::none, control, list_invites},
    {"DELETE", "/v1/invites/{guest}", Rights::admin, Body::none, control, end_invite},
    {"GET", "/v1/setup", open, Body::none, control, show_setup},
    {"POST", "/v1/setup", open, Body::small, control, set_up},
    {"GET", "/v1/health", admin, Body::none, control, show_health},
    {"GET", "/v1/failures", admin, Body::none, control, show_failures},
    {"GET", "/v1/week", admin, Body::none, control, show_week},
    {"GET", "/v1/contacts", account, Body::none, control, list_contacts},
    {"POST", "/v1/contacts", person, Body::small, control, add_contact},
    {"DELETE", "/v1/contacts/{contact}", person, Body::none, control, remove_contact},
    {"POST", "/v1/contacts/{contact}:test", person, Body::small, control, test_contact},
    {"POST", "/v1/contacts/{contact}:confirm", person, Body::small, control, confirm_contact},
    {"POST", "/v1/contacts/{contact}:rotate", person, Body::small, control, change_contact_key},
    {"GET", "/notify/confirm/{token}", open, Body::none, control, confirm_page},
    {"HEAD", "/notify/confirm/{token}", open, Body::none, control, confirm_page},
    {"POST", "/notify/confirm/{token}", open, Body::small, control, confirm_by_page},
    {"GET", "/notify/stop/{token}", open, Body::none, control, stop_page},
    {"HEAD", "/notify/stop/{token}", open, Body::none, control, stop_page},
    {"POST", "/notify/stop/{token}", open, Body::small, control, stop_by_page},
    {"GET", "/pair", open, Body::none, connection, app_page},
    {"HEAD", "/pair", open, Body::none, connection, app_page},
    {"GET", "/healthz", open, Body::none, control, health},
    {"GET", "/.well-known/restante", open, Body::none, connection, well_known},
    {"GET", "/.well-known/restante-jwks.json", open, Body::none, connection, key_set},
    {"HEAD", "/.well-known/restante-jwks.json", open, Body::none, connection, key_set},
    {"GET", "/.well-known/restante-jwks.jws", open, Body::none, connection, signed_key_set},
    {"HEAD", "/.well-known/restante-jwks.jws", open, Body::none, connection, signed_key_set},
    {"GET", "/v1/place", Rights::submit, Body::none, connection, show_place},
    {"GET", "/travel", open, Body::none, connection, app_page},
    {"HEAD", "/travel", open, Body::none, connection, app_page},
    {"GET", "/p", open, Body::none, connection, app_page},
    {"HEAD", "/p", open, Body::none, connection, app_page},
    {"GET", "/nav204", open, Body::none, connection, nav204},
    {"GET", "/trust", open, Body::none, connection, trust_page},
    {"GET", "/trust/restante.crt", open, Body::none, connection, trust_file},
    {"GET", "/trust/restante.pem", open, Body::none, connection, trust_file},
    {"GET", "/trust/restante.mobileconfig", open, Body::none, connection, trust_file},
    {"GET", "/v1/openapi.json", open, Body::none, connection, openapi},
    {"GET", "/", open, Body::none, connection, app_page},
    {"HEAD", "/", open, Body::none, connection, app_page},
    {"GET", "/new", open, Body::none, connection, app_page},
    {"HEAD", "/new", open, Body::none, connection, app_page},
    {"GET", "/downloads", open, Body::none, connection, app_page},
    {"HEAD", "/downloads", open, Body::none, connection, app_page},
    {"GET", "/downloads/{path}", open, Body::none, connection, app_page},
    {"HEAD", "/downloads/{path}", open, Body::none, connection, app_page},
    {"GET", "/week", open, Body::none, connection, app_page},
    {"HEAD", "/week", open, Body::none, connection, app_page},
    {"GET", "/files", open, Body::none, connection, app_page},
    {"HEAD", "/files", open, Body::none, connection, app_page},
    {"GET", "/files/{path}", open, Body::none, connection, app_page},
    {"HEAD", "/files/{path}", open, Body::none, connection, app_page},
    {"GET", "/trash", open, Body::none, connection, app_page},
    {"HEAD", "/trash", open, Body::none, connection, app_page},
    {"GET", "/links", open, Body::none, connection, app_page},
    {"HEAD", "/links", open, Body::none, connection, app_page},
    {"GET", "/me", open, Body::none, connection, app_page},
    {"HEAD", "/me", open, Body::none, connection, app_page},
    {"GET", "/me/{path}", open, Body::none, connection, app_page},
    {"HEAD", "/me/{path}", open, Body::none, connection, app_page},
    {"GET", "/place", open, Body::none, connection, app_page},
    {"HEAD", "/place", open, Body::none, connection, app_page},
    {"GET", "/place/{path}", open, Body::none, connection, app_page},
    {"HEAD", "/place/{path}", open, Body::none, connection, app_page},
    {"GET", "/sending", open, Body::none, connection, app_page},
    {"HEAD", "/sending", open, Body::none, connection, app_page},
    {"GET", "/sign-in", open, Body::none, connection, app_page},
    {"HEAD", "/sign-in", open, Body::none, connection, app_page},
    {"GET", "/setup", open, Body::none, connection, app_page},
    {"HEAD", "/setup", open, Body::none, connection, app_page},
    {"GET", "/assets/{path}", open, Body::none, connection, app_file},
    {"HEAD", "/assets/{path}", open, Body::none, connection, app_file},
    {"GET", "/icons/{path}", open, Body::none, connection, app_file},
    {"HEAD", "/icons/{path}", open, Body::none, connection, app_file},
    {"GET", "/sw.js", open, Body::none, connection, app_file},
    {"HEAD", "/sw.js", open, Body::none, connection, app_file},
    {"GET", "/manifest.webmanifest", open, Body::none, connection, app_file},
    {"HEAD", "/manifest.webmanifest", open, Body::none, connection, app_file},
};

/// Whether one segment fits; a parameter's value goes to `parameters`.
bool fits(std::string_view pattern, std::string_view segment, std::vector<std::string>& parameters) {
  if (!pattern.starts_with('{')) return pattern == segment;
  const auto suffix = pattern.substr(pattern.find('}') + 1);
  if (segment.size() <= suffix.size() || !segment.ends_with(suffix)) return false;
  parameters.emplace_back(segment.substr(0, segment.size() - suffix.size()));
  return suffix.empty() ? segment.find(':') == std::string_view::npos : true;
}

/// The parameter that takes all that is left of a path, with its slashes.
constexpr std::string_view rest = "{path}";

std::string joined(std::span<const std::string> segments) {
  std::string out;
  for (const auto& segment : segments) {
    if (&segment != segments.data()) out += '/';
    out += segment;
  }
  return out;
}

bool fits(std::string_view pattern, const std::vector<std::string>& segments,
          std::vector<std::string>& parameters) {
  parameters.clear();
  for (const auto& segment : segments) {
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);
    if (pattern == rest) {
      const auto begun = static_cast<std::size_t>(&segment - segments.data());
      parameters.push_back(joined(std::span(segments).subspan(begun)));
      return true;
    }
    const auto end = std::min(pattern.find('/'), pattern.size());
    if (!fits(pattern.substr(0, end), segment, parameters)) return false;
    pattern.remove_prefix(end);
  }
  return pattern.empty() || (pattern == "/" && segments.empty());
}

}  // namespace

std::span<const Route> routes() {
  return table;
}

Match match(std::string_view method, const std::vector<std::string>& segments) {
  Match found;
  for (const Route& route : table) {
    if (!fits(route.pattern, segments, found.parameters)) continue;
    if (route.method == method) {
      found.route = &route;
      return found;
    }
    if (!found.allowed.empty()) found.allowed += ", ";
    found.allowed += route.method;
  }
  return found;
}

}  // namespace restante::api
