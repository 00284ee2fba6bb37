// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::notify {

/// A mail as it goes over the wire. Every part is encoded, so that no value can begin a line of its own.
struct Mail {
  std::string from_name, from;  ///< text; local@domain
  std::string to;
  std::string subject;
  Instant date{};
  std::string message_id;  ///< without angle brackets
  /// Further header fields, written by this program ("List-Id").
  std::vector<std::pair<std::string, std::string>> fields;
  std::string text, html;  ///< UTF-8, lines end with \n
};

/// RFC 5322 with two alternatives (RFC 2046 §5.1.4), the same bytes for the same mail: its boundary derives
/// from its Message-ID. Lines end with CR LF and have at most 78 characters, but for long single words of
/// fields.
std::string to_mime(const Mail& mail);

/// An address that every mail server takes: a dot-atom, "@" and a host name of ASCII letters (RFC 5321
/// §4.1.2), at most 254 characters. Neither quotes nor comments, nor anything that could end a line.
bool is_mail_address(std::string_view text);

/// RFC 2047 where it is not plain ASCII: encoded words on lines of their own. Control characters become "?".
std::string header_text(std::string_view text);
/// RFC 2045 §6.7; every line ends with CR LF.
std::string quoted_printable(std::string_view text);
/// "Sun, 22 Nov 2026 17:40:00 +0000" (RFC 5322 §3.3).
std::string mail_date(Instant at);

}  // namespace restante::notify
