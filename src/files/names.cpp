// SPDX-License-Identifier: Apache-2.0
#include "files/names.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace restante::files {

namespace {

constexpr NameLimits limits;
constexpr std::size_t extension_bytes = 16;  ///< a longer one is no extension

struct Span {
  std::uint32_t first, last;
};
/// Unicode's Cf (format: bidi overrides, zero-width characters, tags) and the line separators.
constexpr std::array<Span, 21> invisible{
    {{0x00ad, 0x00ad},   {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
     {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
     {0x2060, 0x206f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
     {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
     {0xfffe, 0xffff}}};

bool is_invisible(std::uint32_t point) {
  return std::any_of(invisible.begin(), invisible.end(),
                     [point](Span span) { return point >= span.first && point <= span.last; });
}

/// Length of the character at the front, 0 if it is not valid UTF-8.
std::size_t character(std::string_view text, std::uint32_t& point) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size > text.size() || !is_utf8(text.substr(0, size))) return 0;
  point = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) point = point << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3fu);
  return size;
}

/// Visible, valid and free of what some system forbids; each fault becomes one underscore.
std::string safe_characters(std::string_view raw) {
  std::string out;
  while (!raw.empty()) {
    std::uint32_t point = 0;
    const std::size_t size = character(raw, point);
    if (size == 0) {
      out += '_';
      raw.remove_prefix(1);
      continue;
    }
    if (point < 0x20 || (point >= 0x7f && point <= 0x9f))
      out += '_';
    else if (size == 1 && std::string_view("\\/:*?\"<>|").find(raw[0]) != std::string_view::npos)
      out += '_';
    else if (!is_invisible(point))
      out += raw.substr(0, size);
    raw.remove_prefix(size);
  }
  return out;
}

std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<std::uint8_t>(text[bytes]) & 0xc0) == 0x80) --bytes;
  text.resize(bytes);
  return text;
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
  std::string stem = cut(std::string(name.substr(0, dot)), bytes - extension.size() - suffix.size());
  while (stem.ends_with(' ') || stem.ends_with('.')) stem.pop_back();
  stem += suffix;
  stem += extension;
  return stem;
}

bool is_device(std::string_view name) {
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
  for (std::string_view whole : {"desktop.ini", "thumbs.db"})
    if (lower == whole) return true;
  for (std::string_view end :
       {".aria2", ".part", ".crdownload", ".lnk", ".scf", ".local", ".url", ".desktop"})
    if (lower.ends_with(end)) return true;
  return false;
}

}  // namespace

std::string clean_segment(std::string_view raw) {
  std::string name = safe_characters(raw);
  const auto first = name.find_first_not_of(". ");
  if (first == std::string::npos) return {};
  name.erase(0, first);
  while (name.ends_with('.') || name.ends_with(' ')) name.pop_back();
  if (is_device(name)) name.insert(0, "_");
  if (is_control_name(name)) name += ".download";
  if (name.size() > limits.segment_bytes) name = fitted(name, {}, limits.segment_bytes);
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

std::string numbered(std::string_view name, int number) {
  const auto slash = name.rfind('/');
  const std::size_t last = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string suffix = " (" + std::to_string(number) + ")";
  return std::string(name.substr(0, last)) + fitted(name.substr(last), suffix, limits.segment_bytes);
}

}  // namespace restante::files
