// SPDX-License-Identifier: Apache-2.0
#include "proxy/policy.hpp"

#include "base/text.hpp"
#include "proxy/client_certificate.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/url.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace restante::proxy {

namespace {

constexpr std::string_view not_yet = "leave that part out";

tl::unexpected<Error> denied(std::string pointer, std::string_view what) {
  return fail(Reason::cap_denied, fmt::format("{}: this place does not do {} yet", pointer, what),
              std::string(not_yet), pointer);
}

bool is_web(std::string_view scheme) {
  return iequals(scheme, "http") || iequals(scheme, "https");
}

Result<void> check_source(const Document& document, const Source& source, const std::string& pointer) {
  const auto parts = split_url(source.url);
  if (!parts) return fail(parts.error().reason, parts.error().message, parts.error().hint, pointer + "/url");
  const auto& method = source.request.method;
  if (method != "GET" && method != "POST")
    return denied(pointer + "/request/method", fmt::format("requests with {}", method));
  if (!is_web(parts->scheme) && (method != "GET" || source.request.body))
    return denied(pointer + "/request", fmt::format("requests other than GET by {}", parts->scheme));
  for (std::size_t i = 0; i < source.credential_ids.size(); ++i) {
    const auto& id = source.credential_ids[i];
    const bool known = std::any_of(document.access.begin(), document.access.end(),
                                   [&](const auto& c) { return c.id == id; });
    if (known) continue;
    auto at = fmt::format("{}/cred/{}", pointer, i);
    auto message = fmt::format("{} names the credential {}, which is not in access", at, id);
    return fail(Reason::invalid, std::move(message), "add it to access, or leave the name out",
                std::move(at));
  }
  return {};
}

}  // namespace

Result<void> check_supported(const Document& document) {
  if (document.has_code) return denied("/code", "code that comes with a request");
  if (document.has_pay) return denied("/pay", "payments");
  if (document.has_notify) return denied("/notify", "messages");
  if (!document.when.repeat.empty()) {
    auto rule = parse_recurrence(document.when.repeat);
    if (!rule)
      return fail(Reason::invalid, "/when/repeat: " + rule.error().message, rule.error().hint,
                  "/when/repeat");
  }
  for (std::size_t i = 0; i < document.access.size(); ++i) {
    if (document.access[i].kind != CredentialKind::tls) continue;
    auto good = check_client_certificate(document.access[i], fmt::format("/access/{}", i));
    if (!good) return good;
  }
  for (std::size_t f = 0; f < document.files.size(); ++f)
    for (std::size_t s = 0; s < document.files[f].sources.size(); ++s) {
      auto checked = check_source(document, document.files[f].sources[s],
                                  fmt::format("/what/files/{}/sources/{}", f, s));
      if (!checked) return checked;
    }
  return {};
}

Result<void> check_times(const Document& document, Instant now) {
  constexpr std::int64_t tolerance_s = 600, longest_s = std::int64_t{400} * 86400;
  const auto now_s = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  if (document.iat > now_s + tolerance_s)
    return fail(Reason::invalid, "/iat: it was made in the future", "correct the clock of the device",
                "/iat");
  if (document.nbf && *document.nbf > now_s + tolerance_s)
    return fail(Reason::invalid, "/nbf: it is not valid yet",
                "send it later; `when` is for the time of the download", "/nbf");
  if (document.exp <= now_s)
    return fail(Reason::expired, "/exp: it is no longer valid", "make it anew", "/exp");
  if (document.exp > document.iat + longest_s)
    return fail(Reason::invalid, "/exp: it is valid for more than 400 days", "choose an earlier end", "/exp");
  return {};
}

}  // namespace restante::proxy
