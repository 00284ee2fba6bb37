// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "proxy/document_read.hpp"
#include "proxy/headers.hpp"
#include "proxy/url.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace restante::proxy {

namespace {

using Node = JsonTree::Node;
using Kind = JsonTree::Kind;

bool read_request(MemberReader& in, const Node& node, Request& out) {
  if (!in.want(node, Kind::object)) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "method") {
      if (!in.text(m, rules::method, out.method)) return false;
    } else if (m.key == "body") {
      if (!in.text(m, rules::body)) return false;
      out.body = std::string(m.text);
    } else if (m.key == "body64") {
      if (!in.text(m, rules::base64)) return false;
      if (in.tree().member(node, "body") != nullptr)
        return in.refuse(node, "has both body and body64", "leave one of them out");
      out.body = *from_base64(m.text);
    } else if (m.key == "headers") {
      if (!in.list(m, 0, 64)) return false;
      out.headers.reserve(m.count);
      for (const Node& header : in.tree().children(m))
        if (!read_header(in, header, out.headers)) return false;
    }
  }
  return true;
}

/// An address is refused in the words of what is wrong with it.
bool read_url(MemberReader& in, const Node& node, std::string& out) {
  if (!in.want(node, Kind::string)) return false;
  if (auto parts = split_url(node.text); !parts)
    return in.refuse(node, ": " + parts.error().message, parts.error().hint, parts.error().reason);
  return in.text(node, rules::url, out);
}

bool read_source(MemberReader& in, const Node& node, Source& out) {
  static constexpr std::string_view required[] = {"url"};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "url") {
      if (!read_url(in, m, out.url)) return false;
    } else if (m.key == "pri") {
      std::int64_t priority = 0;
      if (!in.integer(m, 1, 999999, priority)) return false;
      out.priority = static_cast<int>(priority);
    } else if (m.key == "cred") {
      if (!in.texts(m, 0, max_credentials, rules::credential_id, out.credential_ids)) return false;
    } else if (m.key == "request") {
      if (!read_request(in, m, out.request)) return false;
    }
  }
  return true;
}

bool read_digests(MemberReader& in, const Node& node, File& out) {
  if (!in.want(node, Kind::object)) return false;
  for (const Node& m : in.tree().children(node)) {
    const TextRule* rule = m.key == "sha-256"   ? &rules::hex64
                           : m.key == "sha-512" ? &rules::hex128
                           : m.key == "sha"     ? &rules::hex40
                           : m.key == "md5"     ? &rules::hex32
                                                : nullptr;
    if (rule == nullptr)
      return in.refuse(m, "is not a known digest algorithm", "known are sha-256, sha-512, sha and md5");
    if (!in.text(m, *rule, out.digests[std::string(m.key)])) return false;
  }
  return true;
}

bool read_file(MemberReader& in, const Node& node, File& out) {
  static constexpr std::string_view required[] = {"sources"};
  if (!in.want(node, Kind::object) || !in.require_members(node, required)) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "name") {
      if (!in.text(m, rules::name, out.name)) return false;
    } else if (m.key == "path") {
      if (!in.text(m, rules::folder, out.folder)) return false;
    } else if (m.key == "type") {
      if (!in.text(m, rules::media_type, out.media_type)) return false;
    } else if (m.key == "size") {
      std::int64_t size = 0;
      if (!in.integer(m, 0, largest_integer, size)) return false;
      out.size_bytes = static_cast<std::uint64_t>(size);
    } else if (m.key == "digest") {
      if (!read_digests(in, m, out)) return false;
    } else if (m.key == "empty") {
      if (m.kind != Kind::string || m.text != "allow") return in.refuse(m, R"(must be "allow")");
      out.allow_empty = true;
    } else if (m.key == "sources") {
      if (!in.list(m, 1, 64)) return false;
      out.sources.reserve(m.count);
      for (const Node& source : in.tree().children(m))
        if (!read_source(in, source, out.sources.emplace_back())) return false;
    }
  }
  return true;
}

/// Set by the transfer itself (FORMATS.md §1.5, "Parser rules").
bool is_dropped(std::string_view lower_name) {
  for (std::string_view name : {"host", "content-length", "transfer-encoding", "connection", "keep-alive",
                                "te", "trailer", "upgrade", "expect", "accept-encoding", "range"})
    if (lower_name == name) return true;
  return lower_name.starts_with("proxy-") || lower_name.starts_with("if-");
}

bool same_secret(const Credential& a, const Credential& b) {
  return a.kind == b.kind && a.scope == b.scope && a.user == b.user && a.password == b.password &&
         a.headers == b.headers;
}

