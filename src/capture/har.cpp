// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/draft.hpp"
#include "capture/form_body.hpp"
#include "capture/json_parts.hpp"
#include "proxy/rules.hpp"
#include "proxy/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace restante::capture {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Entry {
  std::string method, url;
  Headers headers, cookies, response_headers;
  std::optional<std::string> body;
  std::string body_type, fault;  ///< fault: why its body cannot be sent again
  int status = 0;
  std::string redirect, media_type;
  std::int64_t size = 0;
};

constexpr int most_hops = 10;

std::string_view header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

constexpr std::size_t most_fields = 256;  ///< of one message; browsers send a few dozen

Headers read_headers(const bj::object& owner, const char* member) {
  Headers out;
  const auto* list = array_in(owner, member);
  if (list == nullptr) return out;
  for (const auto& value : *list) {
    if (out.size() == most_fields) break;
    if (const auto* one = value.if_object()) out.emplace_back(text_in(*one, "name"), text_in(*one, "value"));
  }
  return out;
}

void read_body(const bj::object& post, Entry& out) {
  out.body_type = text_in(post, "mimeType");
  const auto type = ascii_lower(std::string_view(out.body_type).substr(0, out.body_type.find(';')));
  out.body = text_in(post, "text");
  if (text_in(post, "encoding") == "base64") {
    auto bytes = from_base64(*out.body);
    if (bytes)
      out.body = std::move(*bytes);
    else
      out.fault = "what it sends along is broken in the recording";
  }
  if (type == "multipart/form-data") {
    const auto file = out.body->find("filename=\"");
    if (out.body->empty() || (file != std::string::npos && out.body->compare(file + 10, 1, "\"") != 0))
      out.fault = "it sends a form with files of your device, and recordings do not have those";
    return;
  }
  const auto* fields = array_in(post, "params");
  if (!out.body->empty() || fields == nullptr) return;
  for (const auto& value : *fields) {
    const auto* one = value.if_object();
    if (one == nullptr) continue;
    if (!out.body->empty()) *out.body += '&';
    *out.body += url_encoded(text_in(*one, "name")) + "=" + url_encoded(text_in(*one, "value"));
  }
}

std::optional<Entry> read_entry(const bj::value& value) {
  const auto* entry = value.if_object();
  const auto* request = entry == nullptr ? nullptr : object_in(*entry, "request");
  const auto* response = entry == nullptr ? nullptr : object_in(*entry, "response");
  if (request == nullptr || response == nullptr) return std::nullopt;
  Entry out;
  out.method = text_in(*request, "method");
  out.url = text_in(*request, "url");
  out.headers = read_headers(*request, "headers");
  out.cookies = read_headers(*request, "cookies");
  if (const auto* post = object_in(*request, "postData")) read_body(*post, out);
  out.status = static_cast<int>(std::clamp<std::int64_t>(integer_in(*response, "status"), 0, 999));
  out.response_headers = read_headers(*response, "headers");
  out.redirect = text_in(*response, "redirectURL");
  if (out.redirect.empty() && out.status >= 300 && out.status < 400)
    out.redirect = header(out.response_headers, "location");
  if (const auto* content = object_in(*response, "content")) {
    out.media_type = text_in(*content, "mimeType");
    out.size = integer_in(*content, "size");
  }
  if (out.media_type.empty()) out.media_type = header(out.response_headers, "content-type");
  out.media_type = ascii_lower(std::string_view(out.media_type).substr(0, out.media_type.find(';')));
  return out;
}

/// Firefox records a download, which it takes out of the page, with the headers of its answer and without
/// status.
bool arrived(const Entry& entry) {
  return entry.status == 200 || entry.status == 206 || (entry.status == 0 && !entry.response_headers.empty());
}

bool is_attachment(const Entry& entry) {
  return ascii_lower(header(entry.response_headers, "content-disposition")).starts_with("attachment");
}

