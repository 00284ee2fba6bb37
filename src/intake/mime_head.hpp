// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace restante::intake {

enum class TransferEncoding { identity, base64, quoted_printable, unknown };

/// What the head of a message or of a part says of its body.
struct PartHead {
  std::string type = "text/plain";  ///< lower case (RFC 2045 §5.2: what is meant if nothing is said)
  std::string boundary;
  std::string file_name;  ///< from Content-Disposition, else from Content-Type; RFC 2231 decoded
  TransferEncoding encoding = TransferEncoding::identity;
};

struct SplitPart {
  PartHead head;
  std::string_view body;
};

/// Head and body of a part. Of fields that are there twice the first counts. nullopt: its head is longer than
/// `head_bytes`.
std::optional<SplitPart> split_part(std::string_view part, std::size_t head_bytes);

/// Takes the next line off `text`, without its end: CR LF, or LF alone.
std::string_view take_line(std::string_view& text);

/// RFC 2045 §6.8: characters outside of the alphabet are passed over, padding ends it.
std::string from_mail_base64(std::string_view text);
/// RFC 2045 §6.7: what is no valid escape stays as it is.
std::string from_quoted_printable(std::string_view text);

}  // namespace restante::intake
