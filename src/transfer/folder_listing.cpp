// SPDX-License-Identifier: Apache-2.0
#include "transfer/folder_listing.hpp"

#include "base/text.hpp"
#include "transfer/charsets.hpp"
#include "transfer/html_offers.hpp"
#include "worker/offered.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace restante::transfer {

namespace {

using jobs::Offer;

struct Entry {
  std::string_view name;
  bool is_folder = false;
  bool is_other = false;  ///< device, socket, the folder itself: nothing to fetch
  std::optional<std::uint64_t> size_bytes;
  std::optional<Instant> modified;
};

struct Word {
  std::string_view text;
  std::size_t end = 0;  ///< behind it in the line
};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::vector<Word> words(std::string_view line, std::size_t most) {
  std::vector<Word> out;
  std::size_t at = 0;
  while (out.size() < most) {
    at = line.find_first_not_of(' ', at);
    if (at == std::string_view::npos) break;
    const auto end = std::min(line.find(' ', at), line.size());
    out.push_back({line.substr(at, end - at), end});
    at = end;
  }
  return out;
}

std::optional<unsigned> month(std::string_view text) {
  constexpr std::array<std::string_view, 12> names{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < names.size(); ++i)
    if (iequals(text, names.at(i))) return i + 1;
  return std::nullopt;
}

std::optional<Instant> instant(int year, unsigned month_, unsigned day, Seconds of_day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month_),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) + of_day;
}

/// "07:30", "07:30:05", "7:30PM".
std::optional<Seconds> time_of_day(std::string_view text) {
  bool pm = false, half = false;
  if (text.size() > 2 && (text.ends_with('M') || text.ends_with('m'))) {
    const char letter = text[text.size() - 2];
    pm = letter == 'P' || letter == 'p';
    if (!pm && letter != 'A' && letter != 'a') return std::nullopt;
    half = true;
    text.remove_suffix(2);
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.size() < colon + 3) return std::nullopt;
  auto h = number<unsigned>(text.substr(0, colon));
  const auto m = number<unsigned>(text.substr(colon + 1, 2));
  if (!h || !m || *m > 59 || *h > (half ? 12U : 23U)) return std::nullopt;
  if (half) *h = *h % 12 + (pm ? 12 : 0);
  return Seconds(*h * 3600 + *m * 60);
}

struct Dated {
  std::size_t words = 0;
  std::optional<Instant> at;
};

/// "Nov 23 07:30", "Nov 23  2025", "23 Nov 2025", "2025-11-23 07:30".
std::optional<Dated> date_at(const std::vector<Word>& line, std::size_t at, Instant now) {
  if (at + 1 >= line.size()) return std::nullopt;
  const std::string_view first = line[at].text, second = line[at + 1].text;
  if (first.size() == 10 && first[4] == '-' && first[7] == '-') {
    const auto y = number<int>(first.substr(0, 4));
    const auto m = number<unsigned>(first.substr(5, 2)), d = number<unsigned>(first.substr(8, 2));
    const auto clock = time_of_day(second);
    if (!y || !m || !d || !clock) return std::nullopt;
    return Dated{2, instant(*y, *m, *d, *clock)};
  }
  if (at + 2 >= line.size()) return std::nullopt;
  auto m = month(first);
  auto d = number<unsigned>(second);
  if (!m) {
    m = month(second);
    d = number<unsigned>(first);
  }
  if (!m || !d) return std::nullopt;
  const std::string_view third = line[at + 2].text;
  if (const auto year = number<int>(third); year && third.size() == 4)
    return Dated{3, instant(*year, *m, *d, Seconds(0))};
  const auto clock = time_of_day(third);
  if (!clock) return std::nullopt;
  const auto today = std::chrono::floor<std::chrono::days>(now);
  const int year = static_cast<int>(std::chrono::year_month_day(today).year());
  auto found = instant(year, *m, *d, *clock);
  if (!found || *found > now + std::chrono::hours(24)) found = instant(year - 1, *m, *d, *clock);
  return Dated{3, found};
}

