// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace restante::capture {
namespace {

constexpr std::size_t most_sources = 64;  ///< of a document's file

bool is_address(std::string_view text) {
  const auto colon = text.find("://");
  return colon != text.npos && colon > 0 && colon < 8;
}

std::vector<std::string_view> split_tabs(std::string_view line) {
  std::vector<std::string_view> out;
  for (std::size_t from = 0; from <= line.size();) {
    const auto tab = std::min(line.find('\t', from), line.size());
    if (const auto part = trimmed(line.substr(from, tab - from), " \t\r"); !part.empty()) out.push_back(part);
    from = tab + 1;
  }
  return out;
}

/// "  name=value" below the addresses of a file; the name is one of aria2's.
bool is_option(std::string_view line) {
  if (line.empty() || (line.front() != ' ' && line.front() != '\t')) return false;
  line = trimmed(line, " \t\r");
  const auto equals = line.find('=');
  return equals != line.npos && equals > 0 &&
         line.substr(0, equals).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == line.npos;
}

/// The lines that belong to one file.
struct Item {
  std::size_t line = 0;
  std::vector<std::string_view> urls;
  std::vector<std::pair<std::string_view, std::string_view>> options;
};

std::vector<Item> read_items(std::string_view text, Gathering& out) {
  std::vector<Item> items;
  std::size_t number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    const auto line = text.substr(from, end - from);
    from = end + 1;
    ++number;
    const auto content = trimmed(line, " \t\r");
    if (content.empty() || content.starts_with('#')) continue;
    if (is_option(line) && !items.empty()) {
      const auto equals = content.find('=');
      items.back().options.emplace_back(content.substr(0, equals),
                                        trimmed(content.substr(equals + 1), " \t\r"));
    } else if (auto urls = split_tabs(content); is_address(urls.front())) {
      items.push_back({number, std::move(urls), {}});
    } else {
      out.leave_out(fmt::format("line {}", number), "it is neither an address nor an option below one");
    }
  }
  return items;
}

class ItemReader {
public:
  explicit ItemReader(const Item& item) : item_(item) {}

  void make(Gathering& out) {
    for (const auto& [name, value] : item_.options) take(name, value);
    proxy::Document document;
    document.limits.rate_bytes_per_s = rate_bytes_per_s_;
    proxy::File file = std::move(file_);
    set_name(file);
    for (std::size_t i = 0; i < item_.urls.size() && !out.is_full(); ++i) {
      if (file.sources.size() == most_sources) {
        notes_.emplace_back(fmt::format("only the first {} addresses of a file are used", most_sources));
        break;
      }
      auto url = plain_url(item_.urls[i]);
      if (!url) {
        out.leave_out(shown_url(item_.urls[i]), url.error().message);
        continue;
      }
      SourceDraft draft(std::move(*url));
      draft.source.priority = static_cast<int>(i) + 1;
      // Secrets go to the server of the first address only.
      const bool own = origin_.empty() || draft.origin == origin_;
      if (origin_.empty()) origin_ = draft.origin;
      if (!agent_.empty()) draft.add_header("user-agent", agent_);
      if (!referer_.empty()) draft.add_header("referer", referer_ == "*" ? draft.source.url : referer_);
      for (const auto& line : headers_) {
        const auto colon = line.find(':');
        if (colon != line.npos) draft.add_header(line.substr(0, colon), line.substr(colon + 1));
      }
      if (has_user_) draft.add_login(user_, password_);
      if (!own) draft.credentials.clear();
      notes_.insert(notes_.end(), draft.notes.begin(), draft.notes.end());
      join(document, file, std::move(draft));
    }
    if (file.sources.empty()) return;
    document.files.push_back(std::move(file));
    out.add(std::move(document), std::move(notes_));
  }

private:
  void take(std::string_view name, std::string_view value) {
    if (name == "out") {
      out_ = value;
    } else if (name == "dir") {
      directory_ = value;
    } else if (name == "header") {
      headers_.emplace_back(value);
    } else if (name == "user-agent") {
      agent_ = value;
    } else if (name == "referer") {
      referer_ = value;
    } else if (name == "http-user") {
      user_ = value, has_user_ = true;
    } else if (name == "http-passwd") {
      password_ = value, has_user_ = true;
    } else if (name == "max-download-limit") {
      if (const auto rate = parse_size(value); rate && *rate > 0) rate_bytes_per_s_ = rate;
    } else if (name == "checksum") {
      const auto equals = value.find('=');
      auto digest =
          equals == value.npos ? std::nullopt : digest_of(value.substr(0, equals), value.substr(equals + 1));
      if (digest)
        file_.digests.insert(std::move(*digest));
      else
        notes_.emplace_back("its checksum cannot be used: it is of another kind, or not complete");
    } else if (name == "load-cookies" || name == "certificate" || name == "private-key") {
      notes_.push_back(fmt::format("{} names a file of your device and is left out", name));
    }
  }

  void set_name(proxy::File& file) {
    if (out_.empty() && directory_.empty()) return;
    std::string path = out_;
    // Without `out` the content's own name is meant.
    const bool only_folder = path.empty();
    if (only_folder) path = "x";
    const bool own_folder =
        !directory_.empty() && !directory_.starts_with('/') && !directory_.starts_with('~');
    auto made = name_path(own_folder ? directory_ + "/" + path : path);
    if (!made || (!directory_.empty() && !own_folder))
      notes_.emplace_back("its folder is one of your device and is left out");
    if (!made) made = name_path(path);
    if (!made) return;
    if (!only_folder) file.name = std::move(made->name);
    file.folder = std::move(made->folder);
  }

  const Item& item_;
  proxy::File file_;
  std::string out_, directory_, agent_, referer_, user_, password_, origin_;
  std::vector<std::string> headers_, notes_;
  std::optional<std::uint64_t> rate_bytes_per_s_;
  bool has_user_ = false;
};

}  // namespace

bool looks_like_aria2(std::string_view text) {
  bool below_address = false;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    const auto line = text.substr(from, end - from);
    from = end + 1;
    if (trimmed(line, " \t\r").empty() || line.front() == '#') continue;
    if (below_address && is_option(line)) return true;
    const auto parts = split_tabs(line);
    below_address = is_address(parts.front());
    if (parts.size() > 1 && std::all_of(parts.begin(), parts.end(), is_address)) return true;
  }
  return false;
}

Result<Understood> understand_aria2(std::string_view text, const Limits& limits) {
  Gathering out(Kind::aria2, limits);
  for (const auto& item : read_items(text, out))
    if (!out.is_full()) ItemReader(item).make(out);
  return out.finish();
}

}  // namespace restante::capture
