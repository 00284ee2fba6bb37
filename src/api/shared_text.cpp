// SPDX-License-Identifier: Apache-2.0
#include "api/shared_text.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/url.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace restante::api {

namespace {

constexpr std::int64_t acceptance_s = 24 * 3600;  ///< it is handed in at once

/// A UUID version 7 (RFC 9562).
std::string new_id(Instant now) {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes.data(), bytes.size());
  auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (std::size_t i = 6; i-- > 0; ms >>= 8) bytes[i] = static_cast<std::uint8_t>(ms);
  bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  std::string hex = to_hex(bytes);
  for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, "-");
  return hex;
}

/// The addresses in a text, without the marks that close a sentence.
std::vector<std::string> links_in(std::string_view text) {
  const std::string lower = ascii_lower(text);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto http = lower.find("http://", at), https = lower.find("https://", at);
    const auto begin = std::min(http, https);
    if (begin == std::string::npos) break;
    const auto end = std::min(text.find_first_of(" \t\r\n<>\"", begin), text.size());
    auto link = text.substr(begin, end - begin);
    while (!link.empty() && std::string_view(".,;:!?)]}'").find(link.back()) != std::string_view::npos)
      link.remove_suffix(1);
    out.emplace_back(link);
    at = end;
  }
  return out;
}

}  // namespace

Result<std::vector<proxy::Document>> requests_in(std::string_view text, std::string_view server_jkt,
                                                 std::string_view server_url, Instant now) {
  std::vector<proxy::Document> out;
  for (const auto& link : links_in(text)) {
    auto url = proxy::tidy_url(link);
    if (!url) return fail(std::move(url.error()));
    proxy::Document document;
    document.id = new_id(now);
    document.aud.push_back({std::string(server_jkt), std::string(server_url)});
    document.iat = std::chrono::floor<Seconds>(now).time_since_epoch().count();
    document.exp = document.iat + acceptance_s;
    proxy::Source source;
    source.url = std::move(*url);
    proxy::File file;
    file.sources.push_back(std::move(source));
    document.files.push_back(std::move(file));
    out.push_back(std::move(document));
  }
  return out;
}

}  // namespace restante::api
