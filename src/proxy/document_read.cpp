// SPDX-License-Identifier: Apache-2.0
#include "proxy/document_read.hpp"

#include "proxy/zone.hpp"

#include <algorithm>
#include <array>

namespace restante::proxy {

namespace {

using Node = JsonTree::Node;
using Kind = JsonTree::Kind;

constexpr std::string_view top_level_members[] = {"v",    "crit",   "id",   "rev",    "op",     "iss", "aud",
                                                  "iat",  "nbf",    "exp",  "what",   "access", "pay", "when",
                                                  "code", "limits", "keep", "notify", "probe",  "ext"};

bool read_version(MemberReader& in, const Node& root) {
  const Node* v = in.tree().member(root, "v");
  if (v == nullptr) return in.refuse_missing(root, "v", "this version is {\"v\":1,...}");
  if (v->kind == Kind::number && v->is_integer && v->integer == 1) return true;
  if (v->kind == Kind::number)
    return in.refuse(*v, "names a version that is not known here; this is version 1",
                     "update the program at the place, or make the document for version 1",
                     Reason::unsupported_version);
  return in.refuse(*v, "must be the number 1");
}

/// What must not be ignored is refused unless it is known: the whole minor-version rule (FORMATS.md §1.5).
bool read_critical(MemberReader& in, const Node& node) {
  std::vector<std::string> names;
  if (!in.texts(node, 0, 32, rules::any, names)) return false;
  std::size_t index = 0;
  for (const Node& entry : in.tree().children(node)) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(index), entry.text) !=
        names.begin() + static_cast<std::ptrdiff_t>(index))
      return in.refuse(entry, "is there twice");
    ++index;
    if (std::find(std::begin(top_level_members), std::end(top_level_members), entry.text) ==
        std::end(top_level_members))
      return in.refuse(entry, "names a member that must be understood and is not known here",
                       "update the program at the place, or leave that member out", Reason::cap_denied);
  }
  return true;
}

bool read_issuer(MemberReader& in, const Node& node, Document& out) {
  if (!in.want(node, Kind::object)) return false;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "jkt" && !in.text(m, rules::thumbprint, out.iss_jkt)) return false;
    if (m.key == "account" && !in.text(m, rules::account, out.iss_account)) return false;
  }
  return true;
}

bool read_recipients(MemberReader& in, const Node& node, Document& out) {
  static constexpr std::string_view required[] = {"jkt"};
  if (!in.list(node, 1, 8)) return false;
  for (const Node& entry : in.tree().children(node)) {
    if (!in.want(entry, Kind::object) || !in.require_members(entry, required)) return false;
    Recipient& recipient = out.aud.emplace_back();
    for (const Node& m : in.tree().children(entry)) {
      if (m.key == "jkt" && !in.text(m, rules::thumbprint, recipient.jkt)) return false;
      if (m.key == "url" && !in.text(m, rules::place_url, recipient.url)) return false;
    }
  }
  return true;
}

bool read_limits(MemberReader& in, const Node& node, Limits& out) {
  if (!in.want(node, Kind::object)) return false;
  std::int64_t number = 0;
  for (const Node& m : in.tree().children(node)) {
    if (m.key == "bytes") {
      if (!in.integer(m, 1, largest_integer, number)) return false;
      out.max_bytes = static_cast<std::uint64_t>(number);
    } else if (m.key == "rate") {
      if (!in.integer(m, 1, largest_integer, number)) return false;
      out.rate_bytes_per_s = static_cast<std::uint64_t>(number);
    } else if (m.key == "attempts") {
      if (!in.integer(m, 1, 100, number)) return false;
      out.attempts = static_cast<int>(number);
    } else if (m.key == "parallel") {
      if (!in.integer(m, 1, 16, number)) return false;
      out.parallel = static_cast<int>(number);
    }
  }
  return true;
}

bool read_keep(MemberReader& in, const Node& node, Document& out) {
  if (!in.text(node, rules::duration)) return false;
  out.keep = *parse_duration(node.text);
  return true;
}

bool read_member(MemberReader& in, const Node& m, Document& out) {
  static constexpr std::pair<std::string_view, Document::Op> operations[] = {
      {"submit", Document::Op::submit}, {"cancel", Document::Op::cancel}};
  if (m.key == "id") return in.text(m, rules::uuid, out.id);
  if (m.key == "rev") return in.integer(m, 0, largest_integer, out.rev);
  if (m.key == "op") return in.one_of(m, operations, out.op);
  if (m.key == "iss") return read_issuer(in, m, out);
  if (m.key == "aud") return read_recipients(in, m, out);
  if (m.key == "iat") return in.integer(m, 0, last_second, out.iat);
  if (m.key == "nbf") return in.integer(m, 0, last_second, out.nbf.emplace());
  if (m.key == "exp") return in.integer(m, 0, last_second, out.exp);
  if (m.key == "what") return read_files(in, m, out);
  if (m.key == "access") return read_access(in, m, out.access);
  if (m.key == "when") return read_when(in, m, out.when);
  if (m.key == "limits") return read_limits(in, m, out.limits);
  if (m.key == "keep") return read_keep(in, m, out);
  if (m.key == "probe") return in.boolean(m, out.probe);
  if (m.key == "ext") return in.want(m, Kind::object);
  if (m.key == "crit") return read_critical(in, m);
  if (m.key == "pay" || m.key == "code" || m.key == "notify") {
    (m.key == "pay" ? out.has_pay : m.key == "code" ? out.has_code : out.has_notify) = true;
    return read_extras(in, m);
  }
  return true;
}

bool read_document(MemberReader& in, Document& out) {
  static constexpr std::string_view always[] = {"id", "aud", "iat", "exp"}, of_submissions[] = {"what"};
  const Node& root = in.tree().root();
  if (!in.want(root, Kind::object) || !read_version(in, root) || !in.require_members(root, always))
    return false;
  const Node* op = in.tree().member(root, "op");
  const bool cancels = op != nullptr && op->kind == Kind::string && op->text == "cancel";
  if (!cancels && !in.require_members(root, of_submissions)) return false;
  for (const Node& m : in.tree().children(root))
    if (!read_member(in, m, out)) return false;
  const Node* what = in.tree().member(root, "what");
  return what == nullptr || separate_secrets(in, *what, out);
}

}  // namespace

Result<Document> parse(std::string_view json) {
  auto tree = JsonTree::parse(json);
  if (!tree) return fail(std::move(tree.error()));
  MemberReader in(*tree);
  Document out;
  if (!read_document(in, out)) return fail(in.take_error());
  // What is accepted is written for the store and read again. Writing can lengthen a document (a credential
  // of its own for each secret of an address), at most threefold, so that only large ones need this look.
  if (json.size() > JsonTree::Limits().bytes / 4 && to_json(out).size() > JsonTree::Limits().bytes)
    return fail(Reason::too_large, "the document is too large once its secrets are kept apart",
                "make several smaller documents");
  return out;
}

Result<void> restore_secrets(Document& document, std::string_view secrets_json) {
  if (secrets_json.empty()) return {};
  auto tree = JsonTree::parse(secrets_json);
  if (!tree) return fail(std::move(tree.error()));
  MemberReader in(*tree);
  if (!in.want(tree->root(), Kind::object)) return fail(in.take_error());
  std::vector<Credential> access;
  if (const Node* member = tree->member(tree->root(), "access"))
    if (!read_access(in, *member, access)) return fail(in.take_error());
  document.access = std::move(access);
  return {};
}

}  // namespace restante::proxy