/// Adds the credential under a new name, or finds the one that is there already, and lets the source use it.
bool attach(MemberReader& in, const Node& at, Document& document, Source& source, Credential credential) {
  for (const Credential& present : document.access)
    if (same_secret(present, credential)) {
      source.credential_ids.push_back(present.id);
      return true;
    }
  if (document.access.size() >= max_credentials)
    return in.refuse(at,
                     fmt::format("needs more than {} different credentials in one document", max_credentials),
                     "make several smaller documents");
  for (int number = 1; credential.id.empty(); ++number) {
    const auto id = fmt::format("from-source-{}", number);
    const bool taken = std::any_of(document.access.begin(), document.access.end(),
                                   [&](const auto& c) { return c.id == id; });
    if (!taken) credential.id = id;
  }
  source.credential_ids.push_back(credential.id);
  document.access.push_back(std::move(credential));
  return true;
}

/// "https://user:password@host/" becomes "https://host/" and a basic credential.
bool separate_user(MemberReader& in, const Node& node, Document& document, Source& source) {
  const auto parts = split_url(source.url);
  if (!parts || !parts->has_userinfo) return true;
  const Node& at = *in.tree().member(node, "url");
  const auto colon = parts->userinfo.find(':');
  Credential credential;
  credential.kind = CredentialKind::basic;
  credential.scope = {*origin_of(source.url)};
  credential.user = percent_decode(parts->userinfo.substr(0, colon)).value_or("");
  if (colon != std::string_view::npos)
    credential.password = percent_decode(parts->userinfo.substr(colon + 1)).value_or("");
  if (!is_utf8(credential.user) || !is_utf8(credential.password) || !rules::user.holds(credential.user) ||
      !rules::secret.holds(credential.password) || credential.user.size() > rules::user.max_characters)
    return in.refuse(at, "has a user name or password that cannot be used",
                     "give them as a credential instead");
  const bool empty = parts->userinfo.empty();
  const auto start = static_cast<std::size_t>(parts->userinfo.data() - source.url.data());
  const auto length = parts->userinfo.size() + 1;
  source.url.erase(start, length);
  return empty || attach(in, at, document, source, std::move(credential));
}

bool separate_headers(MemberReader& in, const Node& node, Document& document, Source& source) {
  auto& headers = source.request.headers;
  if (headers.empty()) return true;
  Credential secret;
  secret.kind = CredentialKind::headers;
  std::erase_if(headers, [&](const Header& header) {
    const auto name = ascii_lower(header.first);
    if (is_dropped(name)) return true;
    if (is_harmless_header(name)) return false;
    secret.headers.push_back(header);
    return true;
  });
  if (secret.headers.empty()) return true;
  secret.scope = {*origin_of(source.url)};
  return attach(in, *in.tree().member(node, "request"), document, source, std::move(secret));
}

/// `what.folder` and `files[].path` together.
bool join_folders(MemberReader& in, const Node& node, std::string_view folder, File& out) {
  if (folder.empty()) return true;
  out.folder = out.folder.empty() ? std::string(folder) : fmt::format("{}/{}", folder, out.folder);
  if (rules::folder.holds(out.folder)) return true;
  return in.refuse(*in.tree().member(node, "path"),
                   fmt::format("and what.folder together have more than {} names", max_folder_depth),
                   "use fewer folders inside each other");
}

}  // namespace

bool read_files(MemberReader& in, const Node& what, Document& out) {
  static constexpr std::string_view required[] = {"files"};
  if (!in.want(what, Kind::object) || !in.require_members(what, required)) return false;
  std::string folder;
  for (const Node& m : in.tree().children(what)) {
    if (m.key == "title") {
      if (!in.text(m, rules::line, out.title)) return false;
    } else if (m.key == "folder") {
      if (!in.text(m, rules::folder, folder)) return false;
    } else if (m.key == "files") {
      if (!in.list(m, 1, 256)) return false;
      out.files.reserve(m.count);
      for (const Node& file : in.tree().children(m))
        if (!read_file(in, file, out.files.emplace_back())) return false;
    }
  }
  const auto files = in.tree().children(*in.tree().member(what, "files"));
  auto node = files.begin();
  for (File& file : out.files) {
    if (!join_folders(in, *node, folder, file)) return false;
    ++node;
  }
  return true;
}

bool separate_secrets(MemberReader& in, const Node& what, Document& document) {
  std::vector<std::string> given;
  for (const Credential& credential : document.access) given.push_back(credential.id);
  const auto files = in.tree().children(*in.tree().member(what, "files"));
  auto file_node = files.begin();
  for (File& file : document.files) {
    const auto sources = in.tree().children(*in.tree().member(*file_node, "sources"));
    auto node = sources.begin();
    for (Source& source : file.sources) {
      const bool takes_all = source.credential_ids.empty();
      if (!separate_user(in, *node, document, source)) return false;
      if (!separate_headers(in, *node, document, source)) return false;
      // Naming its own must not cut it off from those of the document; its own come first.
      auto& ids = source.credential_ids;
      for (const std::string& id : takes_all && !ids.empty() ? given : std::vector<std::string>())
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
      ++node;
    }
    ++file_node;
  }
  return true;
}

}  // namespace restante::proxy
