// SPDX-License-Identifier: Apache-2.0
#include "intake/mime.hpp"

#include "base/text.hpp"
#include "intake/mime_head.hpp"
#include "proxy/envelope.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace restante::intake {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view scheme_link = "web+restante:p/";
constexpr std::string_view page_mark = "/p#";
constexpr std::size_t longest_host = 300;         ///< "https://HOST:PORT"
constexpr std::size_t longest_boundary = 70;      ///< RFC 2046 §5.1.1
constexpr std::size_t tag_characters = 22;        ///< of A256GCM: 16 bytes, the end of a sealed document
constexpr std::size_t signature_characters = 86;  ///< of ES256: 64 bytes, the end of a signed one

bool is_compact(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

/// Whether all of it is one document, and nothing else.
bool is_document(std::string_view text) {
  text = proxy::envelope_in(text);
  if (text.starts_with('{')) return text.ends_with('}') && proxy::looks_sealed(text);
  return (proxy::looks_sealed(text) || proxy::looks_signed(text)) &&
         std::all_of(text.begin(), text.end(), is_compact);
}

/// A compact document that is collected character by character, and knows when it is whole: its first part
/// says which of the two it is, and their last parts have one length each.
class Collected {
public:
  bool whole() const {
    return (dots_ == 4 && last_ == tag_characters) ||
           (dots_ == 2 && !sealed_ && last_ == signature_characters);
  }
  void add(char c) {
    text_ += c;
    ++last_;
    if (c != '.') return;
    if (dots_++ == 0) {
      const auto head = from_base64url(std::string_view(text_).substr(0, text_.size() - 1));
      sealed_ = head && head->find("\"enc\"") != std::string::npos;
    }
    last_ = 0;
  }
  bool promising() const { return dots_ >= 2; }
  std::string take() { return std::move(text_); }

private:
  std::string text_;
  std::size_t dots_ = 0, last_ = 0;
  bool sealed_ = false;
};

/// Where the next line of a text begins that mail programs may have broken and quoted; npos: there is none.
std::size_t next_line(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\r')) ++at;
  if (at == text.size() || text[at] != '\n') return std::string_view::npos;
  ++at;
  while (at < text.size() && (text[at] == '>' || text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

class Finder {
public:
  explicit Finder(const MimeLimits& limits) : limits_(limits) {}

  void part(std::string_view text, std::size_t depth) {
    if (++parts_ > limits_.parts || depth > limits_.depth || full()) return;
    const auto split = split_part(text, limits_.head_bytes);
    if (!split) return;
    const PartHead& head = split->head;
    if (head.type.starts_with("multipart/")) {
      if (head.encoding == TransferEncoding::identity) multipart(split->body, head.boundary, depth);
      return;
    }
    if (head.encoding == TransferEncoding::unknown) return;
    std::string decoded;
    std::string_view body = split->body;
    if (head.encoding != TransferEncoding::identity) {
      decoded =
          head.encoding == TransferEncoding::base64 ? from_mail_base64(body) : from_quoted_printable(body);
      body = decoded;
    }
    if (head.type == "message/rfc822" || head.type == "message/global")
      part(body, depth + 1);
    else
      leaf(head, body);
  }

  std::vector<std::string> take() { return std::move(found_); }

private:
  bool full() const { return found_.size() >= limits_.documents; }

  void keep(std::string_view document) {
    document = proxy::envelope_in(document);
    if (document.empty() || full()) return;
    if (std::find(found_.begin(), found_.end(), document) == found_.end()) found_.emplace_back(document);
  }

  /// The parts between the boundary's lines (RFC 2046 §5.1.1); what stands before and behind is passed over.
  void multipart(std::string_view body, std::string_view boundary, std::size_t depth) {
    if (boundary.empty() || boundary.size() > longest_boundary) return;
    std::string_view rest = body;
    const char* begin = nullptr;
    while (!rest.empty()) {
      const char* const line_begin = rest.data();
      std::string_view line = take_line(rest);
      if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) continue;
      line.remove_prefix(2 + boundary.size());
      const bool last = line.starts_with("--");
      if (line.substr(last ? 2 : 0).find_first_not_of(blanks) != std::string_view::npos) continue;
      if (begin != nullptr) part({begin, static_cast<std::size_t>(line_begin - begin)}, depth + 1);
      begin = rest.data();
      if (last || full() || parts_ > limits_.parts) return;
    }
    if (begin != nullptr)
      part({begin, static_cast<std::size_t>(body.data() + body.size() - begin)}, depth + 1);
  }

  void leaf(const PartHead& head, std::string_view body) {
    const bool named = ascii_lower(head.file_name).ends_with(".restante") ||
                       head.type == "application/vnd.restante.sealed+json" || head.type == "application/jose";
    if (named || is_document(body))
      keep(body);
    else if (head.type.starts_with("text/"))
      links(body);
  }

  void links(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && !full();) {
      const auto scheme = text.find(scheme_link, at), page = text.find(page_mark, at);
      if (scheme == std::string_view::npos && page == std::string_view::npos) return;
      if (scheme < page) {
        at = link(text, scheme + scheme_link.size());
      } else {
        const auto from = page > longest_host ? page - longest_host : 0;
        const std::string_view before = text.substr(from, page - from);
        const auto https = before.rfind("https://");
        const bool address = https != std::string_view::npos && before.size() > https + 8 &&
                             before.find_first_of(" \t\r\n\"'<>/", https + 8) == std::string_view::npos;
        const auto behind = page + page_mark.size();
        at = address ? link(text, behind) : behind;
      }
    }
  }

  /// Reads the document that begins at `at`, over line ends while it is not whole; where it ended.
  std::size_t link(std::string_view text, std::size_t at) {
    Collected document;
    while (at < text.size() && !document.whole()) {
      if (is_compact(text[at])) {
        document.add(text[at++]);
        continue;
      }
      const auto next = next_line(text, at);
      if (next == std::string_view::npos || next >= text.size() || !is_compact(text[next])) break;
      at = next;
    }
    if (document.promising()) keep(document.take());
    return at;
  }

  const MimeLimits& limits_;
  std::size_t parts_ = 0;
  std::vector<std::string> found_;
};

}  // namespace

Result<std::vector<std::string>> documents_in(std::string_view message, const MimeLimits& limits) {
  if (message.size() > limits.message_bytes)
    return fail(Reason::too_large,
                fmt::format("the message is larger than {}", human_size(limits.message_bytes)),
                "send the request without other attachments");
  if (is_document(message)) return std::vector<std::string>{std::string(proxy::envelope_in(message))};
  Finder finder(limits);
  finder.part(message, 0);
  auto found = finder.take();
  if (found.empty())
    return fail(Reason::invalid, "there is no request in it",
                "attach the file that `restante make` writes (NAME.restante), or paste its link");
  return found;
}

}  // namespace restante::intake
