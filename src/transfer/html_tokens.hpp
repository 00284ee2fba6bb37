// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Tags and text of HTML, as the tokenizer of the HTML Standard (§13.2.5) sees them: no tree is built, every
// byte is looked at a fixed number of times, and nothing that a page holds makes it fail
// (docs/decisions/0016).
namespace restante::transfer {

struct HtmlToken {
  enum class Kind { text, open, close, end };

  Kind kind = Kind::end;
  std::string name;       ///< of a tag, lower case
  std::string_view text;  ///< of a text: as it stands, references not decoded
  /// Of an opening tag: names in lower case, values as they stand; of two of one name the first is there.
  std::vector<std::pair<std::string, std::string_view>> attributes;

  /// The value with its references decoded; "" if there is none.
  std::string attribute(std::string_view lower_name) const;
  bool has(std::string_view lower_name) const;
};

/// Reads one after the other; `html` outlives it.
class HtmlTokens {
public:
  explicit HtmlTokens(std::string_view html) : html_(html) {}
  /// Kind::end when nothing is left, for ever. Comments, scripts and styles are passed over.
  const HtmlToken& next();

private:
  bool take_markup();
  void take_tag(bool closing);
  void take_attributes();
  void take_raw_text();

  std::string_view html_;
  std::size_t at_ = 0;
  std::string raw_;  ///< the element whose text is no markup
  HtmlToken token_;
};

/// Character references decoded (numbers, and the names of HTML 4). In attributes a name without its
/// semicolon is none before "=" or a letter.
std::string html_decoded(std::string_view text, bool in_attribute = false);

/// The charset that a page names by its byte order mark, in `content_type` or in a meta element of its first
/// KiB; "" if there is none.
std::string html_charset(std::string_view html, std::string_view content_type);

/// The page as UTF-8: by its charset, else as UTF-8 where it is that, else as windows-1252.
std::string html_utf8(std::string_view html, std::string_view content_type);

}  // namespace restante::transfer
