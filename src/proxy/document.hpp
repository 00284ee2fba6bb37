// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::proxy {

/// One header field of a request, name and value as given.
using Header = std::pair<std::string, std::string>;

/// How a source is asked (FORMATS.md §1.4). Secrets are not here: they are credentials.
struct Request {
  std::string method = "GET";
  std::vector<Header> headers;
  std::optional<std::string> body;  ///< raw bytes, from `body` or `body64`
};

/// One place where a file can be had; lower `priority` first.
struct Source {
  std::string url;
  int priority = 999999;
  std::vector<std::string> credential_ids;
  Request request;
};

struct File {
  std::string name;    ///< wanted by the person, last segment only; empty: the server's
  std::string folder;  ///< relative, '/' between segments; empty: the top of the area
  std::string media_type;
  std::optional<std::uint64_t> size_bytes;
  std::map<std::string, std::string> digests;  ///< algorithm ("sha-256", ...) to lower-case hexadecimal
  std::vector<Source> sources;
  bool allow_empty = false;  ///< our member `empty`: an empty file is a success
};

struct Cookie {
  std::string name, value, host, path = "/";
  std::string domain;  ///< empty: host-only
  bool secure = false;
  std::optional<std::int64_t> expires;
};

enum class CredentialKind { basic, bearer, cookies, headers, tls, oauth, digest };

/// User information for content servers (the patent's block 322). It never leaves the origins of its scope.
struct Credential {
  std::string id;
  CredentialKind kind = CredentialKind::basic;
  std::vector<std::string> scope;  ///< origins "https://host[:port]", lower case, default port left out
  std::string user, password;      ///< basic, digest
  std::string host_key;  ///< basic: of an SFTP server, "SHA256:..." as OpenSSH shows it; may be empty
  std::string token;     ///< bearer; oauth: the access token, empty if there is none yet
  std::vector<Cookie> cookies;
  std::vector<Header> headers;
  std::string certificate, key;  ///< tls: PEM; the certificate with its chain, the key not encrypted
  std::string token_endpoint, client_id, client_secret, refresh_token;  ///< oauth (RFC 6749 §6)
  std::optional<std::int64_t> expires;  ///< oauth: of the access token, seconds since 1970
};

enum class Weekday { mo, tu, we, th, fr, sa, su };

/// Hours in which bytes may flow; to < from crosses midnight; minutes after midnight, to may be 1440.
struct Window {
  std::vector<Weekday> days;  ///< empty: every day; the day is that of `from`
  int from_minute = 0;
  int to_minute = 0;
};

enum class Miss { run, skip, fail };
enum class Late { carry_on, stop };

struct When {
  std::string tz;                    ///< IANA zone of the windows; empty: the place's
  std::optional<Instant> start, by;  ///< decided from the text by FORMATS.md §2
  std::string start_text, by_text;   ///< as given
  std::vector<Window> windows;
  std::string repeat;  ///< RRULE value; empty: once
  Miss miss = Miss::run;
  Late late = Late::carry_on;
};

struct Limits {
  std::optional<std::uint64_t> max_bytes, rate_bytes_per_s;
  std::optional<int> attempts, parallel;
};

struct Recipient {
  std::string jkt, url;
};

/// The proxy: the document that downloads on a person's behalf (patent: proxy, made by PG 310). Bare core of
/// FORMATS.md §1.4, version 1.
struct Document {
  std::string id;  ///< UUID, version 4 or 7, lower case
  std::int64_t rev = 0;
  enum class Op { submit, cancel } op = Op::submit;
  std::string iss_jkt, iss_account;
  std::vector<Recipient> aud;
  std::int64_t iat = 0, exp = 0;  ///< seconds since 1970
  std::optional<std::int64_t> nbf;
  std::string title;
  std::vector<File> files;
  std::vector<Credential> access;
  When when;
  Limits limits;
  std::optional<Seconds> keep;
  bool probe = true;  ///< our member: false for one-time links (`--no-probe`)
  bool has_pay = false, has_code = false,
       has_notify = false;  ///< asked for; the server says whether it does that
};

/// Strict reading by FORMATS.md §1.5: UTF-8, I-JSON, no duplicate keys, integers only, depth <= 16. Errors
/// carry an RFC 6901 pointer: malformed (not JSON), invalid (breaks the schema), unsupported-version (`v`),
/// cap-denied (`crit`), scheme, too-large. The same documents as contract/proxy.schema.json are accepted.
Result<Document> parse(std::string_view json);

/// The document as a bare core. `everything` has the secrets; `without_secrets` leaves `access` and `pay`
/// out, as the server keeps it readable; `only_secrets` is an object with just those members ("" if there are
/// none).
enum class Part { everything, without_secrets, only_secrets, hidden };  ///< hidden: secrets shown as "***"
std::string to_json(const Document& document, Part part = Part::everything);

/// Puts the members that `only_secrets` wrote back into a document read from `without_secrets`.
Result<void> restore_secrets(Document& document, std::string_view secrets_json);

/// The origin "scheme://host[:port]" of a URL in the form of Credential::scope; nullopt if it has none.
std::optional<std::string> origin_of(std::string_view url);

}  // namespace restante::proxy
