// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/draft.hpp"
#include "proxy/url.hpp"

#include <algorithm>
#include <array>

namespace restante::capture {
namespace {

constexpr std::string_view spaces = " \t\r\v\f";

/// Where the first address of the text begins, or npos.
std::size_t find_address(std::string_view lower, std::size_t from) {
  constexpr std::array<std::string_view, 5> schemes{"https", "http", "ftp", "ftps", "sftp"};
  for (auto colon = lower.find("://", from); colon != lower.npos; colon = lower.find("://", colon + 3)) {
    auto begin = colon;
    while (begin > from && colon - begin < 8 && lower[begin - 1] >= 'a' && lower[begin - 1] <= 'z') --begin;
    const bool apart = begin == from || lower[begin - 1] < '0' || lower[begin - 1] > '9';
    const auto scheme = lower.substr(begin, colon - begin);
    if (apart && std::find(schemes.begin(), schemes.end(), scheme) != schemes.end()) return begin;
  }
  return lower.npos;
}

/// Of one address: what is longer is refused as too long, and a line is not read again for each of its tries.
constexpr std::size_t longest_looked_at = 8192 + 64;

/// The address at the beginning of the text, without the marks that close a sentence. Brackets stay if they
/// are opened within it.
std::string_view address_at(std::string_view text) {
  text = text.substr(0, longest_looked_at);
  auto address = text.substr(0, text.find_first_of(" \t\r\n\v\f<>\"`{}|\\^"));
  // Typographic quotes and the ellipsis, in UTF-8: U+2018 to U+201F, U+2026, U+00BB.
  for (const std::string_view mark : {"\u2018", "\u2019", "\u201c", "\u201d", "\u201e", "\u2026", "\u00bb"})
    if (const auto at = address.find(mark); at != address.npos) address = address.substr(0, at);
  const auto count = [&](char c) { return std::count(address.begin(), address.end(), c); };
  auto round = count(')') - count('('), square = count(']') - count('[');  // closed and not opened
  while (!address.empty()) {
    const char last = address.back();
    if (last == ')' && round > 0)
      --round;
    else if (last == ']' && square > 0)
      --square;
    else if (std::string_view(".,;:!?'*").find(last) == std::string_view::npos)
      break;
    address.remove_suffix(1);
  }
  return address;
}

/// A line that is an address and nothing else, as browsers' address bars take it: "host.example/file".
bool is_bare_address(std::string_view line) {
  if (line.find_first_of(" \t") != line.npos || !is_utf8(line)) return false;
  const auto slash = line.find('/');
  const auto host = line.substr(0, slash);
  const auto name = host.substr(0, host.find(':'));
  if (slash == line.npos || name.empty() || name.find_first_of("@\\{}[]()\"'<>") != name.npos) return false;
  const auto dot = name.find('.');
  return name == "localhost" || (dot != name.npos && dot > 0 && dot + 1 < name.size());
}

/// What is an address, but of something that is in no content server's hands.
std::string_view why_not(std::string_view lower) {
  if (lower.starts_with("magnet:")) return "torrents cannot be downloaded yet";
  if (lower.starts_with("blob:") || lower.starts_with("data:"))
    return "it exists only within the browser page that made it";
  if (lower.starts_with("file:")) return "it is a file of your own device";
  if (lower.starts_with("mailto:") || lower.starts_with("tel:") || lower.starts_with("javascript:"))
    return "it is not the address of a file";
  return {};
}

void add_address(Gathering& out, std::string_view address, std::string_view name, std::string_view note) {
  auto url = plain_url(address);
  if (!url) {
    out.leave_out(shown_url(address), url.error().message);
    return;
  }
  SourceDraft draft(std::move(*url));
  proxy::File file;
  if (!name.empty()) {
    if (auto path = name_path(name)) {
      file.name = std::move(path->name);
      file.folder = std::move(path->folder);
    } else {
      draft.note("the name beside it cannot be one; the file gets its own");
    }
  }
  if (!note.empty()) draft.note(std::string(note));
  out.add(std::move(draft), std::move(file));
}

void read_line(Gathering& out, std::string_view line) {
  const std::string lower = ascii_lower(line);
  if (const auto why = why_not(lower); !why.empty()) {
    out.leave_out(shown_url(line), std::string(why));
    return;
  }
  const std::string_view note =
      lower.starts_with("wget ") ? "of a wget command only the address is understood" : std::string_view();
  if (const auto tab = line.find('\t');
      tab != line.npos && find_address(lower, 0) == 0 && find_address(lower, 1) == lower.npos) {
    add_address(out, trimmed(line.substr(0, tab), spaces), trimmed(line.substr(tab + 1), spaces), note);
    return;
  }
  auto at = find_address(lower, 0);
  if (at == lower.npos && is_bare_address(line)) {
    add_address(out, line, {}, note);
    return;
  }
  while (at != lower.npos && !out.is_full()) {
    const auto address = address_at(line.substr(at));
    add_address(out, address, {}, note);
    at = find_address(lower, at + std::max<std::size_t>(address.size(), 1));
  }
}

}  // namespace

Result<Understood> understand_urls(std::string_view text, const Limits& limits) {
  Gathering out(Kind::urls, limits);
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    const auto line = trimmed(text.substr(from, end - from), spaces);
    from = end + 1;
    if (out.is_full()) {
      out.leave_out("the rest of the text", "there is too much in it at once");
      break;
    }
    if (!line.empty() && !line.starts_with('#')) read_line(out, line);
  }
  return out.finish();
}

}  // namespace restante::capture
