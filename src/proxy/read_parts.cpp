// SPDX-License-Identifier: Apache-2.0
#include "proxy/document_read.hpp"
#include "proxy/zone.hpp"

#include <algorithm>

namespace restante::proxy {

namespace {

using Node = JsonTree::Node;
using Kind = JsonTree::Kind;

bool read_cookie(MemberReader& in, const Node& node, Cookie& out) {
  static constexpr std::string_view required[] = {"name", "value", "host"};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "name" && !in.text(m, rules::cookie_name, out.name)) return false;
    if (m.key == "value" && !in.text(m, rules::cookie_value, out.value)) return false;
    if (m.key == "host" && !in.text(m, rules::host_name, out.host)) return false;
    if (m.key == "domain" && !in.text(m, rules::host_name, out.domain)) return false;
    if (m.key == "path" && !in.text(m, rules::cookie_path, out.path)) return false;
    if (m.key == "secure" && !in.boolean(m, out.secure)) return false;
    if (m.key == "expires" && !in.integer(m, 0, last_second, out.expires.emplace())) return false;
  }
  return true;
}

bool read_grant(MemberReader& in, const Node& m, Credential& out) {
  if (m.key == "token_endpoint") return in.text(m, rules::place_url, out.token_endpoint);
  if (m.key == "client_id") return in.text(m, rules::token, out.client_id);
  if (m.key == "client_secret") return in.text(m, rules::token, out.client_secret);
  if (m.key == "refresh_token") return in.text(m, rules::token, out.refresh_token);
  if (m.key == "access_token") return in.text(m, rules::token, out.token);
  return m.key != "expires" || in.integer(m, 0, last_second, out.expires.emplace());
}

/// Members of credentials that are not in one of the kind are unknown members: ignored.
bool read_secret(MemberReader& in, const Node& m, Credential& out) {
  switch (out.kind) {
    case CredentialKind::basic:
    case CredentialKind::digest:
      if (m.key == "user") return in.text(m, rules::user, out.user);
      if (m.key == "password") return in.text(m, rules::secret, out.password);
      if (m.key == "host_key" && out.kind == CredentialKind::basic)
        return in.text(m, rules::host_key, out.host_key);
      return true;
    case CredentialKind::bearer:
      return m.key != "token" || in.text(m, rules::token, out.token);
    case CredentialKind::cookies:
      if (m.key != "cookies") return true;
      if (!in.list(m, 1, 256)) return false;
      for (const Node& cookie : in.tree().children(m))
        if (!read_cookie(in, cookie, out.cookies.emplace_back())) return false;
      return true;
    case CredentialKind::headers:
      if (m.key != "headers") return true;
      if (!in.list(m, 1, 64)) return false;
      for (const Node& header : in.tree().children(m))
        if (!read_header(in, header, out.headers)) return false;
      return true;
    case CredentialKind::tls:
      if (m.key == "cert") return in.text(m, rules::pem, out.certificate);
      return m.key != "key" || in.text(m, rules::pem, out.key);
    case CredentialKind::oauth:
      return read_grant(in, m, out);
  }
  return true;
}

bool read_credential(MemberReader& in, const Node& node, Credential& out) {
  static constexpr std::string_view required[] = {"id", "kind", "scope"};
  static constexpr std::pair<std::string_view, CredentialKind> kinds[] = {
      {"basic", CredentialKind::basic},     {"bearer", CredentialKind::bearer},
      {"cookies", CredentialKind::cookies}, {"headers", CredentialKind::headers},
      {"tls", CredentialKind::tls},         {"oauth", CredentialKind::oauth},
      {"digest", CredentialKind::digest}};
  static constexpr std::string_view of_basic[] = {"user", "password"}, of_bearer[] = {"token"},
                                    of_cookies[] = {"cookies"}, of_headers[] = {"headers"},
                                    of_tls[] = {"cert", "key"},
                                    of_oauth[] = {"token_endpoint", "client_id", "refresh_token"};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  if (!in.one_of(*in.tree().member(node, "kind"), kinds, out.kind)) return false;
  const std::span<const std::string_view> needed[] = {of_basic, of_bearer, of_cookies, of_headers,
                                                      of_tls,   of_oauth,  of_basic};
  if (!in.require_members(node, needed[static_cast<std::size_t>(out.kind)])) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "id") {
      if (!in.text(m, rules::credential_id, out.id)) return false;
    } else if (m.key == "scope") {
      if (!in.texts(m, 1, 32, rules::origin, out.scope)) return false;
      for (std::string& origin : out.scope) origin = *origin_of(origin);
    } else if (!read_secret(in, m, out)) {
      return false;
    }
  }
  return true;
}