bool is_mode(std::string_view text) {
  if (text.size() < 10 || text.size() > 11) return false;
  if (std::string_view("-dlbcpsD").find(text[0]) == std::string_view::npos) return false;
  return text.substr(1).find_first_not_of("-rwxsStTlL.+@") == std::string_view::npos;
}

/// A link's target with an extension is a file.
bool looks_like_folder(std::string_view target) {
  if (target.ends_with('/')) return true;
  const std::string_view last = target.substr(target.rfind('/') + 1);
  return last == ".." || last.find('.', 1) == std::string_view::npos;
}

/// As `ls -l` writes it. The size is the number in front of the date; who owns the file may be left out.
std::optional<Entry> unix_entry(std::string_view line, Instant now) {
  const auto parts = words(line, 12);
  if (parts.size() < 4 || !is_mode(parts[0].text)) return std::nullopt;
  for (std::size_t size = 1; size + 1 < parts.size(); ++size) {
    const auto bytes = number<std::uint64_t>(parts[size].text);
    const auto date = bytes ? date_at(parts, size + 1, now) : std::nullopt;
    if (!date) continue;
    const std::size_t begin = parts[size + date->words].end + 1;
    if (begin >= line.size()) return std::nullopt;
    Entry entry;
    entry.name = line.substr(begin);
    entry.modified = date->at;
    const char type = parts[0].text[0];
    entry.is_folder = type == 'd';
    entry.is_other = type != '-' && type != 'd' && type != 'l';
    if (type == '-') entry.size_bytes = bytes;
    if (const auto arrow = entry.name.find(" -> "); type == 'l' && arrow != std::string_view::npos) {
      entry.is_folder = looks_like_folder(entry.name.substr(arrow + 4));
      entry.name = entry.name.substr(0, arrow);
    }
    return entry;
  }
  return std::nullopt;
}

/// "11-23-26  07:30AM       <DIR>          name", as Windows writes it.
std::optional<Entry> dos_entry(std::string_view line) {
  const auto parts = words(line, 4);
  if (parts.size() < 4) return std::nullopt;
  const std::string_view date = parts[0].text;
  const auto clock = time_of_day(parts[1].text);
  if ((date.size() != 8 && date.size() != 10) || date[2] != '-' || date[5] != '-' || !clock)
    return std::nullopt;
  const auto m = number<unsigned>(date.substr(0, 2)), d = number<unsigned>(date.substr(3, 2));
  auto y = number<int>(date.substr(6));
  if (!m || !d || !y) return std::nullopt;
  if (date.size() == 8) *y += *y < 70 ? 2000 : 1900;
  Entry entry;
  entry.modified = instant(*y, *m, *d, *clock);
  entry.is_folder = iequals(parts[2].text, "<dir>");
  entry.size_bytes = number<std::uint64_t>(parts[2].text);
  if (!entry.is_folder && !entry.size_bytes) return std::nullopt;
  const std::size_t begin = entry.is_folder ? line.find_first_not_of(' ', parts[2].end) : parts[2].end + 1;
  entry.name = line.substr(std::min(begin, line.size()));
  return entry;
}

