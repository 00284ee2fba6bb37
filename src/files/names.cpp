// SPDX-License-Identifier: Apache-2.0
#include "files/names.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace restante::files {

namespace {

constexpr NameLimits limits;
constexpr std::size_t extension_bytes = 16;  ///< a longer one is no extension

/// What some system forbids in a name.
bool is_forbidden(std::uint32_t point) {
  return point < 0x80 &&
         std::string_view("\\/:*?\"<>|").find(static_cast<char>(point)) != std::string_view::npos;
}

/// Visible, valid, in normal form C and free of what some system forbids; each fault becomes one underscore.
std::string safe_characters(std::string_view raw) {
  std::string out;
  while (!raw.empty()) {
    const auto point = take_point(raw);
    if (!point || is_unprintable(*point) || is_forbidden(*point))
      out += '_';
    else
      append_point(out, *point);
  }
  return nfc(out);
}

/// Without what is lost or unseen at the ends of a name: dots, and spaces of any kind.
std::string trimmed(const std::string& name) {
  std::size_t first = std::string::npos, last = 0;
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t at = name.size() - rest.size();
    const std::uint32_t point = take_point(rest).value_or('_');
    if (point == '.' || is_blank(point)) continue;
    first = std::min(first, at);
    last = name.size() - rest.size();
  }
  return first == std::string::npos ? std::string() : name.substr(first, last - first);
}

/// Where the extension begins ("name.tar.gz": at ".tar.gz"); the size if there is none.
std::size_t extension_at(std::string_view name) {
  const auto plausible = [&](std::size_t dot, std::size_t end) {
    if (dot == std::string_view::npos || dot == 0 || end - dot < 2 || end - dot > extension_bytes)
      return false;
    return std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1,
                       name.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                c == '_' || c == '-';
                       });
  };
  const auto last = name.rfind('.');
  if (!plausible(last, name.size())) return name.size();
  const auto before = name.substr(0, last).rfind('.');
  if (before != std::string_view::npos && before != 0 && iequals(name.substr(before, last - before), ".tar"))
    return before;
  return last;
}

/// At most `bytes`, taken from before the extension, with `suffix` in between.
std::string fitted(std::string_view name, std::string_view suffix, std::size_t bytes) {
  const std::size_t dot = extension_at(name);
  const std::string_view extension = name.substr(dot);
  std::string stem(whole_characters(name.substr(0, dot), bytes - extension.size() - suffix.size()));
  stem = trimmed(stem);
  stem += suffix;
  stem += extension;
  return stem;
}

/// A device's name on Windows, or a file that its desktop reads.
bool is_reserved(std::string_view name) {
  if (iequals(name, "desktop.ini") || iequals(name, "thumbs.db")) return true;
  std::string stem = ascii_lower(name.substr(0, name.find('.')));
  while (stem.ends_with(' ')) stem.pop_back();
  for (std::string_view device : {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"})
    if (stem == device) return true;
  if (!stem.starts_with("com") && !stem.starts_with("lpt")) return false;
  const std::string_view number = std::string_view(stem).substr(3);
  if (number.size() == 1) return number[0] >= '0' && number[0] <= '9';
  return number == "\u00b9" || number == "\u00b2" || number == "\u00b3";
}

bool is_control_name(std::string_view name) {
  const std::string lower = ascii_lower(name);
  for (std::string_view end :
       {".aria2", ".part", ".part.etag", ".crdownload", ".lnk", ".scf", ".local", ".url", ".desktop"})
    if (lower.ends_with(end)) return true;
  return false;
}

std::string cleaned_once(std::string_view raw) {
  std::string name = trimmed(safe_characters(raw));
  if (name.empty()) return {};
  // The mark of other programs' locks, homes and backups.
  for (char* end : {&name.front(), &name.back()})
    if (*end == '~') *end = '_';
  if (is_reserved(name)) name.insert(0, "_");
  if (is_control_name(name)) name += ".download";
  if (name.size() > limits.segment_bytes) name = fitted(name, {}, limits.segment_bytes);
  return name;
}

}  // namespace

std::string clean_segment(std::string_view raw) {
  std::string name = cleaned_once(raw);
  // What was cut off can leave an end that must not be one.
  for (std::string again; (again = cleaned_once(name)) != name;) name = std::move(again);
  return name;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return out;
}

std::string clean_name(std::string_view wanted) {
  std::vector<std::string> kept;
  for (const auto& segment : split_path(wanted)) {
    std::string clean = clean_segment(segment);
    if (!clean.empty()) kept.push_back(std::move(clean));
  }
  if (kept.empty()) return "download";
  std::size_t begin = kept.size() - std::min(kept.size(), limits.depth);
  std::size_t total = 0;
  for (std::size_t i = begin; i < kept.size(); ++i) total += kept[i].size() + 1;
  while (total > limits.path_bytes && begin + 1 < kept.size()) total -= kept[begin++].size() + 1;
  std::string out = kept[begin];
  for (std::size_t i = begin + 1; i < kept.size(); ++i) out += "/" + kept[i];
  return out;
}

std::string name_key(std::string_view name) {
  return folded(name);
}

std::string numbered(std::string_view name, int number) {
  return marked(name, "(" + std::to_string(number) + ")");
}

std::string marked(std::string_view name, std::string_view mark) {
  const auto slash = name.rfind('/');
  const std::size_t last = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string suffix = " " + std::string(mark);
  return std::string(name.substr(0, last)) + fitted(name.substr(last), suffix, limits.segment_bytes);
}

}  // namespace restante::files