bool read_instant(MemberReader& in, const Node& node, std::optional<Instant>& out, std::string& text) {
  if (!in.text(node, rules::ixdtf, text)) return false;
  auto instant = parse_ixdtf(text);
  if (!instant) return in.refuse(node, ": " + instant.error().message, instant.error().hint);
  out = *instant;
  return true;
}

int clock_minutes(std::string_view text) {
  return ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + (text[4] - '0');
}

bool read_window(MemberReader& in, const Node& node, Window& out) {
  static constexpr std::string_view required[] = {"from", "to"};
  static constexpr std::pair<std::string_view, Weekday> days[] = {
      {"MO", Weekday::mo}, {"TU", Weekday::tu}, {"WE", Weekday::we}, {"TH", Weekday::th},
      {"FR", Weekday::fr}, {"SA", Weekday::sa}, {"SU", Weekday::su}};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "from") {
      if (!in.text(m, rules::clock_from)) return false;
      out.from_minute = clock_minutes(m.text);
    } else if (m.key == "to") {
      if (!in.text(m, rules::clock_to)) return false;
      out.to_minute = clock_minutes(m.text);
    } else if (m.key == "days") {
      if (!in.list(m, 1, 7)) return false;
      for (const Node& day : in.tree().children(m))
        if (!in.one_of(day, days, out.days.emplace_back())) return false;
    }
  }
  return true;
}

bool read_money(MemberReader& in, const Node& node) {
  static constexpr std::string_view required[] = {"max", "currency"};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  return in.text(*in.tree().member(node, "max"), rules::amount) &&
         in.text(*in.tree().member(node, "currency"), rules::currency);
}

bool read_pay(MemberReader& in, const Node& node) {
  static constexpr std::string_view required[] = {"budget", "payees"};
  static constexpr std::pair<std::string_view, int> methods[] = {
      {"voucher", 0}, {"presigned", 1}, {"x402", 2}, {"payment", 3}};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  int method = 0;
  std::vector<std::string> payees;
  for (const Node& m : in.tree().children(node)) {
    if ((m.key == "budget" || m.key == "each") && !read_money(in, m)) return false;
    if (m.key == "payees" && !in.texts(m, 1, 32, rules::origin, payees)) return false;
    if (m.key == "instruments" && !in.list(m, 0, 32)) return false;
    if (m.key == "methods") {
      if (!in.list(m, 0, 4)) return false;
      for (const Node& entry : in.tree().children(m))
        if (!in.one_of(entry, methods, method)) return false;
    }
  }
  return true;
}

bool read_code(MemberReader& in, const Node& node) {
  static constexpr std::string_view required[] = {"lang", "abi", "caps"};
  static constexpr std::pair<std::string_view, int> languages[] = {{"js", 0}, {"wasm", 1}};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  int language = 0;
  bool pay = false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "lang" && !in.one_of(m, languages, language)) return false;
    if (m.key == "abi" && (m.kind != Kind::string || m.text != "restante/1"))
      return in.refuse(m, R"(must be "restante/1")");
    if (m.key == "src" && !in.text(m, rules::any)) return false;
    if (m.key == "src64" && !in.text(m, rules::code64)) return false;
    if (m.key == "sha256" && !in.text(m, rules::hex64)) return false;
    if (m.key == "limits" && !in.want(m, Kind::object)) return false;
    if (m.key == "caps") {
      if (!in.want(m, Kind::object)) return false;
      std::vector<std::string> names, ids;
      for (const Node& cap : in.tree().children(m)) {
        if (cap.key == "net" && !in.texts(cap, 0, 32, rules::line, names)) return false;
        if (cap.key == "cred" && !in.texts(cap, 0, max_credentials, rules::credential_id, ids)) return false;
        if (cap.key == "pay" && !in.boolean(cap, pay)) return false;
      }
    }
  }
  return true;
}

