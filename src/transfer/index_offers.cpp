// SPDX-License-Identifier: Apache-2.0
// Listings of folders as web servers make them. tests/listings holds real ones.
#include "base/text.hpp"
#include "transfer/html_offers.hpp"
#include "worker/offered.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <set>
#include <utility>

namespace restante::transfer {

namespace {

using jobs::Offer;

bool begins(std::string_view text, std::string_view lower_beginning) {
  return iequals(text.substr(0, lower_beginning.size()), lower_beginning);
}

bool has_word(const HtmlPage& page, std::string_view label) {
  return std::any_of(page.links.begin(), page.links.end(),
                     [&](const HtmlLink& link) { return iequals(link.label, label); });
}

/// Whether the page says that it is a listing.
bool says_index(const HtmlPage& page) {
  for (const std::string* text : {&page.title, &page.heading})
    if (begins(*text, "index of ") || begins(*text, "directory listing for ") ||
        begins(*text, "directory listing of "))
      return true;
  if (has_word(page, "[To Parent Directory]")) return true;  // IIS
  const bool rows = std::any_of(page.links.begin(), page.links.end(),
                                [](const HtmlLink& link) { return link.row_size.has_value(); });
  return rows && has_word(page, "Caddy");
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<unsigned> month(std::string_view text) {
  constexpr std::array<std::string_view, 12> names{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < names.size(); ++i)
    if (iequals(text, names.at(i))) return i + 1;
  const auto by_number = number<unsigned>(text);
  return text.size() == 2 ? by_number : std::nullopt;
}

/// "2026-05-28", "2026-May-28", "28-May-2026".
std::optional<std::chrono::sys_days> day(std::string_view text) {
  const auto first = text.find('-'), second = text.find('-', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  std::string_view year = text.substr(0, first), date = text.substr(second + 1);
  if (year.size() == 2) std::swap(year, date);
  const auto y = number<int>(year);
  const auto m = month(text.substr(first + 1, second - first - 1));
  const auto d = number<unsigned>(date);
  if (!y || !m || !d || year.size() != 4 || date.size() != 2) return std::nullopt;
  const std::chrono::year_month_day whole{std::chrono::year(*y), std::chrono::month(*m),
                                          std::chrono::day(*d)};
  if (!whole.ok()) return std::nullopt;
  return std::chrono::sys_days(whole);
}

/// "20:26" or "20:26:40".
std::optional<Seconds> time_of_day(std::string_view text) {
  if (text.size() != 5 && text.size() != 8) return std::nullopt;
  const auto h = number<unsigned>(text.substr(0, 2)), m = number<unsigned>(text.substr(3, 2));
  const auto s = text.size() == 8 ? number<unsigned>(text.substr(6, 2)) : std::optional(0U);
  const bool colons = text[2] == ':' && (text.size() == 5 || text[5] == ':');
  if (!h || !m || !s || !colons || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  return Seconds(*h * 3600 + *m * 60 + *s);
}

struct Row {
  std::optional<std::uint64_t> size_bytes;
  std::optional<Instant> modified;
};

/// What stands beside an entry. A size with a letter ("1.2M") is rounded, and none; a date that can be read
/// in two ways (IIS) is none.
Row row_of(const HtmlLink& link) {
  Row row;
  row.size_bytes = link.row_size;
  std::string_view time = link.row_time;
  while (time.starts_with(' ')) time.remove_prefix(1);
  if (!time.empty()) row.modified = from_rfc3339(time);
  const auto behind = words(link.after);
  for (std::size_t i = 0; i + 1 < behind.size(); ++i) {
    const auto date = day(behind[i]);
    const auto clock = time_of_day(behind[i + 1]);
    if (!date || !clock) continue;
    row.modified = *date + *clock;
    if (i + 2 < behind.size()) row.size_bytes = number<std::uint64_t>(behind[i + 2]);
    return row;
  }
  const auto before = words(link.before);
  if (before.size() >= 3 && (before[before.size() - 2] == "AM" || before[before.size() - 2] == "PM"))
    row.size_bytes = number<std::uint64_t>(before.back());
  return row;
}

/// The folder that is listed: the address up to its last slash, or with one more where the entries lie below.
std::string folder_of(const HtmlPage& page, const net::HttpUrl& url) {
  const std::string own = url.origin + url.path;
  if (!own.ends_with('/')) {
    for (const HtmlLink& link : page.links) {
      const auto whole = resolve_reference(url, link.address);
      if (whole && whole->size() > own.size() + 1 && whole->starts_with(own + "/")) return own + "/";
    }
  }
  return own.substr(0, own.rfind('/') + 1);
}

}  // namespace

std::optional<Listing> index_offers(const HtmlPage& page, const net::HttpUrl& url) {
  if (!says_index(page)) return std::nullopt;
  const std::string folder = folder_of(page, url);
  Listing out;
  std::set<std::string> known;
  for (const HtmlLink& link : page.links) {
    if (link.element != "a") continue;
    const auto whole = resolve_reference(url, link.address);
    if (!whole || !whole->starts_with(folder) || whole->find('?') != std::string::npos) continue;
    std::string_view entry = std::string_view(*whole).substr(folder.size());
    const bool is_folder = entry.ends_with('/');
    if (is_folder) entry.remove_suffix(1);
    if (entry.empty() || entry.find('/') != std::string_view::npos || !known.insert(*whole).second) continue;
    const Row row = row_of(link);
    Offer offer;
    offer.kind = is_folder ? Offer::Kind::folder : Offer::Kind::file;
    offer.name = shown_segment(*whole);
    offer.keeps_name = offer.name == last_segment(*whole);
    offer.url = *whole;
    offer.modified = row.modified;
    if (!is_folder) offer.size_bytes = row.size_bytes;
    if (worker::is_sound(offer))
      out.entries.push_back(std::move(offer));
    else
      ++out.unusable;
  }
  return out;
}

}  // namespace restante::transfer
