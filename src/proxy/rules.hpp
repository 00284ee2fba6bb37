// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// What a text in a document may be. Every rule stands once more, as a pattern, in
/// contract/proxy.schema.json; tests/contract holds the two together.
namespace restante::proxy {

struct TextRule {
  bool (*holds)(std::string_view text);
  std::size_t max_characters;  ///< code points
  std::string_view must;       ///< "… must <must>"
  std::string_view hint;
};

namespace rules {
extern const TextRule any, line, uuid, thumbprint, account, name, folder, media_type, url, place_url, origin,
    method, header_name, header_value, body, base64, credential_id, user, secret, token, cookie_name,
    cookie_value, host_key, host_name, cookie_path, zone, ixdtf, repeat, clock_from, clock_to, duration,
    amount, currency, hex32, hex40, hex64, hex128, email_or_url, pem, code64;
}  // namespace rules

std::size_t count_characters(std::string_view utf8);

inline constexpr std::int64_t largest_integer = 9007199254740991;  ///< 2^53 - 1 (RFC 7493 §2.2)
inline constexpr std::int64_t last_second = 253402300799;          ///< 9999-12-31T23:59:59Z
inline constexpr std::size_t max_folder_depth = 32;
inline constexpr std::size_t max_credentials = 32;

}  // namespace restante::proxy
