// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "proxy/document.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What a content server offers at an address (DESIGN.md §4: browse). Plain values: the worker makes them, the
// server judges them, nothing is stored.
namespace restante::jobs {

/// What an address turned out to be.
enum class Found {
  page,      ///< HTML with links and media
  index,     ///< HTML that lists a folder of a web server
  folder,    ///< of FTP or SFTP
  metalink,  ///< RFC 5854
  file       ///< itself what can be fetched
};

/// One thing that can be had, or looked into.
struct Offer {
  enum class Kind { file, media, page, folder };

  Kind kind = Kind::file;
  std::string name;        ///< one segment, proxy::rules::name; cleaned again when a file gets it
  bool keeps_name = true;  ///< false: a guess; what the server says when it is fetched is better
  std::string folder;      ///< relative to what was looked at, proxy::rules::folder; empty: there
  std::string label;       ///< text of the link, one line; may be empty
  std::string url;         ///< whole and absolute, without a fragment; as it would be asked for
  std::string media_type;  ///< that the page says; may be empty
  std::optional<std::uint64_t> size_bytes = {};  ///< only where it is exact
  std::optional<Instant> modified = {};          ///< as the listing says it, taken for UTC
  std::vector<proxy::Source> sources = {};       ///< Metalink: all mirrors, `url` among them; else empty
  /// Algorithm ("sha-256", ...) to lower-case hexadecimal, as in proxy::File.
  std::vector<std::pair<std::string, std::string>> digests = {};
};

/// What is missing from the offers, for people: "more links", "only the first 4096 are shown".
struct LeftOut {
  std::string what, why;
};

/// What one address offers, or a further part of it: parts are put behind each other; `found` and `title` of
/// the first part count.
struct Offers {
  Found found = Found::page;
  std::string title;  ///< of the page, or the name of the folder; may be empty
  std::vector<Offer> offers;
  std::vector<LeftOut> left_out;
};

/// Bounds of what one look at one address brings. A worker keeps to them; one that does not is ended.
struct OfferLimits {
  std::size_t offers = 4096;
  std::size_t left_out = 16;
  std::size_t sources = 64;             ///< of one offer, as in a document
  std::size_t all_bytes = 4 * 1048576;  ///< of every text together
};

/// Called on the control loop while `browse` is under way.
class OfferObserver {
public:
  virtual ~OfferObserver() = default;
  /// Judged already: within OfferLimits, and every address one that a document may carry.
  virtual void on_offers(Offers part) = 0;
};

}  // namespace restante::jobs
