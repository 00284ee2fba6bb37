// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "proxy/document.hpp"
#include "proxy/file_json.hpp"
#include "proxy/zone.hpp"

#include <charconv>
#include <iterator>

namespace restante::proxy {

namespace {

constexpr std::string_view weekdays[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::string_view kinds[] = {"basic", "bearer", "cookies", "headers", "tls", "oauth", "digest"};
constexpr std::string_view mask = "***";

/// JSON as text, straight into one string: a comma is put where one is due.
class Writer {
public:
  Writer() { out_.reserve(512); }

  void open(char bracket) {
    separate();
    out_ += bracket;
  }
  void close(char bracket) { out_ += bracket; }

  Writer& key(std::string_view name) {
    separate();
    quote(name);
    out_ += ':';
    return *this;
  }
  void value(std::string_view text) {
    separate();
    quote(text);
  }
  void value(std::int64_t number) {
    separate();
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out_.append(digits, end);
  }
  void value(bool flag) {
    separate();
    out_ += flag ? "true" : "false";
  }

  void member(std::string_view name, std::string_view text) { key(name).value(text); }
  void member(std::string_view name, std::int64_t number) { key(name).value(number); }
  void member_if(std::string_view name, std::string_view text) {
    if (!text.empty()) member(name, text);
  }

  std::string take() { return std::move(out_); }

private:
  void separate() {
    if (out_.empty()) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
  }

  void quote(std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out_ += '"';
    std::size_t done = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out_.append(text, done, i - done);
      done = i + 1;
      out_ += '\\';
      switch (c) {
        case '"':
        case '\\':
          out_ += static_cast<char>(c);
          break;
        case '\b':
          out_ += 'b';
          break;
        case '\f':
          out_ += 'f';
          break;
        case '\n':
          out_ += 'n';
          break;
        case '\r':
          out_ += 'r';
          break;
        case '\t':
          out_ += 't';
          break;
        default:
          out_ += "u00";
          out_ += hex[c >> 4];
          out_ += hex[c & 15];
      }
    }
    out_.append(text, done, text.size() - done);
    out_ += '"';
  }

  std::string out_;
};

void write_headers(Writer& out, const std::vector<Header>& headers, bool hide) {
  out.key("headers").open('[');
  for (const auto& [name, value] : headers) {
    out.open('[');
    out.value(name);
    out.value(hide ? mask : std::string_view(value));
    out.close(']');
  }
  out.close(']');
}

void write_request(Writer& out, const Request& request) {
  if (request.method == "GET" && request.headers.empty() && !request.body) return;
  out.key("request").open('{');
  if (request.method != "GET") out.member("method", request.method);
  if (!request.headers.empty()) write_headers(out, request.headers, false);
  if (request.body) {
    if (is_utf8(*request.body))
      out.member("body", *request.body);
    else
      out.member("body64", to_base64(*request.body));
  }
  out.close('}');
}

void write_source(Writer& out, const Source& source) {
  out.open('{');
  out.member("url", source.url);
  if (source.priority != Source{}.priority) out.member("pri", source.priority);
  if (!source.credential_ids.empty()) {
    out.key("cred").open('[');
    for (const auto& id : source.credential_ids) out.value(id);
    out.close(']');
  }
  write_request(out, source.request);
  out.close('}');
}

/// The folders that every file has in common, from the top: they are written once.
std::string_view common_folder(const std::vector<File>& files) {
  if (files.empty()) return {};
  std::string_view common = files.front().folder;
  for (const File& file : files) {
    const std::string_view folder = file.folder;
    const auto holds = [&] {
      return folder.starts_with(common) && (folder.size() == common.size() || folder[common.size()] == '/');
    };
    while (!common.empty() && !holds()) {
      const auto slash = common.rfind('/');
      common = slash == std::string_view::npos ? std::string_view() : common.substr(0, slash);
    }
  }
  return common;
}

void write_file(Writer& out, const File& file, std::string_view common) {
  out.open('{');
  out.member_if("name", file.name);
  std::string_view path = file.folder;
  path.remove_prefix(common.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  out.member_if("path", path);
  out.member_if("type", file.media_type);
  if (file.size_bytes) out.member("size", static_cast<std::int64_t>(*file.size_bytes));
  if (!file.digests.empty()) {
    out.key("digest").open('{');
    for (const auto& [algorithm, hex] : file.digests) out.member(algorithm, hex);
    out.close('}');
  }
  if (file.allow_empty) out.member("empty", "allow");
  out.key("sources").open('[');
  for (const auto& source : file.sources) write_source(out, source);
  out.close(']');
  out.close('}');
}

void write_cookie(Writer& out, const Cookie& cookie, bool hide) {
  out.open('{');
  out.member("name", cookie.name);
  out.member("value", hide ? mask : std::string_view(cookie.value));
  out.member("host", cookie.host);
  out.member_if("domain", cookie.domain);
  if (cookie.path != "/") out.member("path", cookie.path);
  if (cookie.secure) out.key("secure").value(true);
  if (cookie.expires) out.member("expires", *cookie.expires);
  out.close('}');
}

void write_access(Writer& out, const std::vector<Credential>& access, bool hide) {
  out.key("access").open('[');
  for (const auto& credential : access) {
    const auto secret = [hide](const std::string& text) { return hide ? mask : std::string_view(text); };
    out.open('{');
    out.member("id", credential.id);
    out.member("kind", kinds[static_cast<std::size_t>(credential.kind)]);
    out.key("scope").open('[');
    for (const auto& origin : credential.scope) out.value(origin);
    out.close(']');
    switch (credential.kind) {
      case CredentialKind::basic:
      case CredentialKind::digest:
        out.member("user", credential.user);
        out.member("password", secret(credential.password));
        if (!credential.host_key.empty()) out.member("host_key", credential.host_key);
        break;
      case CredentialKind::bearer:
        out.member("token", secret(credential.token));
        break;
      case CredentialKind::cookies:
        out.key("cookies").open('[');
        for (const auto& cookie : credential.cookies) write_cookie(out, cookie, hide);
        out.close(']');
        break;
      case CredentialKind::headers:
        write_headers(out, credential.headers, hide);
        break;
      case CredentialKind::tls:
        out.member("cert", credential.certificate);
        out.member("key", secret(credential.key));
        break;
      case CredentialKind::oauth:
        out.member("token_endpoint", credential.token_endpoint);
        out.member("client_id", credential.client_id);
        if (!credential.client_secret.empty()) out.member("client_secret", secret(credential.client_secret));
        out.member("refresh_token", secret(credential.refresh_token));
        if (!credential.token.empty()) out.member("access_token", secret(credential.token));
        if (credential.expires) out.member("expires", *credential.expires);
        break;
    }
    out.close('}');
  }
  out.close(']');
}

std::string clock_text(int minute) {
  std::string out = "00:00";
  out[0] = static_cast<char>('0' + minute / 600);
  out[1] = static_cast<char>('0' + minute / 60 % 10);
  out[3] = static_cast<char>('0' + minute % 60 / 10);
  out[4] = static_cast<char>('0' + minute % 10);
  return out;
}

/// The text as given, unless the instant was changed since.
void write_instant(Writer& out, std::string_view name, const std::optional<Instant>& instant,
                   const std::string& text) {
  if (!instant) return;
  const auto meant = text.empty() ? Result<Instant>(never) : parse_ixdtf(text);
  if (meant && *meant == *instant)
    out.member(name, text);
  else
    out.member(name, to_rfc3339(*instant));
}

void write_when(Writer& out, const When& when) {
  const bool plain = when.tz.empty() && !when.start && !when.by && when.windows.empty() &&
                     when.repeat.empty() && when.miss == Miss::run && when.late == Late::carry_on;
  if (plain) return;
  out.key("when").open('{');
  out.member_if("tz", when.tz);
  write_instant(out, "start", when.start, when.start_text);
  write_instant(out, "by", when.by, when.by_text);
  if (!when.windows.empty()) {
    out.key("windows").open('[');
    for (const auto& window : when.windows) {
      out.open('{');
      if (!window.days.empty()) {
        out.key("days").open('[');
        for (Weekday day : window.days) out.value(weekdays[static_cast<std::size_t>(day)]);
        out.close(']');
      }
      out.member("from", clock_text(window.from_minute));
      out.member("to", clock_text(window.to_minute));
      out.close('}');
    }
    out.close(']');
  }
  out.member_if("repeat", when.repeat);
  if (when.miss != Miss::run) out.member("miss", when.miss == Miss::skip ? "skip" : "fail");
  if (when.late != Late::carry_on) out.member("late", "stop");
  out.close('}');
}

void write_limits(Writer& out, const Limits& limits) {
  if (!limits.max_bytes && !limits.rate_bytes_per_s && !limits.attempts && !limits.parallel) return;
  out.key("limits").open('{');
  if (limits.max_bytes) out.member("bytes", static_cast<std::int64_t>(*limits.max_bytes));
  if (limits.rate_bytes_per_s) out.member("rate", static_cast<std::int64_t>(*limits.rate_bytes_per_s));
  if (limits.attempts) out.member("attempts", *limits.attempts);
  if (limits.parallel) out.member("parallel", *limits.parallel);
  out.close('}');
}

void write_what(Writer& out, const Document& document) {
  out.key("what").open('{');
  out.member_if("title", document.title);
  const auto folder = common_folder(document.files);
  out.member_if("folder", folder);
  out.key("files").open('[');
  for (const auto& file : document.files) write_file(out, file, folder);
  out.close(']');
  out.close('}');
}

void write_people(Writer& out, const Document& document) {
  if (!document.iss_jkt.empty() || !document.iss_account.empty()) {
    out.key("iss").open('{');
    out.member_if("jkt", document.iss_jkt);
    out.member_if("account", document.iss_account);
    out.close('}');
  }
  out.key("aud").open('[');
  for (const auto& recipient : document.aud) {
    out.open('{');
    out.member("jkt", recipient.jkt);
    out.member_if("url", recipient.url);
    out.close('}');
  }
  out.close(']');
}

}  // namespace

std::string to_json(const File& file) {
  Writer out;
  write_file(out, file, "");
  return out.take();
}

std::string to_json(const Document& document, Part part) {
  Writer out;
  if (part == Part::only_secrets) {
    if (document.access.empty()) return {};
    out.open('{');
    write_access(out, document.access, false);
    out.close('}');
    return out.take();
  }
  out.open('{');
  out.member("v", 1);
  out.member("id", document.id);
  if (document.rev != 0) out.member("rev", document.rev);
  if (document.op == Document::Op::cancel) out.member("op", "cancel");
  write_people(out, document);
  out.member("iat", document.iat);
  if (document.nbf) out.member("nbf", *document.nbf);
  out.member("exp", document.exp);
  // A cancellation may be without.
  if (document.op == Document::Op::submit || !document.files.empty()) write_what(out, document);
  if (!document.access.empty() && part != Part::without_secrets)
    write_access(out, document.access, part == Part::hidden);
  write_when(out, document.when);
  write_limits(out, document.limits);
  if (document.keep) out.member("keep", duration_text(*document.keep));
  if (!document.probe) out.key("probe").value(false);
  out.close('}');
  return out.take();
}

}  // namespace restante::proxy
