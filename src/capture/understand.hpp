// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/document.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Makes requests of what a person has at hand: addresses, curl commands, recordings of a browser. Pure
/// functions; what they are given is neither stored nor logged.
namespace restante::capture {

enum class Kind { urls, curl, har, metalink, aria2, request };
std::string_view name(Kind kind);
std::optional<Kind> kind_named(std::string_view name);

/// A secret of a request as it may be shown: that it is there, for whom, and under which name. Never its
/// value.
struct Secret {
  std::string kind;    ///< "basic" | "digest" | "bearer" | "cookie" | "header" | "certificate"
  std::string origin;  ///< whom it goes to
  std::string label;   ///< user, cookie or header name; may be empty
};

struct Request {
  /// Without id, recipient and times: see `address_to`. proxy::parse takes it once it is addressed, and
  /// proxy::check_supported has nothing against it.
  proxy::Document document;
  std::string name;  ///< that the first file will probably have; may be empty
  std::string url;   ///< of the first source, as it may be shown: without query and user information
  std::vector<Secret> secrets;
  std::vector<std::string> notes;  ///< what a person should know, without secrets
};

/// Something that was seen and did not become a request. Without secrets.
struct LeftOut {
  std::string what, why;
};

struct Understood {
  Kind kind = Kind::urls;
  std::vector<Request> requests;
  std::vector<LeftOut> left_out;
};

struct Limits {
  std::size_t requests = 256;  ///< of one text; what is beyond is left out
  std::size_t tries = 1024;    ///< that may become requests; a text with more is not read to its end
  std::size_t left_out = 64;   ///< told one by one; beyond, their number is
  std::size_t notes = 16;      ///< of one request
  std::size_t words = 4096;    ///< of one command
};

/// What the caller knows of the text. Without a kind it is seen by the content.
struct Hint {
  std::optional<Kind> kind;
  Limits limits;
};

/// Addresses, one a line (`URL`, `URL TAB NAME`) or within prose; curl commands; HAR 1.2; Metalink 4 and 3;
/// aria2 input files; a request document (bare core). Either a request or something left out is in the
/// answer. Errors, in words for people and without secrets: invalid (nothing that could be downloaded is in
/// it), malformed (what it seems to be is broken; says where), cap-denied (sealed or signed documents).
Result<Understood> understand(std::string_view text, const Hint& hint = {});

/// Who shall do it.
struct Recipient {
  std::string jkt, url;  ///< of the place
};

/// The document for this place as of now: a new id, no issuer, to be handed in within `lasts`.
proxy::Document address_to(proxy::Document document, const Recipient& place, Instant now,
                           Seconds lasts = Seconds(7 * 86400));

}  // namespace restante::capture
