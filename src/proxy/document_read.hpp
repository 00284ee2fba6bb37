// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/document.hpp"
#include "proxy/json_tree.hpp"
#include "proxy/rules.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace restante::proxy {

/// Reads members of a JsonTree into plain values. Every method returns false after the first fault, which
/// `error` then holds with its pointer; the caller stops there. One object a document.
class MemberReader {
public:
  using Node = JsonTree::Node;
  using Kind = JsonTree::Kind;

  explicit MemberReader(const JsonTree& tree) : tree_(tree) {}

  const JsonTree& tree() const { return tree_; }
  Error take_error() { return std::move(*error_); }

  /// `message` goes after the name of the member: "`size` <message>".
  bool refuse(const Node& at, std::string_view message, std::string_view hint = {},
              Reason reason = Reason::invalid);
  bool refuse_missing(const Node& object, std::string_view key, std::string_view hint = {});

  bool want(const Node& at, Kind kind);
  bool require_members(const Node& object, std::span<const std::string_view> keys);
  bool text(const Node& at, const TextRule& rule, std::string& out);
  bool text(const Node& at, const TextRule& rule);
  bool integer(const Node& at, std::int64_t least, std::int64_t most, std::int64_t& out);
  bool boolean(const Node& at, bool& out);
  bool list(const Node& at, std::size_t least, std::size_t most);
  bool texts(const Node& at, std::size_t least, std::size_t most, const TextRule& rule,
             std::vector<std::string>& out);

  template <class Value, std::size_t N>
  bool one_of(const Node& at, const std::pair<std::string_view, Value> (&choices)[N], Value& out) {
    if (!want(at, Kind::string)) return false;
    std::string allowed;
    for (const auto& [word, value] : choices) {
      if (word == at.text) {
        out = value;
        return true;
      }
      allowed += allowed.empty() ? "" : ", ";
      allowed += word;
    }
    return refuse(at, "must be one of " + allowed);
  }

private:
  const JsonTree& tree_;
  std::optional<Error> error_;
};

/// The members of the document by their groups; each returns false after a fault.
bool read_files(MemberReader& in, const JsonTree::Node& what, Document& out);
bool read_access(MemberReader& in, const JsonTree::Node& access, std::vector<Credential>& out);
bool read_when(MemberReader& in, const JsonTree::Node& when, When& out);
bool read_header(MemberReader& in, const JsonTree::Node& pair, std::vector<Header>& out);
bool read_extras(MemberReader& in, const JsonTree::Node& member);  ///< pay, code, notify: only looked at

/// Moves secrets out of URLs and request headers into credentials of the source's origin, and drops the
/// headers that a transfer sets itself (FORMATS.md §1.5, "Parser rules").
bool separate_secrets(MemberReader& in, const JsonTree::Node& what, Document& document);

}  // namespace restante::proxy
