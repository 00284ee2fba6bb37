// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace restante::proxy {

/// A JSON text as I-JSON (RFC 7493) has it: UTF-8 without surrogates and noncharacters, no name twice in an
/// object. Views point into the parsed text (which must outlive the tree) or into the tree itself.
class JsonTree {
public:
  struct Limits {
    std::size_t bytes = 256 * 1024;
    int depth = 16;
  };

  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  struct Node {
    Kind kind = Kind::null;
    bool flag = false;        ///< boolean: its value
    bool is_integer = false;  ///< number: written without fraction and exponent, and |n| < 2^53
    std::int64_t integer = 0;
    std::string_view text;                          ///< string: its value
    std::string_view key;                           ///< member of an object: its name
    std::uint32_t parent = 0, next = 0, first = 0;  ///< positions; 0: none
    std::uint32_t index = 0;                        ///< position in its array or object
    std::uint32_t count = 0;                        ///< elements or members
  };

  /// Errors, with a pointer: malformed (not JSON), invalid (a name twice, too deep), too-large.
  static Result<JsonTree> parse(std::string_view json, Limits limits);
  static Result<JsonTree> parse(std::string_view json) { return parse(json, Limits()); }

  const Node& root() const { return nodes_.front(); }

  /// The member of an object, or null.
  const Node* member(const Node& object, std::string_view key) const;

  /// RFC 6901.
  std::string pointer(const Node& node) const;

  /// `for (const Node& child : tree.children(node))`, in the order of the text.
  class Children {
  public:
    Children(const std::vector<Node>& nodes, std::uint32_t first) : nodes_(&nodes), first_(first) {}
    struct Iterator {
      const std::vector<Node>* nodes;
      std::uint32_t at;
      const Node& operator*() const { return (*nodes)[at]; }
      Iterator& operator++() {
        at = (*nodes)[at].next;
        return *this;
      }
      bool operator!=(const Iterator& other) const { return at != other.at; }
    };
    Iterator begin() const { return {nodes_, first_}; }
    Iterator end() const { return {nodes_, 0}; }

  private:
    const std::vector<Node>* nodes_;
    std::uint32_t first_;
  };
  Children children(const Node& node) const { return {nodes_, node.first}; }

private:
  friend class JsonParser;
  std::vector<Node> nodes_;
  std::deque<std::string> unescaped_;
};

/// One reference token of a pointer, with '~' and '/' escaped (RFC 6901 §3).
std::string pointer_token(std::string_view key);

}  // namespace restante::proxy
