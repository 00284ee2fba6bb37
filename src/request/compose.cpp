// SPDX-License-Identifier: Apache-2.0
#include "request/compose.hpp"

#include "base/text.hpp"
#include "base/uuid.hpp"
#include "proxy/headers.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/url.hpp"
#include "proxy/zone.hpp"
#include "request/cookies.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace restante::request {
namespace {

/// How long a place may take the document; the plan itself is in `when`.
constexpr std::int64_t acceptance_s = 90 * 24 * 3600;

tl::unexpected<Error> usage(std::string message, std::string hint = {}) {
  return fail(Reason::usage, std::move(message), std::move(hint));
}

std::string zone_of(std::string_view tz, const Place& place) {
  if (tz.empty()) return place.tz.empty() ? "UTC" : place.tz;
  return tz == "here" ? proxy::system_zone() : std::string(tz);
}

Result<std::uint64_t> size_option(const char* option, std::string_view text) {
  const auto size = parse_size(text);
  if (size && *size > 0) return *size;
  return usage(std::string(option) + " does not understand '" + std::string(text) + "'",
               "give a size such as 500k, 20M or 1.5G");
}

Result<void> add_checksum(proxy::File& file, std::string_view text) {
  struct Algorithm {
    std::string_view spelling, name;
    std::size_t digits;
  };
  constexpr std::array<Algorithm, 8> known{{{"sha-256", "sha-256", 64},
                                            {"sha256", "sha-256", 64},
                                            {"sha-512", "sha-512", 128},
                                            {"sha512", "sha-512", 128},
                                            {"sha-1", "sha", 40},
                                            {"sha1", "sha", 40},
                                            {"sha", "sha", 40},
                                            {"md5", "md5", 32}}};
  const auto equals = text.find('=');
  const std::string algorithm = ascii_lower(text.substr(0, equals));
  const auto* found = std::find_if(known.begin(), known.end(),
                                   [&](const Algorithm& one) { return one.spelling == algorithm; });
  if (equals == text.npos || found == known.end())
    return usage("--checksum does not understand '" + std::string(text) + "'",
                 "write sha-256=HEX, sha-512=HEX, sha-1=HEX or md5=HEX");
  const std::string hex = ascii_lower(trimmed(text.substr(equals + 1), " \t"));
  if (hex.size() != found->digits || !from_hex(hex))
    return usage("a " + algorithm + " checksum has " + std::to_string(found->digits) + " hexadecimal digits");
  file.digests[std::string(found->name)] = hex;
  return {};
}

/// The headers that the place makes by itself (FORMATS.md §1.5).
bool is_own_header(const std::string& lower_name) {
  constexpr std::array<std::string_view, 10> own{
      "host",    "content-length", "transfer-encoding", "connection", "te",
      "upgrade", "expect",         "accept-encoding",   "range",      "keep-alive"};
  return std::find(own.begin(), own.end(), lower_name) != own.end() || lower_name.starts_with("proxy-") ||
         lower_name.starts_with("if-");
}

Result<proxy::Header> read_header(std::string_view text) {
  const auto colon = text.find(':');
  std::string name = ascii_lower(text.substr(0, colon == text.npos ? 0 : colon));
  const bool good_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+.^_`|~-").find(c) != std::string_view::npos;
  });
  if (!good_name) return usage("--header wants 'Name: value'");
  const std::string_view value = trimmed(text.substr(colon + 1), " \t");
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos)
    return usage("the value of --header " + name + " has a line break in it");
  if (is_own_header(name))
    return usage("the header " + name + " is made by the place itself", "leave that --header out");
  return proxy::Header{std::move(name), std::string(value)};
}

/// A URL without its user information, and that.
struct PlainUrl {
  std::string url;
  bool has_user = false;
  std::string user, password;
};

/// Whether people mean a host when they leave the scheme out: "files.example/a", "localhost:8000". A word
/// alone
/// ("nonsense", "javascript:1") is more likely a mistake than a machine of the place's network.
bool begins_with_host(std::string_view text) {
  const std::string_view host = text.substr(0, text.find_first_of("/:?#"));
  return host == "localhost" || text.starts_with('[') || host.find('.') != host.npos;
}

Result<PlainUrl> plain_url(std::string_view text) {
  if (text.find("://") == text.npos && !begins_with_host(trimmed(text, " \t")))
    return fail(Reason::scheme, "'" + url_for_logs(text) + "' is not the address of a file",
                "give the whole address, as in https://host/file");
  auto tidy = proxy::tidy_url(text);
  if (!tidy) return fail(std::move(tidy.error()));
  auto parts = proxy::split_url(*tidy);
  if (!parts) return fail(std::move(parts.error()));
  PlainUrl out;
  if (!parts->has_userinfo) {
    out.url = std::move(*tidy);
    return out;
  }
  const auto colon = parts->userinfo.find(':');
  const auto user = proxy::percent_decode(parts->userinfo.substr(0, colon));
  const auto password = proxy::percent_decode(
      colon == std::string_view::npos ? std::string_view() : parts->userinfo.substr(colon + 1));
  if (!user || !password) return usage("the user information in the URL is not percent-encoded rightly");
  out.has_user = !user->empty() || !password->empty();
  out.user = *user;
  out.password = *password;
  const auto begin = static_cast<std::size_t>(parts->userinfo.data() - tidy->data());
  out.url = tidy->substr(0, begin) + tidy->substr(begin + parts->userinfo.size() + 1);
  return out;
}

Result<void> add_credentials(const Wish& wish, const PlainUrl& plain, std::string_view origin, Instant now,
                             std::vector<proxy::Header> secret_headers, proxy::Document& document) {
  const auto add = [&](proxy::CredentialKind kind) -> proxy::Credential& {
    auto& made = document.access.emplace_back();
    made.id = "c" + std::to_string(document.access.size());
    made.kind = kind;
    made.scope = {std::string(origin)};
    return made;
  };
  const std::string user = wish.user.empty() ? plain.user : wish.user;
  if (!wish.host_key.empty() && (!origin.starts_with("sftp:") || user.empty() || wish.digest))
    return usage("--host-key goes with a user name at an address that begins with sftp://");
  if (wish.user.find(':') != wish.user.npos)
    return usage("a user name has no ':'", "give the password with --secret-stdin");
  if (!user.empty() || plain.has_user) {
    auto& basic = add(wish.digest ? proxy::CredentialKind::digest : proxy::CredentialKind::basic);
    basic.user = user;
    basic.password = wish.secret ? *wish.secret : plain.password;
    basic.host_key = wish.host_key;
  } else if (wish.digest) {
    return usage("--digest needs a user name", "give it with --user");
  } else if (wish.secret) {
    add(proxy::CredentialKind::bearer).token = *wish.secret;
  }
  if (wish.cookies_file) {
    auto cookies = cookies_for(*wish.cookies_file, plain.url, now);
    if (!cookies) return fail(std::move(cookies.error()));
    if (cookies->empty())
      return usage("the cookies file has none for " + std::string(origin),
                   "sign in there, then export it anew");
    add(proxy::CredentialKind::cookies).cookies = std::move(*cookies);
  }
  if (!secret_headers.empty()) add(proxy::CredentialKind::headers).headers = std::move(secret_headers);
  if (wish.certificate) {
    if (!origin.starts_with("https:"))
      return usage("a client certificate needs an address that begins with https://");
    auto& tls = add(proxy::CredentialKind::tls);
    tls.certificate = wish.certificate->certificate;
    tls.key = wish.certificate->key;
  }
  return {};
}

/// Whether the request itself says how to sign in there.
bool signs_in(const proxy::Document& document, const std::string& origin) {
  return std::any_of(document.access.begin(), document.access.end(), [&](const proxy::Credential& one) {
    if (std::find(one.scope.begin(), one.scope.end(), origin) == one.scope.end()) return false;
    if (one.kind != proxy::CredentialKind::headers) return true;
    return std::any_of(one.headers.begin(), one.headers.end(), [](const proxy::Header& header) {
      return iequals(header.first, "authorization") || iequals(header.first, "cookie");
    });
  });
}

/// Stored logins of the sources' origins, where the request itself has none.
void add_logins(const Wish& wish, proxy::Document& document) {
  std::set<std::string> own;
  for (const proxy::File& file : document.files)
    for (const proxy::Source& source : file.sources)
      if (const auto at = proxy::origin_of(source.url); at && signs_in(document, *at)) own.insert(*at);
  for (proxy::File& file : document.files)
    for (proxy::Source& source : file.sources) {
      const auto at = proxy::origin_of(source.url);
      if (!at || own.contains(*at)) continue;
      for (const proxy::Credential& login : wish.logins) {
        if (login.scope != std::vector<std::string>{*at}) continue;
        const auto known =
            std::find_if(document.access.begin(), document.access.end(), [&](const proxy::Credential& one) {
              return one.id.starts_with(login_id) && one.scope == login.scope && one.kind == login.kind;
            });
        if (known != document.access.end()) {
          source.credential_ids.push_back(known->id);
          continue;
        }
        auto& made = document.access.emplace_back(login);
        made.id = std::string(login_id) + std::to_string(document.access.size());
        source.credential_ids.push_back(made.id);
      }
    }
}

Result<void> set_when(const Wish& wish, const Place& place, Instant now, proxy::When& when) {
  const bool silent =
      wish.at.empty() && wish.by.empty() && wish.windows.empty() && wish.every.empty() && wish.tz.empty();
  if (silent) return {};
  const std::string zone = zone_of(wish.tz, place);
  if (!proxy::is_zone(zone))
    return usage("there is no time zone '" + zone + "'", "write it as in Europe/Paris");
  const auto read = [&](const std::string& text, std::optional<Instant>& out,
                        std::string& as_text) -> Result<void> {
    if (text.empty()) return {};
    auto instant = proxy::parse_person_time(text, zone, now);
    if (!instant) return fail(std::move(instant.error()));
    out = *instant;
    as_text = proxy::to_ixdtf(zone, *instant);
    return {};
  };
  if (auto done = read(wish.at, when.start, when.start_text); !done) return done;
  if (auto done = read(wish.by, when.by, when.by_text); !done) return done;
  if (!wish.windows.empty()) when.windows.clear();
  for (const std::string& text : wish.windows) {
    auto window = proxy::parse_person_window(text);
    if (!window) return fail(std::move(window.error()));
    when.windows.push_back(std::move(*window));
  }
  if (!wish.every.empty()) {
    auto rule = proxy::parse_person_recurrence(wish.every);
    if (!rule) return fail(std::move(rule.error()));
    when.repeat = std::move(*rule);
  }
  const bool by_clocks = !when.windows.empty() || !when.repeat.empty() || when.start || when.by;
  if (by_clocks || !wish.tz.empty()) when.tz = zone;
  return {};
}

/// The file as the wish has it: what it says nothing about stays.
Result<void> set_file(const Wish& wish, proxy::File& file) {
  if (!wish.name.empty()) file.name = wish.name;
  if (!wish.folder.empty()) file.folder = file.folder.empty() ? wish.folder : wish.folder + "/" + file.folder;
  file.allow_empty = file.allow_empty || wish.allow_empty;
  for (const std::string& checksum : wish.checksums)
    if (auto done = add_checksum(file, checksum); !done) return fail(std::move(done.error()));
  return {};
}

Result<void> set_limits(const Wish& wish, proxy::Document& document) {
  if (!wish.limit_rate.empty()) {
    auto rate = size_option("--limit-rate", wish.limit_rate);
    if (!rate) return fail(std::move(rate.error()));
    document.limits.rate_bytes_per_s = *rate;
  }
  if (!wish.max_size.empty()) {
    auto size = size_option("--max-size", wish.max_size);
    if (!size) return fail(std::move(size.error()));
    document.limits.max_bytes = *size;
  }
  if (wish.max_attempts) document.limits.attempts = wish.max_attempts;
  if (wish.keep.empty()) return {};
  auto keep = proxy::parse_duration(wish.keep);
  if (!keep) return fail(std::move(keep.error()));
  if (keep->count() <= 0)
    return usage("--keep does not understand '" + wish.keep + "'", "give a duration such as 12h or 14d");
  document.keep = *keep;
  return {};
}

/// Headers of the wish, which stand instead of captured ones of the same name.
void add_headers(const std::vector<proxy::Header>& headers, proxy::Source& source) {
  for (const proxy::Header& header : headers) {
    std::erase_if(source.request.headers,
                  [&](const proxy::Header& one) { return iequals(one.first, header.first); });
    source.request.headers.push_back(header);
  }
}

/// Puts what the wish says on a document of at least one source, the first of which has the URL `plain`.
Result<proxy::Document> add_wish(proxy::Document document, const Wish& wish, const PlainUrl& plain,
                                 const Place& place, Instant now) {
  document.id = new_request_id(now);
  document.iss_jkt = place.device_jkt;
  document.iss_account = place.account;
  document.aud = {{place.jkt, place.url}};
  document.iat = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  document.exp = document.iat + acceptance_s;
  document.probe = document.probe && wish.probe;
  if (auto done = set_when(wish, place, now, document.when); !done) return fail(std::move(done.error()));
  const auto origin = proxy::origin_of(plain.url);
  if (!origin) return fail(Reason::invalid, "not a URL: " + url_for_logs(plain.url));
  for (proxy::File& file : document.files)
    if (auto done = set_file(wish, file); !done) return fail(std::move(done.error()));

  std::vector<proxy::Header> headers, secret_headers;
  for (const std::string& text : wish.headers) {
    auto header = read_header(text);
    if (!header) return fail(std::move(header.error()));
    (proxy::is_harmless_header(header->first) ? headers : secret_headers).push_back(std::move(*header));
  }
  if (!wish.referer.empty()) {
    auto referer = read_header("referer: " + wish.referer);
    if (!referer) return fail(std::move(referer.error()));
    headers.push_back(std::move(*referer));
  }
  proxy::Document signing;
  if (auto done = add_credentials(wish, plain, *origin, now, std::move(secret_headers), signing); !done)
    return fail(std::move(done.error()));
  for (const std::string& mirror : wish.mirrors) {
    auto other = plain_url(mirror);
    if (!other) return fail(std::move(other.error()));
    if (other->has_user)
      return usage("a --mirror cannot bring a password of its own",
                   "leave the user information out of the URL");
    auto& sources = document.files.front().sources;
    proxy::Source& source = sources.emplace_back();
    source.url = other->url;
    source.priority = static_cast<int>(sources.size());
  }
  for (proxy::Credential& one : signing.access) {
    one.id = "c" + std::to_string(document.access.size() + 1);
    const auto taken = [&](const proxy::Credential& other) { return other.id == one.id; };
    while (std::any_of(document.access.begin(), document.access.end(), taken)) one.id += "x";
    document.access.push_back(one);
  }
  for (proxy::File& file : document.files)
    for (proxy::Source& source : file.sources) {
      add_headers(headers, source);
      if (proxy::origin_of(source.url) != origin) continue;
      for (const proxy::Credential& one : signing.access) source.credential_ids.push_back(one.id);
    }
  add_logins(wish, document);
  if (auto done = set_limits(wish, document); !done) return fail(std::move(done.error()));
  return document;
}

}  // namespace

std::string new_request_id(Instant now) {
  return uuid_v7(now);
}

Result<proxy::Document> compose(const Wish& wish, const Place& place, Instant now) {
  auto plain = plain_url(wish.url);
  if (!plain) return fail(std::move(plain.error()));
  proxy::Document document;
  proxy::Source source;
  source.url = plain->url;
  source.priority = 1;
  document.files.emplace_back().sources.push_back(std::move(source));
  return add_wish(std::move(document), wish, *plain, place, now);
}

Result<proxy::Document> compose_captured(proxy::Document document, const Wish& wish, const Place& place,
                                         Instant now) {
  const auto& files = document.files;
  if (files.empty() || files.front().sources.empty()) return fail(Reason::invalid, "there is nothing in it");
  const bool single = !wish.name.empty() || !wish.checksums.empty() || !wish.mirrors.empty();
  if (files.size() > 1 && single)
    return usage("--name, --checksum and --mirror belong to one file, and it has several");
  PlainUrl plain;
  plain.url = files.front().sources.front().url;
  const auto origin = proxy::origin_of(plain.url);
  // What is given now stands instead of what was captured.
  const auto replaced = [&](const proxy::Credential& one) {
    using Kind = proxy::CredentialKind;
    if (!origin || one.scope != std::vector<std::string>{*origin}) return false;
    const bool login = one.kind == Kind::basic || one.kind == Kind::digest || one.kind == Kind::bearer;
    return (login && wish.secret) || (one.kind == Kind::cookies && wish.cookies_file);
  };
  std::set<std::string> gone;
  for (const proxy::Credential& one : document.access)
    if (replaced(one)) gone.insert(one.id);
  std::erase_if(document.access, replaced);
  for (proxy::File& file : document.files)
    for (proxy::Source& source : file.sources)
      std::erase_if(source.credential_ids, [&](const std::string& id) { return gone.contains(id); });
  return add_wish(std::move(document), wish, plain, place, now);
}

Result<std::string> compose_change(const Change& change, const Place& place, Instant now) {
  namespace bj = boost::json;
  const std::string zone = zone_of(change.tz.value_or(""), place);
  if (!proxy::is_zone(zone))
    return usage("there is no time zone '" + zone + "'", "write it as in Europe/Paris");
  bj::object when, root;
  const auto set_time = [&](const char* member, const std::optional<std::string>& text) -> Result<void> {
    if (!text) return {};
    when[member] = nullptr;
    if (text->empty()) return {};
    auto instant = proxy::parse_person_time(*text, zone, now);
    if (!instant) return fail(std::move(instant.error()));
    when[member] = proxy::to_ixdtf(zone, *instant);
    return {};
  };
  if (auto done = set_time("start", change.at); !done) return fail(std::move(done.error()));
  if (auto done = set_time("by", change.by); !done) return fail(std::move(done.error()));
  if (change.windows) {
    bj::array windows;
    for (const std::string& text : *change.windows) {
      if (text.empty()) continue;
      auto window = proxy::parse_person_window(text);
      if (!window) return fail(std::move(window.error()));
      const auto clock = [](int minutes) {
        std::array<char, 16> out{};
        std::snprintf(out.data(), out.size(), "%02d:%02d", minutes / 60, minutes % 60);
        return bj::string(out.data());
      };
      bj::object entry;
      entry["from"] = clock(window->from_minute);
      entry["to"] = clock(window->to_minute);
      constexpr std::array<const char*, 7> days{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
      if (!window->days.empty()) {
        bj::array list;
        for (const auto day : window->days) list.emplace_back(days[static_cast<std::size_t>(day)]);
        entry["days"] = std::move(list);
      }
      windows.push_back(std::move(entry));
    }
    when["windows"] = std::move(windows);
  }
  if (!when.empty()) {
    when["tz"] = zone;
    root["when"] = std::move(when);
  } else if (change.tz) {
    root["when"] = bj::object{{"tz", zone}};
  }
  if (change.name) root["name"] = *change.name;
  if (change.folder) root["folder"] = *change.folder;
  if (change.limit_rate) {
    bj::object limits;
    limits["rate"] = nullptr;
    if (!change.limit_rate->empty()) {
      auto rate = size_option("--limit-rate", *change.limit_rate);
      if (!rate) return fail(std::move(rate.error()));
      limits["rate"] = *rate;
    }
    root["limits"] = std::move(limits);
  }
  if (change.url) {
    auto url = proxy::tidy_url(*change.url);
    if (!url) return usage(url.error().message, url.error().hint);
    root["sources"] = bj::array{bj::object{{"url", *url}}};
  }
  if (root.empty())
    return usage("change what?", "give at least one of --at --by --window --name --folder --limit-rate");
  return bj::serialize(root);
}

}  // namespace restante::request
