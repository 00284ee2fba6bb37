// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// Something in a page that has an address.
struct HtmlLink {
  std::string element;   ///< "a", "img", ..., "meta"; lower case
  std::string address;   ///< as the page has it, decoded; may be empty for an `a`
  std::string download;  ///< the name that the page wishes for; may be empty
  bool saved = false;    ///< it has a download attribute, named or not
  std::string type;      ///< media type that the page says
  std::string label;     ///< the text of the link, or what stands for it; one line
  /// The text in front of it and behind it in its row of a listing: up to a line's end in preformatted text,
  /// a row of a table, a list's item. One space where cells or spaces are.
  std::string before, after;
  std::optional<std::uint64_t> row_size;  ///< that a cell of its row sorts by
  std::string row_time;                   ///< of a time element of its row
};

struct HtmlPage {
  std::string title, heading;  ///< one line each; may be empty
  std::string base;            ///< of the base element
  std::vector<HtmlLink> links;
  bool cut = false;  ///< there are more links
};

struct HtmlLimits {
  std::size_t links = 8192;
  std::size_t label_bytes = 400;  ///< of labels, titles and what stands beside a link
};

/// What a page (UTF-8) links to and shows. Reads every page to its end in one go.
HtmlPage read_html(std::string_view html, const HtmlLimits& limits = {});

}  // namespace restante::transfer
