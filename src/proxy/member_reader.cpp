// SPDX-License-Identifier: Apache-2.0
#include "proxy/document_read.hpp"

#include <fmt/format.h>

namespace restante::proxy {

namespace {

std::string_view kind_name(JsonTree::Kind kind) {
  switch (kind) {
    case JsonTree::Kind::null:
      return "null";
    case JsonTree::Kind::boolean:
      return "true or false";
    case JsonTree::Kind::number:
      return "a number";
    case JsonTree::Kind::string:
      return "a text in quotes";
    case JsonTree::Kind::array:
      return "a list";
    case JsonTree::Kind::object:
      return "an object";
  }
  return "";
}

}  // namespace

bool MemberReader::refuse(const Node& at, std::string_view message, std::string_view hint, Reason reason) {
  auto pointer = tree_.pointer(at);
  auto said =
      pointer.empty() ? fmt::format("the document {}", message) : fmt::format("{} {}", pointer, message);
  error_ = Error{reason, std::move(said), std::string(hint), std::move(pointer), false};
  return false;
}

bool MemberReader::refuse_missing(const Node& object, std::string_view key, std::string_view hint) {
  auto pointer = tree_.pointer(object) + "/" + pointer_token(key);
  error_ = Error{Reason::invalid, pointer + " is missing", std::string(hint), pointer, false};
  return false;
}

bool MemberReader::want(const Node& at, Kind kind) {
  if (at.kind == kind) return true;
  return refuse(at, fmt::format("must be {}, and is {}", kind_name(kind), kind_name(at.kind)));
}

bool MemberReader::require_members(const Node& object, std::span<const std::string_view> keys) {
  for (const auto key : keys)
    if (tree_.member(object, key) == nullptr) return refuse_missing(object, key);
  return true;
}

bool MemberReader::text(const Node& at, const TextRule& rule) {
  if (!want(at, Kind::string)) return false;
  if (!rule.holds(at.text)) return refuse(at, rule.must, rule.hint);
  // A text has at most as many characters as bytes.
  if (at.text.size() > rule.max_characters && count_characters(at.text) > rule.max_characters)
    return refuse(at, fmt::format("must have at most {} characters", rule.max_characters));
  return true;
}

bool MemberReader::text(const Node& at, const TextRule& rule, std::string& out) {
  if (!text(at, rule)) return false;
  out = at.text;
  return true;
}

bool MemberReader::integer(const Node& at, std::int64_t least, std::int64_t most, std::int64_t& out) {
  if (!want(at, Kind::number)) return false;
  if (!at.is_integer || at.integer < least || at.integer > most)
    return refuse(at, fmt::format("must be a whole number from {} to {}", least, most),
                  "write it in digits, without a fraction or an exponent");
  out = at.integer;
  return true;
}

bool MemberReader::boolean(const Node& at, bool& out) {
  if (!want(at, Kind::boolean)) return false;
  out = at.flag;
  return true;
}

bool MemberReader::list(const Node& at, std::size_t least, std::size_t most) {
  if (!want(at, Kind::array)) return false;
  if (at.count < least)
    return refuse(at, least == 1 ? "must not be empty" : fmt::format("must have {} entries", least));
  if (at.count > most)
    return refuse(at, fmt::format("must have at most {} entries, and has {}", most, at.count));
  return true;
}

bool MemberReader::texts(const Node& at, std::size_t least, std::size_t most, const TextRule& rule,
                         std::vector<std::string>& out) {
  if (!list(at, least, most)) return false;
  out.reserve(at.count);
  for (const Node& entry : tree_.children(at))
    if (!text(entry, rule, out.emplace_back())) return false;
  return true;
}

}  // namespace restante::proxy
