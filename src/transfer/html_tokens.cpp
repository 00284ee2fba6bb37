// SPDX-License-Identifier: Apache-2.0
#include "transfer/html_tokens.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"
#include "transfer/charsets.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace restante::transfer {

namespace {

constexpr std::size_t most_attributes = 64;  ///< of one tag; what follows is passed over
constexpr std::size_t charset_bytes = 1024;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// §13.2.5.2 to §13.2.5.5: elements whose content is text only.
bool is_raw(std::string_view name) {
  constexpr std::array<std::string_view, 8> raw{"script", "style",   "title",    "textarea",
                                                "xmp",    "noembed", "noframes", "iframe"};
  return std::find(raw.begin(), raw.end(), name) != raw.end();
}
/// Those of them whose text a reader of the page never sees.
bool is_hidden(std::string_view name) {
  return name == "script" || name == "style" || name == "iframe" || name == "noembed" || name == "noframes";
}

struct Named {
  std::string_view name;
  std::uint32_t point;
};
/// The names of U+00A0 to U+00FF, in their order (HTML 4, "Latin-1 entities").
constexpr std::array<std::string_view, 96> latin1{
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",
    "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",
    "acute",  "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12",
    "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil",
    "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave", "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde",
    "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",
    "Uuml",   "Yacute", "THORN",  "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",
    "aelig",  "ccedil", "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",
    "eth",    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave",
    "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};
constexpr std::array<Named, 34> others{
    {{"amp", '&'},      {"lt", '<'},        {"gt", '>'},        {"quot", '"'},     {"apos", '\''},
     {"AMP", '&'},      {"LT", '<'},        {"GT", '>'},        {"QUOT", '"'},     {"ndash", 0x2013},
     {"mdash", 0x2014}, {"lsquo", 0x2018},  {"rsquo", 0x2019},  {"sbquo", 0x201a}, {"ldquo", 0x201c},
     {"rdquo", 0x201d}, {"bdquo", 0x201e},  {"dagger", 0x2020}, {"bull", 0x2022},  {"hellip", 0x2026},
     {"prime", 0x2032}, {"lsaquo", 0x2039}, {"rsaquo", 0x203a}, {"euro", 0x20ac},  {"trade", 0x2122},
     {"larr", 0x2190},  {"uarr", 0x2191},   {"rarr", 0x2192},   {"darr", 0x2193},  {"minus", 0x2212},
     {"OElig", 0x152},  {"oelig", 0x153},   {"Scaron", 0x160},  {"scaron", 0x161}}};
constexpr std::size_t longest_name = 6;

std::optional<std::uint32_t> named_point(std::string_view name) {
  for (const Named& one : others)
    if (one.name == name) return one.point;
  const auto at = std::find(latin1.begin(), latin1.end(), name);
  if (at == latin1.end()) return std::nullopt;
  return 0xa0 + static_cast<std::uint32_t>(at - latin1.begin());
}

/// §13.2.5.80: what no character can have becomes U+FFFD; U+0080 to U+009F are those of windows-1252.
std::uint32_t numbered_point(std::uint32_t number) {
  constexpr std::array<std::uint16_t, 32> windows{
      0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
      0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
      0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
  if (number >= 0x80 && number < 0xa0) return windows.at(number - 0x80);
  const bool surrogate = number >= 0xd800 && number < 0xe000;
  return number == 0 || surrogate || number > 0x10ffff ? 0xfffd : number;
}

/// A reference at the front of `text` (which begins with '&'): its length; 0: there is none.
std::size_t decode_reference(std::string_view text, bool in_attribute, std::string& out) {
  if (text.size() > 2 && text[1] == '#') {
    const bool hex = text[2] == 'x' || text[2] == 'X';
    std::size_t at = hex ? 3 : 2;
    const std::size_t first = at;
    std::uint32_t number = 0;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      std::uint32_t digit = 0;
      if (is_digit(c))
        digit = static_cast<std::uint32_t>(c - '0');
      else if (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
        digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
      else
        break;
      number = std::min<std::uint32_t>(number * (hex ? 16 : 10) + digit, 0x110000);
    }
    if (at == first) return 0;
    append_point(out, numbered_point(number));
    return at + (at < text.size() && text[at] == ';' ? 1 : 0);
  }
  std::size_t end = 1;
  while (end < text.size() && end <= longest_name && (is_letter(text[end]) || is_digit(text[end]))) ++end;
  for (std::size_t length = end; length > 2; --length) {
    const auto point = named_point(text.substr(1, length - 1));
    if (!point) continue;
    const char next = length < text.size() ? text[length] : ' ';
    if (next != ';' && *point >= 0x100) return 0;
    if (next != ';' && in_attribute && (next == '=' || is_letter(next) || is_digit(next))) return 0;
    append_point(out, *point);
    return length + (next == ';' ? 1 : 0);
  }
  return 0;
}

/// The value behind "charset" and "=" in a Content-Type, or in the meta element that stands for one.
std::string charset_in(std::string_view text) {
  const std::string lower = ascii_lower(text);
  for (auto at = lower.find("charset"); at != std::string::npos; at = lower.find("charset", at + 7)) {
    std::size_t next = at + 7;
    while (next < lower.size() && is_space(lower[next])) ++next;
    if (next >= lower.size() || lower[next] != '=') continue;
    do ++next;
    while (next < lower.size() && (is_space(lower[next]) || lower[next] == '"' || lower[next] == '\''));
    std::size_t end = next;
    while (end < lower.size() && !is_space(lower[end]) && lower[end] != ';' && lower[end] != '"' &&
           lower[end] != '\'')
      ++end;
    return lower.substr(next, end - next);
  }
  return {};
}

}  // namespace

std::string HtmlToken::attribute(std::string_view lower_name) const {
  for (const auto& [key, value] : attributes)
    if (key == lower_name) return html_decoded(value, true);
  return {};
}

bool HtmlToken::has(std::string_view lower_name) const {
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const auto& one) { return one.first == lower_name; });
}

