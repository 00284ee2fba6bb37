// SPDX-License-Identifier: Apache-2.0
#include "transfer/naming.hpp"

#include "base/text.hpp"
#include "transfer/charsets.hpp"
#include "transfer/percent.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace restante::transfer {

namespace {

/// Media types that say one ending beyond doubt. Those that servers send for want of a better one
/// (application/octet-stream, text/plain) are left out.
constexpr std::array<std::pair<std::string_view, std::string_view>, 48> endings{{
    {"application/epub+zip", ".epub"},
    {"application/gzip", ".gz"},
    {"application/java-archive", ".jar"},
    {"application/json", ".json"},
    {"application/msword", ".doc"},
    {"application/pdf", ".pdf"},
    {"application/rtf", ".rtf"},
    {"application/vnd.android.package-archive", ".apk"},
    {"application/vnd.ms-excel", ".xls"},
    {"application/vnd.ms-powerpoint", ".ppt"},
    {"application/vnd.oasis.opendocument.presentation", ".odp"},
    {"application/vnd.oasis.opendocument.spreadsheet", ".ods"},
    {"application/vnd.oasis.opendocument.text", ".odt"},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"},
    {"application/x-7z-compressed", ".7z"},
    {"application/x-bittorrent", ".torrent"},
    {"application/x-bzip2", ".bz2"},
    {"application/x-gzip", ".gz"},
    {"application/x-iso9660-image", ".iso"},
    {"application/x-rar-compressed", ".rar"},
    {"application/x-tar", ".tar"},
    {"application/x-xz", ".xz"},
    {"application/x-zip-compressed", ".zip"},
    {"application/xhtml+xml", ".xhtml"},
    {"application/xml", ".xml"},
    {"application/zip", ".zip"},
    {"application/zstd", ".zst"},
    {"audio/flac", ".flac"},
    {"audio/mp4", ".m4a"},
    {"audio/mpeg", ".mp3"},
    {"audio/ogg", ".ogg"},
    {"audio/wav", ".wav"},
    {"image/gif", ".gif"},
    {"image/jpeg", ".jpg"},
    {"image/png", ".png"},
    {"image/svg+xml", ".svg"},
    {"image/tiff", ".tiff"},
    {"image/webp", ".webp"},
    {"text/calendar", ".ics"},
    {"text/csv", ".csv"},
    {"text/html", ".html"},
    {"text/vcard", ".vcf"},
    {"video/mp4", ".mp4"},
    {"video/mpeg", ".mpeg"},
    {"video/webm", ".webm"},
    {"video/x-matroska", ".mkv"},
}};

/// Endings of programs that make content, not of content.
constexpr std::array<std::string_view, 10> generators{".asp", ".ashx", ".aspx", ".cfm", ".cgi",
                                                      ".do",  ".jsp",  ".php",  ".pl",  ".py"};

std::string_view ending_of(std::string_view media_type) {
  const std::string type = ascii_lower(media_type.substr(0, media_type.find_first_of("; ")));
  for (const auto& [known, ending] : endings)
    if (known == type) return ending;
  return {};
}

bool has_query(const net::HttpUrl& url) {
  return url.text.find('?') != std::string::npos;
}

}  // namespace

std::string url_name(const net::HttpUrl& url) {
  std::string_view last = std::string_view(url.path).substr(url.path.rfind('/') + 1);
  last = last.substr(0, last.find(';'));
  std::string decoded = percent_decoded(last);
  if (!is_utf8(decoded)) decoded = to_utf8(decoded, "windows-1252").value_or("");
  return bounded_name(decoded);
}

std::string suggested_name(std::string_view disposition, const net::HttpUrl& url,
                           std::string_view media_type) {
  std::string name = disposition_name(disposition);
  if (!name.empty()) return name;
  name = url_name(url);
  const std::string_view ending = ending_of(media_type);
  if (name.empty()) return "download" + std::string(ending);
  if (ending.empty()) return name;
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return name + std::string(ending);
  const std::string own = ascii_lower(std::string_view(name).substr(dot));
  const bool generated =
      has_query(url) && dot > 0 && std::find(generators.begin(), generators.end(), own) != generators.end();
  return generated ? name.substr(0, dot) + std::string(ending) : name;
}

}  // namespace restante::transfer
