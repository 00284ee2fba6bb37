// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/draft.hpp"
#include "proxy/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

namespace restante::capture {
namespace {

constexpr std::size_t most_sources = 64;
constexpr std::size_t most_files = 256;

/// The name without its namespace's prefix.
std::string_view local_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  if (const auto colon = name.find(':'); colon != name.npos) name.remove_prefix(colon + 1);
  return name;
}

/// Where anybody may fetch; SFTP lets nobody in without a sign-in.
bool is_mirror(std::string_view lower_url) {
  for (const std::string_view scheme : {"http://", "https://", "ftp://", "ftps://"})
    if (lower_url.starts_with(scheme)) return true;
  return false;
}

pugi::xml_node child(const pugi::xml_node& owner, std::string_view name) {
  for (const auto& node : owner.children())
    if (local_name(node) == name) return node;
  return {};
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  text = trimmed(text);
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// One file of a Metalink of either version: RFC 5854 has its parts beside each other, version 3 puts hashes
/// into `verification` and addresses into `resources`.
class FileReader {
public:
  FileReader(const pugi::xml_node& node, proxy::Document& document, std::vector<std::string>& notes)
      : node_(node), document_(document), notes_(notes) {}

  /// Error (for people): why it cannot be downloaded.
  Result<void> read() {
    const std::string name(trimmed(node_.attribute("name").value()));
    auto path = name_path(name);
    if (!path) return fail(Reason::invalid, "its name leads out of the folder, or no file can have it");
    file_.name = std::move(path->name);
    file_.folder = std::move(path->folder);
    if (const auto size = number<std::int64_t>(child(node_, "size").child_value());
        size && *size >= 0 && *size <= proxy::largest_integer)
      file_.size_bytes = static_cast<std::uint64_t>(*size);
    const auto verification = child(node_, "verification"), resources = child(node_, "resources");
    read_hashes(verification ? verification : node_);
    read_urls(resources ? resources : node_, static_cast<bool>(resources));
    if (file_.sources.empty())
      return fail(Reason::invalid,
                  other_ > 0 ? "it has no address that can be fetched" : "it has no address");
    if (other_ > 0)
      notes_.emplace_back("addresses of other kinds than http, https, ftp and ftps are left out");
    document_.files.push_back(std::move(file_));
    return {};
  }

private:
  void read_hashes(const pugi::xml_node& owner) {
    for (const auto& node : owner.children()) {
      if (local_name(node) != "hash") continue;
      if (auto digest = digest_of(node.attribute("type").value(), node.child_value()))
        file_.digests.insert(std::move(*digest));
    }
  }

  void read_urls(const pugi::xml_node& owner, bool version_3) {
    struct Mirror {
      int priority;
      std::size_t position;  ///< of equal ones the first is asked first
      std::string url;
    };
    std::vector<Mirror> mirrors;
    for (const auto& node : owner.children()) {
      if (local_name(node) == "metaurl") ++other_;
      if (local_name(node) != "url") continue;
      Mirror mirror;
      mirror.position = mirrors.size();
      mirror.url = trimmed(node.child_value());
      const auto lower = ascii_lower(mirror.url.substr(0, 8));
      if (!is_mirror(lower)) {
        ++other_;
        continue;
      }
      // Version 3: 100 is the best; RFC 5854: 1 is.
      const auto preference = number<int>(node.attribute("preference").value());
      const auto priority = number<int>(node.attribute("priority").value());
      mirror.priority = version_3 ? 101 - std::clamp(preference.value_or(1), 1, 100)
                                  : std::clamp(priority.value_or(999999), 1, 999999);
      mirrors.push_back(std::move(mirror));
    }
    std::sort(mirrors.begin(), mirrors.end(), [](const Mirror& a, const Mirror& b) {
      return std::pair(a.priority, a.position) < std::pair(b.priority, b.position);
    });
    for (auto& mirror : mirrors) {
      if (file_.sources.size() == most_sources) {
        notes_.emplace_back(fmt::format("only the first {} addresses of a file are used", most_sources));
        return;
      }
      auto url = plain_url(mirror.url);
      if (!url) {
        ++other_;
        continue;
      }
      SourceDraft draft(std::move(*url));
      draft.source.priority = mirror.priority;
      join(document_, file_, std::move(draft));
    }
  }

  const pugi::xml_node& node_;
  proxy::Document& document_;
  std::vector<std::string>& notes_;
  proxy::File file_;
  int other_ = 0;
};

}  // namespace

Result<Understood> understand_metalink(std::string_view text, const Limits& limits) {
  const auto broken = [](std::string message) {
    return fail(Reason::malformed, "the Metalink " + std::move(message), "get the file once more");
  };
  // Entities could make a small file large; no Metalink has its own.
  if (text.find("<!DOCTYPE") != text.npos || text.find("<!ENTITY") != text.npos)
    return broken("has a DOCTYPE, and Metalinks have none");
  pugi::xml_document xml;
  const auto parsed = xml.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) return broken(fmt::format("is broken at byte {}", parsed.offset));
  const auto root = xml.document_element();
  if (local_name(root) != "metalink") return broken("is none: its outermost element has another name");

  const auto files = child(root, "files");
  Gathering out(Kind::metalink, limits);
  proxy::Document document;
  std::vector<std::string> notes;
  for (const auto& node : (files ? files : root).children()) {
    if (local_name(node) != "file") continue;
    if (document.files.size() == most_files) {
      out.add(std::move(document), std::move(notes));
      document = {};
      notes.clear();
    }
    const auto known = document.access.size();
    auto read = FileReader(node, document, notes).read();
    if (read) continue;
    document.access.resize(known);
    const auto path = name_path(trimmed(node.attribute("name").value()));
    out.leave_out(path ? path->name : "a file of the Metalink", read.error().message);
  }
  if (!document.files.empty()) out.add(std::move(document), std::move(notes));
  return out.finish();
}

}  // namespace restante::capture