bool read_notify(MemberReader& in, const Node& node) {
  static constexpr std::string_view required[] = {"kind"};
  static constexpr std::pair<std::string_view, int> kinds[] = {
      {"email", 0}, {"webhook", 1}, {"ntfy", 2}, {"webpush", 3}, {"apprise", 4}};
  static constexpr std::pair<std::string_view, int> events[] = {
      {"done", 0}, {"failed", 1}, {"late", 2}, {"pay", 3}};
  if (!in.list(node, 0, 8)) return false;
  int choice = 0;
  for (const Node& entry : in.tree().children(node)) {
    if (!in.want(entry, Kind::object) || !in.require_members(entry, required)) return false;
    for (const Node& m : in.tree().children(entry)) {
      if (m.key == "kind" && !in.one_of(m, kinds, choice)) return false;
      if (m.key == "to" && !in.text(m, rules::email_or_url)) return false;
      if (m.key != "on") continue;
      if (!in.list(m, 0, 4)) return false;
      for (const Node& event : in.tree().children(m))
        if (!in.one_of(event, events, choice)) return false;
    }
  }
  return true;
}

}  // namespace

bool read_header(MemberReader& in, const Node& node, std::vector<Header>& out) {
  if (!in.want(node, Kind::array)) return false;
  if (node.count != 2)
    return in.refuse(node, "must be a name and a value", R"(as in ["accept","video/mp4"])");
  Header& header = out.emplace_back();
  const auto children = in.tree().children(node);
  auto entry = children.begin();
  if (!in.text(*entry, rules::header_name, header.first)) return false;
  ++entry;
  return in.text(*entry, rules::header_value, header.second);
}

bool read_access(MemberReader& in, const Node& access, std::vector<Credential>& out) {
  if (!in.list(access, 0, max_credentials)) return false;
  out.reserve(access.count);
  for (const Node& entry : in.tree().children(access)) {
    Credential credential;
    if (!read_credential(in, entry, credential)) return false;
    if (std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.id == credential.id; }))
      return in.refuse(*in.tree().member(entry, "id"), "is the id of two credentials", "give each its own");
    out.push_back(std::move(credential));
  }
  return true;
}

bool read_when(MemberReader& in, const Node& when, When& out) {
  static constexpr std::pair<std::string_view, Miss> misses[] = {
      {"run", Miss::run}, {"skip", Miss::skip}, {"fail", Miss::fail}};
  static constexpr std::pair<std::string_view, Late> lates[] = {{"continue", Late::carry_on},
                                                                {"stop", Late::stop}};
  if (!in.want(when, Kind::object)) return false;
  for (const Node& m : in.tree().children(when)) {
    if (m.key == "tz") {
      if (!in.text(m, rules::zone, out.tz)) return false;
      if (!is_zone(out.tz))
        return in.refuse(m, "is not a known time zone", "give an IANA name, as in Europe/Paris");
    } else if (m.key == "start") {
      if (!read_instant(in, m, out.start, out.start_text)) return false;
    } else if (m.key == "by") {
      if (!read_instant(in, m, out.by, out.by_text)) return false;
    } else if (m.key == "windows") {
      if (!in.list(m, 0, 32)) return false;
      for (const Node& window : in.tree().children(m))
        if (!read_window(in, window, out.windows.emplace_back())) return false;
    } else if (m.key == "repeat") {
      if (!in.text(m, rules::repeat, out.repeat)) return false;
    } else if (m.key == "miss") {
      if (!in.one_of(m, misses, out.miss)) return false;
    } else if (m.key == "late") {
      if (!in.one_of(m, lates, out.late)) return false;
    }
  }
  return true;
}

bool read_extras(MemberReader& in, const Node& member) {
  if (member.key == "pay") return read_pay(in, member);
  if (member.key == "code") return read_code(in, member);
  return read_notify(in, member);
}

}  // namespace restante::proxy
