// SPDX-License-Identifier: Apache-2.0
#include "transfer/hop_headers.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace restante::transfer {

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_ours(std::string_view name) {
  return name.starts_with("if-") || name.starts_with("proxy-") ||
         is_one_of(name, {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te",
                          "trailer", "upgrade", "expect", "range", "accept-encoding"});
}

bool is_harmless(std::string_view name) {
  return is_one_of(name, {"accept", "accept-language", "user-agent"});
}

bool domain_matches(std::string_view host, std::string_view domain) {
  while (!domain.empty() && domain.front() == '.') domain.remove_prefix(1);
  if (domain.empty()) return false;
  if (host == domain) return true;
  // An address is never below a domain (RFC 6265 §5.1.3).
  const bool address = host.find(':') != std::string_view::npos ||
                       host.find_first_not_of("0123456789.") == std::string_view::npos;
  return !address && host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

bool path_matches(std::string_view path, std::string_view cookie_path) {
  if (cookie_path.empty() || cookie_path == "/" || path == cookie_path) return true;
  if (!path.starts_with(cookie_path)) return false;
  return cookie_path.back() == '/' || path[cookie_path.size()] == '/';
}

bool cookie_fits(const proxy::Cookie& cookie, const net::HttpUrl& hop, Instant now) {
  if (cookie.secure && hop.scheme != "https") return false;
  if (cookie.expires && Instant(Seconds(*cookie.expires)) <= now) return false;
  const bool host = cookie.domain.empty() ? ascii_lower(cookie.host) == hop.host
                                          : domain_matches(hop.host, ascii_lower(cookie.domain));
  return host && path_matches(hop.path, cookie.path);
}

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// Collects lines and refuses what would become two of them.
class Lines {
public:
  void add(std::string_view name, std::string_view value) {
    if (name.empty() || breaks_line(value) ||
        name.find_first_of(std::string_view("\r\n\0: \t", 6)) != name.npos) {
      broken_ = true;
      return;
    }
    // libcurl sends a field without value only when it is written with a semicolon.
    headers_.lines.push_back(value.empty() ? std::string(name) + ";"
                                           : std::string(name) + ": " + std::string(value));
  }
  void add_secret(std::string_view name, std::string_view value) {
    add(name, value);
    headers_.credentials = true;
  }
  Result<HopHeaders> finish() && {
    if (broken_) return fail(Reason::invalid, "a header field or credential has a line break or no name");
    return std::move(headers_);
  }

private:
  HopHeaders headers_;
  bool broken_ = false;
};

void add_request_fields(Lines& lines, const jobs::TransferOrder& order, const net::HttpUrl& source,
                        const net::HttpUrl& hop) {
  const bool home = hop.origin == source.origin;
  bool user_agent = false;
  for (const auto& [name, value] : order.source.request.headers) {
    const std::string lower = ascii_lower(name);
    if (is_ours(lower)) continue;
    if (lower == "referer" && !home) {
      if (const auto page = net::parse_url(value)) lines.add(name, page->origin + "/");
      continue;
    }
    if (!home && !is_harmless(lower)) continue;
    user_agent = user_agent || lower == "user-agent";
    lines.add(name, value);
  }
  if (!user_agent) lines.add("User-Agent", "Restante/" RESTANTE_VERSION);
  lines.add("Accept-Encoding", "identity");
}

bool is_for(const proxy::Credential& credential, const net::HttpUrl& hop) {
  return std::find(credential.scope.begin(), credential.scope.end(), hop.origin) != credential.scope.end();
}

void add_sign_in(Lines& lines, const proxy::Credential& credential, const std::string& digest) {
  const bool password =
      credential.kind == proxy::CredentialKind::basic || credential.kind == proxy::CredentialKind::digest;
  if (password && !digest.empty()) return lines.add_secret("Authorization", digest);
  if (credential.kind == proxy::CredentialKind::basic)
    return lines.add_secret("Authorization",
                            "Basic " + to_base64(credential.user + ":" + credential.password));
  if (!password && !credential.token.empty()) lines.add_secret("Authorization", "Bearer " + credential.token);
}

void add_credential(Lines& lines, const proxy::Credential& credential, const net::HttpUrl& hop, Instant now,
                    bool signed_in, std::string& cookies) {
  switch (credential.kind) {
    case proxy::CredentialKind::cookies:
      for (const proxy::Cookie& cookie : credential.cookies) {
        if (!cookie_fits(cookie, hop, now)) continue;
        cookies += (cookies.empty() ? "" : "; ") + cookie.name + "=" + cookie.value;
      }
      return;
    case proxy::CredentialKind::headers:
      for (const auto& [name, value] : credential.headers) {
        const std::string lower = ascii_lower(name);
        if (!is_ours(lower) && !(signed_in && lower == "authorization")) lines.add_secret(name, value);
      }
      return;
    case proxy::CredentialKind::basic:
    case proxy::CredentialKind::bearer:
    case proxy::CredentialKind::digest:
    case proxy::CredentialKind::oauth:
    case proxy::CredentialKind::tls:
      return;  // sign_in_for, certificate_for
  }
}

}  // namespace