/// Whether people keep such things, other than what pages are made of.
bool is_file_like(const Entry& entry) {
  const std::string_view type = entry.media_type;
  if (is_attachment(entry) || type.starts_with("video/") || type.starts_with("audio/")) return true;
  if (type == "text/csv" || type == "text/calendar") return true;
  if (!type.starts_with("application/")) return false;
  constexpr std::array<std::string_view, 14> of_pages{
      "json", "javascript", "ecmascript", "xhtml", "font",    "wasm", "xml",
      "grpc", "protobuf",   "mpegurl",    "dash",  "graphql", "ocsp", "form-urlencoded"};
  return std::none_of(of_pages.begin(), of_pages.end(),
                      [&](std::string_view part) { return type.find(part) != type.npos; });
}

/// Where a redirect leads; empty: that cannot be said.
std::string resolved(const Entry& entry) {
  const auto& to = entry.redirect;
  if (to.find("://") < 8) return to;
  const auto parts = proxy::split_url(entry.url);
  if (!parts || to.empty()) return {};
  if (to.starts_with("//")) return std::string(parts->scheme) + ":" + to;
  if (!to.starts_with('/')) return {};
  const auto origin = entry.url.substr(0, entry.url.size() - parts->rest.size());
  return origin + to;
}

std::string without_fragment(std::string_view url) {
  return std::string(url.substr(0, url.find('#')));
}

/// The name in a Content-Disposition (RFC 6266), for showing.
std::string disposition_name(std::string_view value) {
  const std::string lower = ascii_lower(value);
  std::string out;
  if (const auto extended = lower.find("filename*=utf-8''"); extended != std::string::npos) {
    auto text = value.substr(extended + 17);
    out = proxy::percent_decode(text.substr(0, text.find_first_of("; "))).value_or("");
  } else if (const auto plain = lower.find("filename="); plain != std::string::npos) {
    auto text = value.substr(plain + 9);
    out = text.starts_with('"') ? text.substr(1, text.find('"', 1) - 1)
                                : text.substr(0, text.find_first_of("; "));
  }
  const auto path = name_path(std::string_view(out).substr(out.find_last_of("/\\") + 1));
  return path ? path->name : std::string();
}

class Recording {
public:
  Recording(const bj::array& entries, Gathering& out) : out_(out) {
    for (const auto& value : entries)
      if (auto entry = read_entry(value)) entries_.push_back(std::move(*entry));
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (has_secrets(entry)) sanitised_ = false;
      if (entry.status < 300 || entry.status >= 400 || entry.method != "GET") continue;
      led_to_[without_fragment(resolved(entry))].push_back(i);
    }
  }

  void choose() {
    std::vector<std::size_t> chosen;
    for (const bool only_attachments : {true, false}) {
      for (std::size_t i = entries_.size(); i-- > 0;)
        if (arrived(entries_[i]) &&
            (only_attachments ? is_attachment(entries_[i]) : is_file_like(entries_[i])))
          chosen.push_back(i);
      if (!chosen.empty()) break;
    }
    const bool sure = !chosen.empty();
    if (!sure) {
      std::optional<std::size_t> largest;
      for (std::size_t i = 0; i < entries_.size(); ++i)
        if (arrived(entries_[i]) && (!largest || entries_[i].size >= entries_[*largest].size)) largest = i;
      if (largest) chosen.push_back(*largest);
    }
    std::sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(entries_[a].size, a) > std::pair(entries_[b].size, b);
    });
    std::set<std::string> urls;
    for (const auto at : chosen)
      if (!out_.is_full() &&
          urls.insert(entries_[at].method + " " + without_fragment(entries_[at].url)).second)
        make(at, sure);
    if (entries_.empty()) return;
    const auto others = entries_.size() - std::min(entries_.size(), chosen.size());
    if (others > 0)
      out_.leave_out(fmt::format("{} other requests of the recording", others),
                     "they look like parts of pages, not like files");
  }