const HtmlToken& HtmlTokens::next() {
  token_.kind = HtmlToken::Kind::end;
  token_.text = {};
  token_.attributes.clear();
  while (at_ < html_.size() && token_.kind == HtmlToken::Kind::end) {
    if (!raw_.empty()) {
      take_raw_text();
    } else if (html_[at_] != '<' || !take_markup()) {
      const std::size_t from = at_;
      at_ = std::min(html_.find('<', at_ + 1), html_.size());
      token_.kind = HtmlToken::Kind::text;
      token_.text = html_.substr(from, at_ - from);
    }
  }
  return token_;
}

/// At a '<': takes a tag, or passes over what is no content. False: the '<' is text.
bool HtmlTokens::take_markup() {
  const std::string_view rest = html_.substr(at_);
  const auto pass = [&](std::string_view end) {
    const auto found = html_.find(end, at_);
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
  };
  if (rest.starts_with("<!--")) {
    at_ += 4;
    if (html_.substr(at_).starts_with(">"))
      at_ += 1;
    else if (html_.substr(at_).starts_with("->"))
      at_ += 2;
    else
      pass("-->");
    return true;
  }
  if (rest.size() < 2) return false;
  if (rest[1] == '!' || rest[1] == '?') {
    pass(">");
    return true;
  }
  if (is_letter(rest[1])) {
    at_ += 1;
    take_tag(false);
    return true;
  }
  if (rest[1] != '/' || rest.size() < 3) return false;
  if (is_letter(rest[2])) {
    at_ += 2;
    take_tag(true);
  } else {
    pass(">");
  }
  return true;
}

void HtmlTokens::take_tag(bool closing) {
  const std::size_t from = at_;
  while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '/' && html_[at_] != '>') ++at_;
  token_.name = ascii_lower(html_.substr(from, std::min<std::size_t>(at_ - from, 64)));
  take_attributes();
  if (at_ >= html_.size()) {  // a tag that is not closed is none
    token_.attributes.clear();
    return;
  }
  ++at_;
  token_.kind = closing ? HtmlToken::Kind::close : HtmlToken::Kind::open;
  if (!closing && is_raw(token_.name)) raw_ = token_.name;
}

