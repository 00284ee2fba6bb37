// SPDX-License-Identifier: Apache-2.0
#include "capture/draft.hpp"

#include "base/text.hpp"
#include "base/uuid.hpp"
#include "proxy/headers.hpp"
#include "proxy/policy.hpp"
#include "proxy/rules.hpp"
#include "proxy/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace restante::capture {
namespace {

constexpr std::size_t most_cookies = 256,
                      most_headers = 64;  ///< of a document's credential (FORMATS.md §1.5)

/// The headers that the place makes by itself (FORMATS.md §1.5).
bool is_own_header(std::string_view name) {
  constexpr std::array<std::string_view, 11> own{
      "host",   "content-length",  "transfer-encoding", "connection", "te",      "upgrade",
      "expect", "accept-encoding", "keep-alive",        "trailer",    "alt-used"};
  return std::find(own.begin(), own.end(), name) != own.end() || name.starts_with("proxy-");
}

bool holds(const proxy::TextRule& rule, std::string_view text) {
  return is_utf8(text) && proxy::count_characters(text) <= rule.max_characters && rule.holds(text);
}

std::string_view kind_name(proxy::CredentialKind kind) {
  constexpr std::array<std::string_view, 7> names{"basic",       "bearer", "cookie", "header",
                                                  "certificate", "header", "digest"};
  return names.at(static_cast<std::size_t>(kind));
}

std::vector<Secret> secrets_of(const proxy::Document& document) {
  std::vector<Secret> out;
  for (const auto& one : document.access) {
    const std::string kind(kind_name(one.kind));
    for (const auto& origin : one.scope) {
      if (one.kind == proxy::CredentialKind::cookies) {
        std::string names;
        for (const auto& cookie : one.cookies) names += (names.empty() ? "" : ", ") + cookie.name;
        out.push_back({kind, origin, std::move(names)});
      } else if (one.kind == proxy::CredentialKind::headers) {
        for (const auto& [name, value] : one.headers) out.push_back({kind, origin, name});
      } else {
        out.push_back({kind, origin, one.user});
      }
    }
  }
  return out;
}

/// Why no document can be made of it, for people: without the pointer and without the words of documents.
std::string reason_for_people(const Error& error) {
  if (error.pointer.starts_with("/access"))
    return "a cookie, password or header of it has characters that cannot be sent, or is too long";
  if (error.reason == Reason::scheme) return "addresses of this kind cannot be downloaded";
  if (error.pointer.ends_with("/method")) return "only GET and POST can be sent yet";
  if (error.pointer.ends_with("/body")) return "what it sends along is longer than 64 KiB";
  if (error.pointer.find("/headers") != std::string::npos)
    return "one of its header lines has characters that cannot be sent, or there are too many";
  auto message = std::string_view(error.message);
  if (!error.pointer.empty() && message.starts_with(error.pointer))
    message.remove_prefix(error.pointer.size());
  while (message.starts_with(':') || message.starts_with(' ')) message.remove_prefix(1);
  return std::string(message);
}

constexpr Recipient nobody_yet() {
  return {};
}

/// What is always true of `Request::document`; the recipient and the times are only filled in to be judged.
Result<void> judge(const proxy::Document& document) {
  Recipient place = nobody_yet();
  place.jkt = std::string(43, 'A');
  const Instant now{std::chrono::seconds(1'000'000'000)};
  auto parsed = proxy::parse(proxy::to_json(address_to(document, place, now)));
  if (!parsed) return fail(std::move(parsed.error()));
  return proxy::check_supported(*parsed);
}

}  // namespace

proxy::Document address_to(proxy::Document document, const Recipient& place, Instant now, Seconds lasts) {
  document.id = uuid_v7(now);
  document.rev = 0;
  document.iss_jkt.clear();
  document.iss_account.clear();
  document.aud = {{place.jkt, place.url}};
  document.iat = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  document.exp = document.iat + lasts.count();
  document.nbf.reset();
  return document;
}

Result<PlainUrl> plain_url(std::string_view text) {
  // Browsers send a backslash in a query as it is; anywhere else programs disagree about what it means.
  std::string whole(text);
  for (auto at = whole.find('?'); at < whole.size(); ++at)
    if (whole[at] == '\\') whole.replace(at, 1, "%5C");
  auto tidy = proxy::tidy_url(whole);
  if (!tidy) return fail(std::move(tidy.error()));
  auto parts = proxy::split_url(*tidy);
  if (!parts) return fail(std::move(parts.error()));
  PlainUrl out;
  if (!parts->has_userinfo) {
    out.url = std::move(*tidy);
  } else {
    const auto colon = parts->userinfo.find(':');
    const auto user = proxy::percent_decode(parts->userinfo.substr(0, colon));
    const auto password = proxy::percent_decode(
        colon == std::string_view::npos ? std::string_view() : parts->userinfo.substr(colon + 1));
    if (!user || !password)
      return fail(Reason::invalid, "the name or password in the address is not percent-encoded rightly");
    if (!user->empty() || !password->empty()) {
      out.login.emplace();
      out.login->user = *user;
      out.login->password = *password;
    }
    const auto begin = static_cast<std::size_t>(parts->userinfo.data() - tidy->data());
    out.url = tidy->substr(0, begin) + tidy->substr(begin + parts->userinfo.size() + 1);
  }
  // What is behind '#' is the page's own affair and is never sent.
  if (const auto hash = out.url.find('#'); hash != std::string::npos) out.url.erase(hash);
  const auto origin = proxy::origin_of(out.url);
  if (!origin) return fail(Reason::invalid, "this is not an address");
  out.origin = *origin;
  if (out.url.size() > proxy::rules::url.max_characters)
    return fail(Reason::too_large, "the address is longer than 8,192 characters");
  return out;
}

std::string shown_url(std::string_view url) {
  const auto parts = proxy::split_url(url);
  if (!parts) {
    // Whatever it is, what follows its scheme could be a secret.
    const auto scheme = url.substr(0, std::min(url.find(':'), url.size()));
    const bool plain = scheme.size() < 20 && std::all_of(
                                                 scheme.begin(), scheme.end(),
                                                 [](char c) {
                                                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                                          c == '-' || c == '+' || c == '.';
                                                 });
    return plain && !scheme.empty() ? std::string(scheme) + ":…" : "…";
  }
  std::string out = std::string(parts->scheme) + "://" + std::string(parts->host);
  if (parts->port) out += ":" + std::to_string(*parts->port);
  const auto end = parts->rest.find_first_of("?#");
  out += parts->rest.substr(0, end);
  if (end != std::string_view::npos && parts->rest[end] == '?') out += "?…";
  return out;
}

std::string name_in_url(std::string_view url) {
  const auto parts = proxy::split_url(url);
  if (!parts) return {};
  auto path = parts->rest.substr(0, parts->rest.find_first_of("?#"));
  const auto name = proxy::percent_decode(path.substr(path.rfind('/') + 1));
  return name && holds(proxy::rules::name, *name) ? *name : std::string();
}

std::optional<NamePath> name_path(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  const auto slash = path.rfind('/');
  NamePath out;
  out.name = path.substr(slash == path.npos ? 0 : slash + 1);
  if (slash != path.npos) out.folder = path.substr(0, slash);
  if (!holds(proxy::rules::name, out.name)) return std::nullopt;
  if (slash != path.npos && !holds(proxy::rules::folder, out.folder)) return std::nullopt;
  return out;
}

std::optional<std::pair<std::string, std::string>> digest_of(std::string_view algorithm,
                                                             std::string_view hex) {
  struct Known {
    std::string_view spelling, name;
    std::size_t digits;
  };
  constexpr std::array<Known, 8> known{{{"sha-256", "sha-256", 64},
                                        {"sha256", "sha-256", 64},
                                        {"sha-512", "sha-512", 128},
                                        {"sha512", "sha-512", 128},
                                        {"sha-1", "sha", 40},
                                        {"sha1", "sha", 40},
                                        {"sha", "sha", 40},
                                        {"md5", "md5", 32}}};
  const std::string lower = ascii_lower(trimmed(algorithm));
  std::string digits = ascii_lower(trimmed(hex));
  for (const auto& one : known)
    if (one.spelling == lower && digits.size() == one.digits && from_hex(digits))
      return std::pair(std::string(one.name), std::move(digits));
  return std::nullopt;
}

SourceDraft::SourceDraft(PlainUrl url) : origin(std::move(url.origin)) {
  source.url = std::move(url.url);
  source.priority = 1;
  if (url.login) add_login(std::move(url.login->user), std::move(url.login->password));
}

proxy::Credential& SourceDraft::credential(proxy::CredentialKind kind) {
  const auto known =
      std::find_if(credentials.begin(), credentials.end(), [&](const auto& one) { return one.kind == kind; });
  if (known != credentials.end()) return *known;
  auto& made = credentials.emplace_back();
  made.kind = kind;
  made.scope = {origin};
  return made;
}

void SourceDraft::add_login(std::string user, std::string password, bool digest) {
  using Kind = proxy::CredentialKind;
  auto& login = credential(digest ? Kind::digest : Kind::basic);
  login.user = std::move(user);
  login.password = std::move(password);
}

void SourceDraft::add_bearer(std::string token) {
  credential(proxy::CredentialKind::bearer).token = std::move(token);
}

void SourceDraft::add_cookies(std::string_view header_value) {
  const std::string host(proxy::split_url(source.url)->host);
  std::vector<proxy::Cookie> found;
  // One more than documents may have: the whole is refused then.
  for (auto left = header_value; !left.empty() && found.size() <= most_cookies;) {
    const auto end = std::min(left.find(';'), left.size());
    const auto pair = trimmed(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    proxy::Cookie cookie;
    cookie.name = equals == pair.npos ? std::string() : std::string(trimmed(pair.substr(0, equals)));
    cookie.value = equals == pair.npos ? std::string() : std::string(trimmed(pair.substr(equals + 1)));
    if (!holds(proxy::rules::cookie_name, cookie.name) || !holds(proxy::rules::cookie_value, cookie.value)) {
      // Not as RFC 6265 has them: they are sent as they stand.
      credential(proxy::CredentialKind::headers)
          .headers.emplace_back("cookie", std::string(trimmed(header_value)));
      return;
    }
    cookie.host = ascii_lower(host);
    cookie.secure = source.url.starts_with("https:");
    found.push_back(std::move(cookie));
  }
  if (found.empty()) return;
  auto& cookies = credential(proxy::CredentialKind::cookies).cookies;
  for (auto& cookie : found) {
    if (cookies.size() > most_cookies) return;
    std::erase_if(cookies, [&](const auto& one) { return one.name == cookie.name; });
    cookies.push_back(std::move(cookie));
  }
}

void SourceDraft::add_header(std::string_view given_name, std::string_view given_value) {
  std::string name = ascii_lower(trimmed(given_name));
  const auto value = trimmed(given_value);
  if (name.starts_with(':') || is_own_header(name)) return;
  if (!holds(proxy::rules::header_name, name)) {
    note("a header line without a proper name is left out");
    return;
  }
  if (name == "range" || name.starts_with("if-")) {
    note("only a part was asked for, or only if it changed (" + name + "); the whole file is downloaded");
    return;
  }
  if (name == "cookie") {
    add_cookies(value);
    return;
  }
  if (name == "authorization") {
    const auto scheme = ascii_lower(value.substr(0, value.find(' ')));
    const auto rest = trimmed(value.substr(std::min(scheme.size(), value.size())));
    if (scheme == "bearer" && holds(proxy::rules::token, rest)) {
      add_bearer(std::string(rest));
      return;
    }
    const auto pair = scheme == "basic" ? from_base64(rest) : std::nullopt;
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon != std::string::npos && holds(proxy::rules::user, pair->substr(0, colon)) &&
        holds(proxy::rules::secret, pair->substr(colon + 1))) {
      add_login(pair->substr(0, colon), pair->substr(colon + 1));
      return;
    }
  }
  const bool harmless = proxy::is_harmless_header(name);
  auto& headers = harmless ? source.request.headers : credential(proxy::CredentialKind::headers).headers;
  if (headers.size() <= most_headers) headers.emplace_back(std::move(name), std::string(value));
}

void join(proxy::Document& document, proxy::File& file, SourceDraft draft) {
  for (auto& credential : draft.credentials) {
    // More than documents may have: the whole is refused then.
    if (document.access.size() > proxy::max_credentials) break;
    const auto same = std::find_if(document.access.begin(), document.access.end(), [&](const auto& one) {
      credential.id = one.id;
      return one.kind == credential.kind && one.scope == credential.scope && one.user == credential.user &&
             one.password == credential.password && one.token == credential.token &&
             one.headers == credential.headers && credential.cookies.empty();
    });
    if (same == document.access.end()) {
      credential.id = "c" + std::to_string(document.access.size() + 1);
      document.access.push_back(credential);
    }
    draft.source.credential_ids.push_back(credential.id);
  }
  file.sources.push_back(std::move(draft.source));
}

void Gathering::add(SourceDraft draft, proxy::File file) {
  proxy::Document document;
  auto notes = std::move(draft.notes);
  join(document, file, std::move(draft));
  document.files.push_back(std::move(file));
  add(std::move(document), std::move(notes));
}

void Gathering::add(proxy::Document document, std::vector<std::string> notes, const std::string& shown_name) {
  ++tried_;
  if (out_.requests.size() >= limits_.requests) {
    ++too_many_;
    return;
  }
  const auto& file = document.files.front();
  Request request;
  request.url = shown_url(file.sources.front().url);
  if (auto judged = judge(document); !judged) {
    leave_out(request.url, reason_for_people(judged.error()));
    return;
  }
  proxy::Document plain = document;
  plain.id.clear();
  if (!seen_.insert(proxy::to_json(plain)).second) return;
  request.name = !file.name.empty()    ? file.name
                 : !shown_name.empty() ? shown_name
                                       : name_in_url(file.sources.front().url);
  request.secrets = secrets_of(document);
  request.document = std::move(document);
  for (auto& note : notes)
    if (request.notes.size() < limits_.notes &&
        std::find(request.notes.begin(), request.notes.end(), note) == request.notes.end())
      request.notes.push_back(std::move(note));
  out_.requests.push_back(std::move(request));
}

void Gathering::leave_out(std::string what, std::string why) {
  ++tried_;
  if (out_.left_out.size() < limits_.left_out)
    out_.left_out.push_back({std::move(what), std::move(why)});
  else
    ++not_told_;
}

Result<Understood> Gathering::finish() {
  if (not_told_ > 0) out_.left_out.push_back({fmt::format("{} more", not_told_), "for such reasons"});
  if (too_many_ > 0)
    out_.left_out.push_back(
        {fmt::format("{} more", too_many_), fmt::format("{} at once are the most", limits_.requests)});
  if (out_.requests.empty() && out_.left_out.empty())
    return fail(Reason::invalid, "there is nothing in it that could be downloaded",
                "paste the address of a file, as in https://host/file, or a copied curl command");
  return std::move(out_);
}

}  // namespace restante::capture