private:
  static bool has_secrets(const Entry& entry) {
    return !entry.cookies.empty() || !header(entry.headers, "cookie").empty() ||
           !header(entry.headers, "authorization").empty();
  }

  /// The hops that led to the chosen one, first to last; only those that can simply be asked for again.
  std::vector<std::size_t> chain_to(std::size_t chosen) const {
    std::vector<std::size_t> out{chosen};
    if (entries_[chosen].method != "GET") return out;
    while (out.size() <= most_hops) {
      const auto before = led_to_.find(without_fragment(entries_[out.front()].url));
      if (before == led_to_.end()) break;
      const auto next = std::lower_bound(before->second.begin(), before->second.end(), out.front());
      if (next == before->second.begin()) break;
      out.insert(out.begin(), *(next - 1));
    }
    return out;
  }

  static std::optional<SourceDraft> draft_of(const Entry& entry, std::string& fault) {
    auto url = plain_url(entry.url);
    if (!url) {
      fault = url.error().message;
      return std::nullopt;
    }
    SourceDraft out(std::move(*url));
    for (const auto& [name, value] : entry.headers) out.add_header(name, value);
    if (header(entry.headers, "cookie").empty()) {
      std::string cookies;
      for (const auto& [name, value] : entry.cookies)
        cookies.append(cookies.empty() ? "" : "; ").append(name).append("=").append(value);
      out.add_cookies(cookies);
    }
    return out;
  }

  void make(std::size_t at, bool sure) {
    const Entry& chosen = entries_[at];
    std::string fault = chosen.fault;
    const auto chain = chain_to(at);
    std::optional<SourceDraft> draft;
    if (fault.empty()) draft = draft_of(entries_[chain.front()], fault);
    if (!draft) {
      out_.leave_out(shown_url(chosen.url), std::move(fault));
      return;
    }
    for (std::size_t i = 1; i < chain.size(); ++i) {
      auto hop = draft_of(entries_[chain[i]], fault);
      if (!hop || hop->origin == draft->origin) continue;
      for (auto& one : hop->credentials) draft->credentials.push_back(std::move(one));
    }
    if (chain.size() > 1)
      draft->note("it was reached over other addresses; the download begins at the first of them again");
    draft->source.request.method = chosen.method;
    if (chosen.method == "POST") {
      draft->source.request.body = chosen.body.value_or("");
      if (header(chosen.headers, "content-type").empty() && !chosen.body_type.empty())
        draft->add_header("content-type", chosen.body_type);
      if (!chosen.body &&
          header(chosen.headers, "content-length").find_first_not_of('0') != std::string_view::npos)
        draft->note("what was sent along is not in the recording");
    }
    if (!sure) draft->note("nothing in the recording looks like a file; this was the largest");
    if (sanitised_)
      draft->note(
          "there are no cookies and no sign-in in the recording: browsers leave them out unless asked. If "
          "the "
          "file needs them, record it with sensitive data, or say how to sign in");
    proxy::Document document;
    proxy::File file;
    auto notes = std::move(draft->notes);
    join(document, file, std::move(*draft));
    document.files.push_back(std::move(file));
    auto name = disposition_name(header(chosen.response_headers, "content-disposition"));
    if (name.empty()) name = name_in_url(chosen.url);
    out_.add(std::move(document), std::move(notes), name);
  }

  Gathering& out_;
  std::vector<Entry> entries_;
  std::map<std::string, std::vector<std::size_t>> led_to_;  ///< redirects, by where they lead
  bool sanitised_ = true;
};

}  // namespace

Result<Understood> understand_har(std::string_view text, const Limits& limits) {
  const auto root = parse_json(text, "the recording (HAR)");
  if (!root) return fail(root.error());
  const auto* whole = root->if_object();
  const auto* log = whole == nullptr ? nullptr : object_in(*whole, "log");
  const auto* entries = log == nullptr ? nullptr : array_in(*log, "entries");
  if (entries == nullptr)
    return fail(Reason::malformed, "the recording (HAR) has no log.entries",
                "save it once more: in the browser's developer tools, Network, \"Save all as HAR\"");
  Gathering out(Kind::har, limits);
  Recording(*entries, out).choose();
  auto found = out.finish();
  if (!found)
    return fail(Reason::invalid, "nothing in the recording arrived",
                "record while the download begins, then save it");
  return found;
}

}  // namespace restante::capture
