// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "capture/understand.hpp"

#include <map>
#include <set>

namespace restante::capture {

/// An address without its user information, and that as a credential of its origin.
struct PlainUrl {
  std::string url, origin;
  std::optional<proxy::Credential> login;
};
/// Errors: scheme, invalid.
Result<PlainUrl> plain_url(std::string_view text);

/// How an address may be shown: "https://host/path?…"; other texts are cut to their scheme.
std::string shown_url(std::string_view url);

/// The last segment of the path, decoded, if it can be a name; else empty.
std::string name_in_url(std::string_view url);

/// A file name or path from elsewhere, split for the document: its last segment and the folders before.
/// nullopt: it leads out of the area, or has characters that no name has.
struct NamePath {
  std::string folder, name;
};
std::optional<NamePath> name_path(std::string_view path);

/// A digest as documents have it: {"sha-256", lower-case hexadecimal}. nullopt: another algorithm, or not as
/// long as it has to be.
std::optional<std::pair<std::string, std::string>> digest_of(std::string_view algorithm,
                                                             std::string_view hex);

/// One source of a draft, with all that a captured request says about how it is asked.
/// Headers that the place makes by itself are dropped; those that may carry secrets become credentials of
/// the source's origin.
class SourceDraft {
public:
  explicit SourceDraft(PlainUrl url);

  void add_header(std::string_view name, std::string_view value);
  void add_cookies(std::string_view header_value);  ///< as in `Cookie: a=1; b=2`
  void add_login(std::string user, std::string password, bool digest = false);
  void add_bearer(std::string token);
  void note(std::string text) { notes.push_back(std::move(text)); }

  proxy::Source source;
  std::string origin;
  std::vector<proxy::Credential> credentials;
  std::vector<std::string> notes;

private:
  proxy::Credential& credential(proxy::CredentialKind kind);
};

/// Gathers what a parser finds, within the limits, and lets only such requests through as documents may be.
class Gathering {
public:
  Gathering(Kind kind, const Limits& limits) : limits_(limits) { out_.kind = kind; }

  /// A download of one file from one source.
  void add(SourceDraft draft, proxy::File file = {});
  /// One of several sources or files, whose `credential_ids` are those of its access. `shown_name`: the name
  /// that it will probably have, where nobody wants one; empty: as its address says.
  void add(proxy::Document document, std::vector<std::string> notes = {}, const std::string& shown_name = {});
  void leave_out(std::string what, std::string why);
  /// Whether nothing more is to be tried.
  bool is_full() const { return tried_ >= limits_.tries; }
  /// Ends the gathering. Error invalid: there was nothing.
  Result<Understood> finish();

private:
  Limits limits_;
  Understood out_;
  std::set<std::string> seen_;  ///< documents, so that each is there once
  std::size_t tried_ = 0, too_many_ = 0, not_told_ = 0;
};

/// Puts the source into the file and its credentials into the document, under ids of the document.
void join(proxy::Document& document, proxy::File& file, SourceDraft draft);

/// What `understand` chooses among; text is UTF-8 without a byte order mark and NUL.
Result<Understood> understand_urls(std::string_view text, const Limits& limits);
Result<Understood> understand_curl(std::string_view text, const Limits& limits);
bool looks_like_curl(std::string_view text);
Result<Understood> understand_har(std::string_view text, const Limits& limits);
Result<Understood> understand_metalink(std::string_view text, const Limits& limits);
Result<Understood> understand_aria2(std::string_view text, const Limits& limits);
bool looks_like_aria2(std::string_view text);
Result<Understood> understand_request(std::string_view text, const Limits& limits);

}  // namespace restante::capture
