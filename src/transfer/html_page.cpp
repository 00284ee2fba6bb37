// SPDX-License-Identifier: Apache-2.0
#include "transfer/html_page.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"
#include "transfer/html_tokens.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace restante::transfer {

namespace {

/// A line of text that grows; spaces of all kinds become one, what cannot be shown becomes "?".
class Line {
public:
  explicit Line(std::size_t most = 0) : most_(most) {}

  void add(std::string_view text) {
    while (!text.empty() && line_.size() < most_) {
      const auto before = text;
      const auto point = take_point(text);
      const auto character = before.substr(0, before.size() - text.size());
      if (point && (is_blank(*point) || *point == '\n' || *point == '\r' || *point == '\t' || *point == '\f'))
        space_ = !line_.empty();
      else {
        if (std::exchange(space_, false)) line_ += ' ';
        if (!point || is_unprintable(*point))
          line_ += '?';
        else
          line_ += character;
      }
    }
  }
  void add_space() { space_ = !line_.empty(); }
  bool empty() const { return line_.empty(); }
  std::string take() {
    space_ = false;
    return std::exchange(line_, {});
  }
  const std::string& text() const { return line_; }

private:
  std::size_t most_;
  std::string line_;
  bool space_ = false;
};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

class PageReader {
public:
  explicit PageReader(const HtmlLimits& limits)
      : limits_(limits),
        before_(limits.label_bytes),
        label_(limits.label_bytes),
        title_(limits.label_bytes),
        heading_(limits.label_bytes) {}

  HtmlPage read(std::string_view html) {
    HtmlTokens tokens(html);
    for (const HtmlToken* token = &tokens.next(); token->kind != HtmlToken::Kind::end;
         token = &tokens.next()) {
      if (token->kind == HtmlToken::Kind::text)
        text(token->text);
      else if (token->kind == HtmlToken::Kind::open)
        open(*token);
      else
        close(token->name);
    }
    end_link();
    end_row();
    page_.title = title_.take();
    page_.heading = heading_.take();
    return std::move(page_);
  }

private:
  void text(std::string_view raw) {
    if (in_title_) return title_.add(html_decoded(raw));
    if (!in_pre_ || raw.find('\n') == std::string_view::npos) return line(raw);
    while (!raw.empty()) {
      const auto end = raw.find('\n');
      line(raw.substr(0, end));
      if (end == std::string_view::npos) return;
      end_row();
      raw.remove_prefix(end + 1);
    }
  }

  void line(std::string_view raw) {
    const std::string shown = html_decoded(raw);
    if (in_heading_) heading_.add(shown);
    if (in_link_)
      label_.add(shown);
    else if (after_of_)
      after_.add(shown);
    else
      before_.add(shown);
  }

  void open(const HtmlToken& tag) {
    const std::string& name = tag.name;
    if (name == "title") {
      in_title_ = title_.empty();
    } else if (is_one_of(name, {"h1", "h2"})) {
      in_heading_ = heading_.empty();
    } else if (name == "pre") {
      in_pre_ = true;
      end_row();
    } else if (is_one_of(name, {"tr", "li", "br", "p", "hr", "table", "ul"})) {
      end_row();
    } else if (is_one_of(name, {"td", "th"})) {
      cell(tag);
    } else if (name == "time") {
      if (after_of_) page_.links[*after_of_].row_time = tag.attribute("datetime").substr(0, 40);
    } else if (name == "base") {
      if (page_.base.empty()) page_.base = tag.attribute("href");
    } else if (name == "a" || name == "area") {
      begin_link(tag);
    } else {
      media(tag);
    }
  }

  void close(const std::string& name) {
    if (name == "title") in_title_ = false;
    if (is_one_of(name, {"h1", "h2"})) in_heading_ = false;
    if (name == "pre") in_pre_ = false;
    if (name == "a") end_link();
    if (is_one_of(name, {"tr", "li", "pre", "table", "ul"})) end_row();
  }

  void cell(const HtmlToken& tag) {
    (after_of_ ? after_ : before_).add_space();
    if (!after_of_) return;
    const std::string order = tag.attribute("data-order");
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(order.data(), order.data() + order.size(), size);
    if (!order.empty() && error == std::errc{} && end == order.data() + order.size())
      page_.links[*after_of_].row_size = size;
  }

  void begin_link(const HtmlToken& tag) {
    end_link();
    HtmlLink* link = add(tag, "href");
    if (link == nullptr) return;
    link->before = before_.take();
    link->download = tag.attribute("download");
    link->saved = tag.has("download");
    link->type = tag.attribute("type");
    if (tag.name == "area") {
      link->label = one_line(tag.attribute("alt"));
      return;
    }
    in_link_ = page_.links.size() - 1;
    label_.take();
    if (const std::string title = tag.attribute("title"); !title.empty()) link->label = one_line(title);
  }

  void end_link() {
    if (!in_link_) return;
    const std::size_t link = *std::exchange(in_link_, std::nullopt);
    if (!label_.empty()) page_.links[link].label = label_.take();
    after_of_ = link;
    after_ = Line(limits_.label_bytes);
  }

  void end_row() {
    if (after_of_) page_.links[*after_of_].after = after_.take();
    after_of_.reset();
    before_.take();
  }

  void media(const HtmlToken& tag) {
    const std::string& name = tag.name;
    if (name == "img") {
      if (HtmlLink* link = add(tag, "src")) {
        link->label = one_line(tag.attribute("alt"));
        if (in_link_ && label_.empty()) label_.add(link->label);
      }
    } else if (is_one_of(name, {"video", "audio", "source", "embed", "track"})) {
      if (HtmlLink* link = add(tag, "src")) {
        link->type = tag.attribute("type");
        link->label = one_line(tag.attribute(name == "track" ? "label" : "title"));
      }
    } else if (name == "object") {
      if (HtmlLink* link = add(tag, "data")) link->type = tag.attribute("type");
    } else if (name == "link") {
      if (!iequals(tag.attribute("rel"), "enclosure")) return;
      if (HtmlLink* link = add(tag, "href")) {
        link->type = tag.attribute("type");
        link->label = one_line(tag.attribute("title"));
      }
    } else if (name == "meta") {
      const std::string property = ascii_lower(tag.attribute("property"));
      if (is_one_of(property,
                    {"og:video", "og:video:url", "og:video:secure_url", "og:audio", "og:audio:secure_url"}))
        add(tag, "content");
    }
  }

  /// Null: it has none, or there are too many.
  HtmlLink* add(const HtmlToken& tag, std::string_view attribute) {
    if (!tag.has(attribute)) return nullptr;
    page_.cut = page_.cut || page_.links.size() == limits_.links;
    if (page_.cut) return nullptr;
    if (tag.name == "a" && after_of_) {  // what stands between two links belongs to the first
      page_.links[*after_of_].after = after_.take();
      after_of_.reset();
    }
    HtmlLink& link = page_.links.emplace_back();
    link.element = tag.name;
    link.address = tag.attribute(attribute);
    return &link;
  }

  std::string one_line(std::string_view text) const {
    Line line(limits_.label_bytes);
    line.add(text);
    return line.take();
  }

  const HtmlLimits limits_;
  HtmlPage page_;
  Line before_, label_, title_, heading_;
  Line after_;
  bool in_title_ = false, in_heading_ = false, in_pre_ = false;
  std::optional<std::size_t> in_link_, after_of_;  ///< of `page_.links`
};

}  // namespace

HtmlPage read_html(std::string_view html, const HtmlLimits& limits) {
  return PageReader(limits).read(html);
}

}  // namespace restante::transfer
