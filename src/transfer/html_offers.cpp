// SPDX-License-Identifier: Apache-2.0
#include "transfer/html_offers.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"
#include "proxy/rules.hpp"
#include "proxy/url.hpp"
#include "transfer/charsets.hpp"
#include "transfer/html_tokens.hpp"
#include "transfer/percent.hpp"
#include "transfer/web_page.hpp"
#include "worker/offered.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace restante::transfer {

namespace {

using jobs::Offer;

constexpr std::size_t most_name_bytes = 255;

/// The reference without what browsers pass over or read as something else.
std::string tidy(std::string_view reference) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!reference.empty() && is_space(reference.front())) reference.remove_prefix(1);
  while (!reference.empty() && is_space(reference.back())) reference.remove_suffix(1);
  std::string out;
  bool in_path = true;
  for (const char c : reference) {
    if (c == '\t' || c == '\n' || c == '\r') continue;
    in_path = in_path && c != '?' && c != '#';
    out += c == '\\' && in_path ? '/' : c;
  }
  return out;
}

std::string scheme_of(std::string_view text) {
  const auto end = text.find_first_of(":/?#");
  if (end == std::string_view::npos || end == 0 || text[end] != ':') return {};
  return ascii_lower(text.substr(0, end));
}

/// The path with escapes; empty if there is none.
std::string_view path_of(std::string_view url) {
  const auto authority = url.find("://");
  if (authority == std::string_view::npos) return {};
  const auto begin = url.find('/', authority + 3);
  if (begin == std::string_view::npos) return {};
  const auto path = url.substr(begin);
  return path.substr(0, path.find_first_of("?#"));
}

std::string host_of(std::string_view url) {
  const auto parts = proxy::split_url(url);
  return parts ? std::string(parts->host) : std::string();
}

bool is_name(const std::string& text) {
  return is_utf8(text) && proxy::rules::name.holds(text) &&
         proxy::count_characters(text) <= proxy::rules::name.max_characters;
}

/// The last segment of the path, decoded, as UTF-8.
std::string decoded_segment(std::string_view url) {
  std::string_view path = path_of(url);
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  std::string name = percent_decoded(path.substr(slash + 1));
  return is_utf8(name) ? name : to_utf8(name, "windows-1252").value_or("");
}

/// What an `a` leads to by its look: that of a page, or that of a file.
Offer::Kind kind_of(const HtmlLink& link, std::string_view url) {
  if (link.element != "a" && link.element != "area") return Offer::Kind::media;
  if (link.saved) return Offer::Kind::file;
  PageClues clues;
  clues.url_path = path_of(url);
  clues.wanted_type = is_html_type(ascii_lower(link.type)) ? std::string() : link.type;
  return page_wish(clues) == PageWish::unlikely ? Offer::Kind::file : Offer::Kind::page;
}

std::string name_of(const HtmlLink& link, const std::string& url) {
  if (is_name(link.download)) return link.download;
  std::string name = shown_segment(url);
  if (name.empty()) name = host_of(url);
  return is_name(name) ? name : "download";
}

std::string media_type_of(const HtmlLink& link) {
  std::string type = ascii_lower(link.type.substr(0, link.type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  const bool good = type.find('/') != std::string::npos && proxy::rules::media_type.holds(type) &&
                    type.size() <= proxy::rules::media_type.max_characters;
  return good ? type : std::string();
}

}  // namespace

std::optional<std::string> resolve_reference(const net::HttpUrl& base, std::string_view reference) {
  const std::string clean = tidy(reference);
  const std::string scheme = scheme_of(clean);
  if (scheme.empty() || scheme == "http" || scheme == "https") {
    const auto url = net::resolve_url(base, clean);
    return url ? std::optional(url->text) : std::nullopt;
  }
  if (scheme != "ftp" && scheme != "ftps" && scheme != "sftp") return std::nullopt;
  auto url = proxy::tidy_url(clean);
  if (!url) return std::nullopt;
  const auto parts = proxy::split_url(*url);
  if (!parts) return std::nullopt;
  std::string out = std::string(parts->scheme) + "://" + std::string(parts->host);
  if (parts->port) out += ":" + std::to_string(*parts->port);
  out += parts->rest.substr(0, parts->rest.find('#'));
  return out;
}

std::string last_segment(std::string_view url) {
  const std::string name = decoded_segment(url);
  return is_name(name) ? name : std::string();
}

std::string shown_segment(std::string_view url) {
  const std::string name = decoded_segment(url);
  std::string out;
  for (std::string_view rest = name; !rest.empty();) {
    const auto point = take_point(rest);
    if (!point || *point == '/' || *point == '\\' || is_unprintable(*point))
      out += '_';
    else
      append_point(out, *point);
  }
  out = std::string(whole_characters(out, most_name_bytes));
  return is_name(out) ? out : std::string();
}

std::vector<Offer> link_offers(const HtmlPage& page, const net::HttpUrl& url) {
  net::HttpUrl base = url;
  if (!page.base.empty())
    if (auto other = net::resolve_url(url, tidy(page.base))) base = std::move(*other);
  std::vector<Offer> out;
  std::map<std::string, std::size_t> known;
  for (const HtmlLink& link : page.links) {
    if (tidy(link.address).empty() || tidy(link.address).front() == '#') continue;
    auto whole = resolve_reference(base, link.address);
    if (!whole || *whole == url.text) continue;
    const auto [at, fresh] = known.emplace(*whole, out.size());
    if (!fresh) {
      Offer& before = out[at->second];
      if (before.label.empty()) before.label = link.label;
      continue;
    }
    Offer offer;
    offer.kind = kind_of(link, *whole);
    offer.name = name_of(link, *whole);
    offer.keeps_name = is_name(link.download);
    offer.label = link.label;
    offer.media_type = media_type_of(link);
    offer.url = std::move(*whole);
    if (worker::is_sound(offer))
      out.push_back(std::move(offer));
    else
      known.erase(at);
  }
  std::vector<Offer> sorted;
  sorted.reserve(out.size());
  for (const bool pages : {false, true})
    for (Offer& offer : out)
      if ((offer.kind == Offer::Kind::page) == pages) sorted.push_back(std::move(offer));
  return sorted;
}

jobs::Offers offers_of_html(const FetchedPage& fetched) {
  const HtmlPage page = read_html(html_utf8(fetched.html, fetched.content_type));
  jobs::Offers out;
  out.title = page.title.empty() ? page.heading : page.title;
  if (auto listing = index_offers(page, fetched.url)) {
    out.found = jobs::Found::index;
    out.offers = std::move(listing->entries);
    if (listing->unusable > 0)
      out.left_out.push_back(
          {std::to_string(listing->unusable) + (listing->unusable == 1 ? " entry" : " entries"),
           "no request can ask for them"});
    if (const std::string folder = last_segment(fetched.url.text); !folder.empty()) out.title = folder;
  } else {
    out.offers = link_offers(page, fetched.url);
  }
  if (fetched.cut) out.left_out.push_back({"the end of the page", "the page is too large to be read whole"});
  if (page.cut) out.left_out.push_back({"more links", "the page has too many"});
  return out;
}

}  // namespace restante::transfer