Result<HopHeaders> hop_headers(const jobs::TransferOrder& order, const net::HttpUrl& source,
                               const net::HttpUrl& hop, Instant now, const std::string& digest) {
  Lines lines;
  add_request_fields(lines, order, source, hop);
  const proxy::Credential* sign_in = sign_in_for(order, hop);
  if (sign_in != nullptr) add_sign_in(lines, *sign_in, digest);
  std::string cookies;
  for (const proxy::Credential& credential : order.credentials)
    if (is_for(credential, hop)) add_credential(lines, credential, hop, now, sign_in != nullptr, cookies);
  if (!cookies.empty()) lines.add_secret("Cookie", cookies);
  wipe(cookies);
  return std::move(lines).finish();
}

const proxy::Credential* sign_in_for(const jobs::TransferOrder& order, const net::HttpUrl& hop) {
  for (const proxy::Credential& credential : order.credentials) {
    switch (credential.kind) {
      case proxy::CredentialKind::basic:
      case proxy::CredentialKind::bearer:
      case proxy::CredentialKind::digest:
      case proxy::CredentialKind::oauth:
        if (is_for(credential, hop)) return &credential;
        break;
      case proxy::CredentialKind::cookies:
      case proxy::CredentialKind::headers:
      case proxy::CredentialKind::tls:
        break;
    }
  }
  return nullptr;
}

const proxy::Credential* certificate_for(const jobs::TransferOrder& order, const net::HttpUrl& hop) {
  if (hop.scheme != "https") return nullptr;
  for (const proxy::Credential& credential : order.credentials)
    if (credential.kind == proxy::CredentialKind::tls && is_for(credential, hop)) return &credential;
  return nullptr;
}

std::string credential_domain(const jobs::TransferOrder& order) {
  std::string text;
  const auto put = [&text](std::string_view part) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  };
  for (const proxy::Credential& credential : order.credentials) {
    put(std::to_string(static_cast<int>(credential.kind)));
    for (const std::string& origin : credential.scope) put(origin);
    put(credential.user);
    put(credential.password);
    put(credential.token);
    put(credential.host_key);
    for (const std::string* part :
         {&credential.certificate, &credential.key, &credential.token_endpoint, &credential.client_id,
          &credential.client_secret, &credential.refresh_token})
      put(*part);
    for (const proxy::Cookie& cookie : credential.cookies) {
      put(cookie.name);
      put(cookie.value);
      put(cookie.host);
      put(cookie.domain);
      put(cookie.path);
    }
    for (const auto& [name, value] : credential.headers) {
      put(name);
      put(value);
    }
  }
  const std::string none = std::to_string(order.account.value) + " none";
  if (order.credentials.empty()) return none;
  const std::string key = std::to_string(order.account.value) + " " + to_hex(sha256(text));
  wipe(text);
  return key;
}

}  // namespace restante::transfer