/// Up to the '>' of the tag, or to the end of the page.
void HtmlTokens::take_attributes() {
  const auto skip_spaces = [this] {
    while (at_ < html_.size() && is_space(html_[at_])) ++at_;
  };
  for (;;) {
    while (at_ < html_.size() && (is_space(html_[at_]) || html_[at_] == '/')) ++at_;
    if (at_ >= html_.size() || html_[at_] == '>') return;
    const std::size_t from = at_++;
    while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '/' && html_[at_] != '>' &&
           html_[at_] != '=')
      ++at_;
    const std::string_view name = html_.substr(from, at_ - from);
    std::string_view value;
    skip_spaces();
    if (at_ < html_.size() && html_[at_] == '=') {
      ++at_;
      skip_spaces();
      const char quote = at_ < html_.size() ? html_[at_] : '>';
      if (quote == '"' || quote == '\'') {
        const std::size_t begin = ++at_;
        at_ = std::min(html_.find(quote, at_), html_.size());
        value = html_.substr(begin, at_ - begin);
        if (at_ < html_.size()) ++at_;
      } else {
        const std::size_t begin = at_;
        while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '>') ++at_;
        value = html_.substr(begin, at_ - begin);
      }
    }
    if (name.size() > 64 || token_.attributes.size() == most_attributes) continue;
    std::string lower = ascii_lower(name);
    if (!token_.has(lower)) token_.attributes.emplace_back(std::move(lower), value);
  }
}

/// Up to the closing tag of the element, which comes next; to the end of the page if there is none.
void HtmlTokens::take_raw_text() {
  const std::size_t from = at_;
  std::size_t end = html_.size();
  for (auto at = html_.find("</", at_); at != std::string_view::npos; at = html_.find("</", at + 2)) {
    const std::string_view rest = html_.substr(at + 2);
    if (!iequals(rest.substr(0, raw_.size()), raw_)) continue;
    const char behind = rest.size() > raw_.size() ? rest[raw_.size()] : '>';
    if (!is_space(behind) && behind != '/' && behind != '>') continue;
    end = at;
    break;
  }
  at_ = end;
  const bool hidden = is_hidden(raw_);
  raw_.clear();
  if (hidden || end == from) return;
  token_.kind = HtmlToken::Kind::text;
  token_.text = html_.substr(from, end - from);
}

std::string html_decoded(std::string_view text, bool in_attribute) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto mark = std::min(text.find('&'), text.size());
    out += text.substr(0, mark);
    text.remove_prefix(mark);
    if (text.empty()) break;
    const std::size_t taken = decode_reference(text, in_attribute, out);
    if (taken == 0) out += '&';
    text.remove_prefix(std::max<std::size_t>(taken, 1));
  }
  return out;
}

std::string html_charset(std::string_view html, std::string_view content_type) {
  if (html.starts_with("\xEF\xBB\xBF")) return "utf-8";
  if (const std::string told = charset_in(content_type); !told.empty()) return told;
  HtmlTokens tokens(html.substr(0, charset_bytes));
  for (const HtmlToken* token = &tokens.next(); token->kind != HtmlToken::Kind::end; token = &tokens.next()) {
    if (token->kind != HtmlToken::Kind::open || token->name != "meta") continue;
    if (token->has("charset")) return ascii_lower(token->attribute("charset"));
    if (!iequals(token->attribute("http-equiv"), "content-type")) continue;
    if (const std::string told = charset_in(token->attribute("content")); !told.empty()) return told;
  }
  return {};
}

std::string html_utf8(std::string_view html, std::string_view content_type) {
  const std::string charset = html_charset(html, content_type);
  if (html.starts_with("\xEF\xBB\xBF")) html.remove_prefix(3);
  if (!charset.empty()) {
    // What says that it is Latin-1 is windows-1252 (Encoding Standard §4.2).
    const bool latin = charset == "iso-8859-1" || charset == "us-ascii" || charset == "latin1";
    if (auto text = to_utf8(html, latin ? "windows-1252" : charset)) return std::move(*text);
  }
  if (is_utf8(html)) return std::string(html);
  return to_utf8(html, "windows-1252").value_or("");
}

}  // namespace restante::transfer
