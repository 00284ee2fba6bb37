// SPDX-License-Identifier: Apache-2.0
#include "proxy/json_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace restante::proxy {

namespace {

constexpr std::int64_t largest_exact = 9007199254740991;  // 2^53 - 1, RFC 7493 §2.2

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

bool is_noncharacter(std::uint32_t code) {
  return (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

}  // namespace

/// Recursive descent; the depth limit bounds the recursion. A function that fails has stored the error.
class JsonParser {
public:
  using Node = JsonTree::Node;
  using Kind = JsonTree::Kind;

  JsonParser(std::string_view text, JsonTree::Limits limits) : text_(text), limits_(limits) {}

  Result<JsonTree> run() {
    if (text_.size() > limits_.bytes)
      return fail(
          Reason::too_large,
          fmt::format("the document has {} bytes; at most {} are accepted", text_.size(), limits_.bytes),
          "make several smaller documents");
    if (text_.starts_with("\xef\xbb\xbf"))
      return malformed("it starts with a byte order mark", "save it as UTF-8 without one");
    tree_.nodes_.reserve(64);
    skip_space();
    if (at_ == text_.size()) return malformed("there is nothing in it", "give a JSON object");
    if (!value(0, {}, 0, 1)) return fail(std::move(*error_));
    skip_space();
    if (at_ != text_.size()) return malformed("something follows after the end of the document", "remove it");
    return std::move(tree_);
  }

private:
  tl::unexpected<Error> malformed(std::string_view what, std::string hint) {
    stop(Reason::malformed, what, std::move(hint));
    return fail(std::move(*error_));
  }

  bool stop(Reason reason, std::string_view what, std::string hint = {}) {
    const auto before = text_.substr(0, std::min(at_, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto start = before.rfind('\n');
    const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    error_ = Error{reason, fmt::format("line {}, column {}: {}", line, column, what), std::move(hint),
                   tree_.nodes_.empty() ? std::string() : tree_.pointer(tree_.nodes_[current_]), false};
    return false;
  }
  bool not_json(std::string_view what) {
    return stop(Reason::malformed, what, "the document must be JSON (RFC 8259)");
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool value(std::uint32_t parent, std::string_view key, std::uint32_t index, int depth) {
    const auto self = static_cast<std::uint32_t>(tree_.nodes_.size());
    tree_.nodes_.push_back(Node{});
    tree_.nodes_[self].parent = parent;
    tree_.nodes_[self].key = key;
    tree_.nodes_[self].index = index;
    current_ = self;
    switch (peek()) {
      case '{':
      case '[':
        if (depth > limits_.depth)
          return stop(Reason::invalid,
                      fmt::format("objects and arrays are nested deeper than {}", limits_.depth),
                      "flatten the document");
        return peek() == '{' ? object(self, depth) : array(self, depth);
      case '"': {
        std::string_view out;
        if (!string(out)) return false;
        tree_.nodes_[self].kind = Kind::string;
        tree_.nodes_[self].text = out;
        return true;
      }
      case 't':
        return literal(self, "true", Kind::boolean, true);
      case 'f':
        return literal(self, "false", Kind::boolean, false);
      case 'n':
        return literal(self, "null", Kind::null, false);
      default:
        return number(self);
    }
  }

  bool literal(std::uint32_t self, std::string_view word, Kind kind, bool flag) {
    if (text_.substr(at_, word.size()) != word) return not_json("a value is expected here");
    at_ += word.size();
    tree_.nodes_[self].kind = kind;
    tree_.nodes_[self].flag = flag;
    return true;
  }

  bool number(std::uint32_t self) {
    const bool negative = peek() == '-';
    if (negative) ++at_;
    if (!is_digit(peek())) return not_json("a value is expected here");
    std::int64_t value = 0;
    bool exact = true;
    if (peek() == '0') {
      ++at_;
      if (is_digit(peek())) return not_json("a number must not begin with 0");
    }
    while (is_digit(peek())) {
      value = std::min(value * 10 + (text_[at_++] - '0'), largest_exact + 1);
      if (value > largest_exact) exact = false;
    }
    if (peek() == '.') {
      exact = false;
      ++at_;
      if (!is_digit(peek())) return not_json("digits are expected after the point");
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      exact = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!is_digit(peek())) return not_json("digits are expected in the exponent");
      while (is_digit(peek())) ++at_;
    }
    Node& node = tree_.nodes_[self];
    node.kind = Kind::number;
    node.is_integer = exact;
    node.integer = negative ? -value : value;
    return true;
  }

  bool array(std::uint32_t self, int depth) {
    tree_.nodes_[self].kind = Kind::array;
    ++at_;
    skip_space();
    if (peek() == ']') {
      ++at_;
      return true;
    }
    std::uint32_t last = 0, count = 0;
    for (;;) {
      const auto child = static_cast<std::uint32_t>(tree_.nodes_.size());
      link(self, last, child);
      if (!value(self, {}, count, depth + 1)) return false;
      last = child;
      tree_.nodes_[self].count = ++count;
      current_ = self;
      skip_space();
      if (peek() == ']') break;
      if (peek() != ',') return not_json("',' or ']' is expected here");
      ++at_;
      skip_space();
    }
    ++at_;
    return true;
  }

  bool object(std::uint32_t self, int depth) {
    tree_.nodes_[self].kind = Kind::object;
    ++at_;
    skip_space();
    if (peek() == '}') {
      ++at_;
      return true;
    }
    std::uint32_t last = 0, count = 0;
    for (;;) {
      if (peek() != '"') return not_json("the name of a member, in quotes, is expected here");
      std::string_view key;
      if (!string(key)) return false;
      skip_space();
      if (peek() != ':') return not_json("':' is expected after the name of a member");
      ++at_;
      skip_space();
      const auto child = static_cast<std::uint32_t>(tree_.nodes_.size());
      link(self, last, child);
      if (!value(self, key, count, depth + 1)) return false;
      last = child;
      tree_.nodes_[self].count = ++count;
      current_ = self;
      skip_space();
      if (peek() == '}') break;
      if (peek() != ',') return not_json("',' or '}' is expected here");
      ++at_;
      skip_space();
    }
    ++at_;
    return no_name_twice(self);
  }

  void link(std::uint32_t self, std::uint32_t last, std::uint32_t child) {
    if (last == 0)
      tree_.nodes_[self].first = child;
    else
      tree_.nodes_[last].next = child;
  }

  bool no_name_twice(std::uint32_t self) {
    const Node& object = tree_.nodes_[self];
    const Node* twice = nullptr;
    if (object.count <= 12) {
      for (auto a = object.first; a != 0 && twice == nullptr; a = tree_.nodes_[a].next)
        for (auto b = tree_.nodes_[a].next; b != 0; b = tree_.nodes_[b].next)
          if (tree_.nodes_[a].key == tree_.nodes_[b].key) twice = &tree_.nodes_[b];
    } else {
      std::vector<std::uint32_t> members;
      for (auto a = object.first; a != 0; a = tree_.nodes_[a].next) members.push_back(a);
      std::sort(members.begin(), members.end(), [this](std::uint32_t a, std::uint32_t b) {
        return tree_.nodes_[a].key < tree_.nodes_[b].key;
      });
      const auto found = std::adjacent_find(
          members.begin(), members.end(),
          [this](std::uint32_t a, std::uint32_t b) { return tree_.nodes_[a].key == tree_.nodes_[b].key; });
      if (found != members.end()) twice = &tree_.nodes_[*found];
    }
    if (twice == nullptr) return true;
    current_ = static_cast<std::uint32_t>(twice - tree_.nodes_.data());
    return stop(Reason::invalid, "this member is there twice", "remove one of them");
  }

  bool string(std::string_view& out) {
    const std::size_t start = ++at_;
    std::string* copy = nullptr;
    for (;;) {
      if (at_ >= text_.size()) return not_json("the text in quotes has no end");
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') break;
      if (c < 0x20) return not_json("a control character stands in a text; write it as \\n, \\t or \\u00XX");
      if (c == '\\') {
        if (copy == nullptr) copy = &tree_.unescaped_.emplace_back(text_.substr(start, at_ - start));
        if (!escape(*copy)) return false;
        continue;
      }
      const std::size_t from = at_;
      if (c < 0x80)
        ++at_;
      else if (!sequence(c))
        return false;
      if (copy != nullptr) copy->append(text_, from, at_ - from);
    }
    out = copy != nullptr ? std::string_view(*copy) : text_.substr(start, at_ - start);
    ++at_;
    return true;
  }

  /// A UTF-8 sequence of two to four bytes (RFC 3629: shortest form, no surrogates).
  bool sequence(unsigned char lead) {
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    std::uint32_t code = lead & (0x3f >> more);
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    bool good = lead >= 0xc2 && lead <= 0xf4 && at_ + static_cast<std::size_t>(more) < text_.size();
    for (int i = 1; good && i <= more; ++i) {
      const auto c = static_cast<unsigned char>(text_[at_ + static_cast<std::size_t>(i)]);
      good = (c & 0xc0) == 0x80;
      code = code << 6 | (c & 0x3f);
    }
    if (!good || code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return stop(Reason::malformed, "this is not UTF-8", "save the document as UTF-8");
    if (is_noncharacter(code)) return noncharacter();
    at_ += static_cast<std::size_t>(more) + 1;
    return true;
  }

  bool noncharacter() {
    return stop(Reason::malformed, "this code point is not a character (RFC 7493)", "remove it");
  }

  bool escape(std::string& out) {
    ++at_;
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        break;
      default:
        return not_json("this escape is not known");
    }
    auto code = hex4();
    if (code && *code >= 0xd800 && *code <= 0xdbff && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const auto low = hex4();
      if (!low || *low < 0xdc00 || *low > 0xdfff) return not_json("half a surrogate pair stands alone");
      code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
    }
    if (!code) return not_json("four hexadecimal digits are expected after \\u");
    if (*code >= 0xd800 && *code <= 0xdfff) return not_json("half a surrogate pair stands alone");
    if (is_noncharacter(*code)) return noncharacter();
    append_utf8(out, *code);
    return true;
  }

  std::optional<std::uint32_t> hex4() {
    std::uint32_t out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      if (is_digit(c))
        out = out << 4 | static_cast<std::uint32_t>(c - '0');
      else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        out = out << 4 | static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
      else
        return std::nullopt;
      ++at_;
    }
    return out;
  }

  std::string_view text_;
  JsonTree::Limits limits_;
  std::size_t at_ = 0;
  std::uint32_t current_ = 0;  ///< where an error points to
  JsonTree tree_;
  std::optional<Error> error_;
};

Result<JsonTree> JsonTree::parse(std::string_view json, Limits limits) {
  return JsonParser(json, limits).run();
}

const JsonTree::Node* JsonTree::member(const Node& object, std::string_view key) const {
  for (const Node& child : children(object))
    if (child.key == key) return &child;
  return nullptr;
}

std::string pointer_token(std::string_view key) {
  std::string out;
  for (char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string JsonTree::pointer(const Node& node) const {
  std::string out;
  for (const Node* at = &node; at != &nodes_.front(); at = &nodes_[at->parent]) {
    const bool in_array = nodes_[at->parent].kind == Kind::array;
    out.insert(0, "/" + (in_array ? std::to_string(at->index) : pointer_token(at->key)));
  }
  return out;
}

}  // namespace restante::proxy
