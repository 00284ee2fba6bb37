// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "transfer/header_block.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

// Content codings that nobody asked for (RFC 9110 §8.4, CONTENT_SERVERS.md M28 to M31): we ask for
// `identity`.
namespace restante::transfer {

/// What the coding of an answer means for the file.
enum class CodingPlan {
  none,      ///< there is none
  keep,      ///< the coded bytes are the content: a gzip file marked as gzip
  take_off,  ///< the content is what comes out
  unknown    ///< a coding that we cannot take off, or several
};
struct Coding {
  CodingPlan plan = CodingPlan::none;
  std::string name;  ///< "gzip", "deflate"; as sent if unknown
};

/// `name`: of the URL's last segment, of Content-Disposition, or what the person gave; whichever ends in .gz,
/// .tgz or .svgz says that the file itself is gzip.
Coding coding_of(const HeaderBlock& head, bool named_gzip);

/// Whether a file of that name is gzip itself.
bool names_gzip(std::string_view name);

/// Takes one coding off, as the bytes come. One thread.
class Decoder {
public:
  struct Limits {
    std::uint64_t ratio = 100;                        ///< a bomb: both are passed (M31)
    std::uint64_t free_bytes = 100ULL * 1000 * 1000;  ///< so much may come out whatever the ratio
  };
  using Sink = std::function<Result<void>(std::string_view decoded)>;

  /// `name`: "gzip" or "deflate" (zlib or, as some servers mean it, raw).
  Decoder(std::string_view name, Limits limits);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Errors: decode (not that coding, wrong check sum or length, something behind the end, a bomb), and the
  /// sink's.
  Result<void> add(std::string_view coded, const Sink& sink);
  /// The stream has come to its own end: nothing is missing, and the check sums agreed (M30).
  bool at_end() const;

  std::uint64_t coded_bytes() const { return coded_; }
  std::uint64_t decoded_bytes() const { return decoded_; }

private:
  struct State;
  Result<void> inflate_some(std::string_view& rest, const Sink& sink);

  std::unique_ptr<State> state_;
  Limits limits_;
  std::uint64_t coded_ = 0, decoded_ = 0;
};

}  // namespace restante::transfer