/// "type=file;size=5;modify=20261123073000; name" (RFC 3659 §7.2).
std::optional<Entry> facts_entry(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space + 1 >= line.size()) return std::nullopt;
  Entry entry;
  entry.name = line.substr(space + 1);
  std::string_view facts = line.substr(0, space);
  if (!facts.empty() && facts.find(';') == std::string_view::npos) return std::nullopt;
  bool typed = false;
  while (!facts.empty()) {
    const auto end = std::min(facts.find(';'), facts.size());
    const std::string_view fact = facts.substr(0, end);
    facts.remove_prefix(std::min(end + 1, facts.size()));
    const auto equals = std::min(fact.find('='), fact.size());
    const std::string_view value = fact.substr(std::min(equals + 1, fact.size()));
    const std::string key = ascii_lower(fact.substr(0, equals)), type = ascii_lower(value);
    if (key == "type") {
      typed = true;
      entry.is_folder = type == "dir";
      const bool link = type.starts_with("os.unix=slink") || type.starts_with("os.unix=symlink");
      if (link) entry.is_folder = looks_like_folder(value.substr(std::min(value.find(':'), value.size())));
      entry.is_other = !link && type != "file" && type != "dir";
    } else if (key == "size") {
      entry.size_bytes = number<std::uint64_t>(value);
    } else if (key == "modify" && value.size() >= 14) {
      const auto y = number<int>(value.substr(0, 4));
      const auto m = number<unsigned>(value.substr(4, 2)), d = number<unsigned>(value.substr(6, 2));
      const auto h = number<unsigned>(value.substr(8, 2)), min = number<unsigned>(value.substr(10, 2));
      const auto s = number<unsigned>(value.substr(12, 2));
      if (y && m && d && h && min && s && *h < 24 && *min < 60 && *s <= 60)
        entry.modified = instant(*y, *m, *d, Seconds(*h * 3600 + *min * 60 + *s));
    }
  }
  if (!typed) return std::nullopt;
  if (entry.is_folder) entry.size_bytes.reset();
  return entry;
}

bool can_be_asked_for(std::string_view name) {
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '/' || (static_cast<unsigned char>(c) < 0x20) || c == 0x7f; });
}

std::string shown_name(std::string_view name) {
  std::string out = is_utf8(name) ? std::string(name) : to_utf8(name, "windows-1252").value_or("");
  std::replace(out.begin(), out.end(), '\\', '_');
  return out;
}

}  // namespace

std::string as_segment(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF", plain = "-._~!$&'()*+,=:@";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    // A leading "~" would be somebody's home.
    if (letter || (plain.find(c) != std::string_view::npos && !(c == '~' && out.empty()))) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

jobs::Offers read_folder_listing(const FetchedListing& listing) {
  jobs::Offers out;
  out.found = jobs::Found::folder;
  out.title = last_segment(listing.folder.text);
  std::size_t unread = 0, unasked = 0;
  std::string_view left = listing.text;
  while (!left.empty()) {
    const auto end = left.find('\n');
    if (end == std::string_view::npos && listing.cut) break;
    std::string_view line = left.substr(0, end);
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(' ') == std::string_view::npos || line.starts_with("total ")) continue;
    auto entry = listing.facts ? facts_entry(line) : unix_entry(line, listing.now);
    if (!entry && !listing.facts) entry = dos_entry(line);
    if (!entry) {
      ++unread;
      continue;
    }
    if (entry->is_other || entry->name == "." || entry->name == "..") continue;
    Offer offer;
    offer.kind = entry->is_folder ? Offer::Kind::folder : Offer::Kind::file;
    offer.name = shown_name(entry->name);
    offer.url = listing.folder.origin + listing.folder.path + as_segment(entry->name);
    if (entry->is_folder) offer.url += '/';
    offer.size_bytes = entry->is_folder ? std::nullopt : entry->size_bytes;
    offer.modified = entry->modified;
    if (can_be_asked_for(entry->name) && worker::is_sound(offer))
      out.offers.push_back(std::move(offer));
    else
      ++unasked;
  }
  std::sort(out.offers.begin(), out.offers.end(),
            [](const Offer& a, const Offer& b) { return std::tie(a.name, a.url) < std::tie(b.name, b.url); });
  const auto same = [](const Offer& a, const Offer& b) { return a.url == b.url; };
  out.offers.erase(std::unique(out.offers.begin(), out.offers.end(), same), out.offers.end());
  if (unasked > 0)
    out.left_out.push_back({std::to_string(unasked) + " of its entries", "their names cannot be asked for"});
  if (unread > 0)
    out.left_out.push_back({std::to_string(unread) + " lines of the listing", "they cannot be understood"});
  if (listing.cut) out.left_out.push_back({"the end of the listing", "it is too large to be read whole"});
  return out;
}

}  // namespace restante::transfer
