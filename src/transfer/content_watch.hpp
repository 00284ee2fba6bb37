// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "transfer/content_coding.hpp"
#include "transfer/digests.hpp"
#include "transfer/header_block.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace restante::transfer {

/// Looks at the bytes of one content on their way from its answers into its file: takes a coding off, hashes
/// what published digests speak of, keeps the beginning of what may be a web page. Lives as long as the
/// transfer.
class ContentWatch {
public:
  struct Options {
    bool from_start = true;      ///< not going on from the middle
    std::string source_path;     ///< of the URL that was asked for
    std::size_t page_bytes = 0;  ///< so much of a web page is kept
    Decoder::Limits decoder;
  };
  explicit ContentWatch(Options options) : options_(std::move(options)) {}

  /// An answer's body begins. `coding`: to be taken off; empty: none. Only the first answer may have one.
  void begin_answer(const HeaderBlock& head, const std::string& coding);
  /// Passes on to `sink` what belongs into the file. Errors: decode, and the sink's.
  Result<void> add(std::string_view bytes, const Decoder::Sink& sink);

  struct End {
    bool coding_ended = true;  ///< there was none, or it came to its own end
    DigestWatch::Result answer = DigestWatch::Result::nothing, whole = DigestWatch::Result::nothing;
  };
  /// `last`: no further answer belongs to this content.
  End end_answer(const Fields& trailers, bool last);

  /// What came so far is HTML; for sure once `sniffed_bytes` are there or everything is.
  bool is_page() const;
  std::string_view beginning() const { return beginning_; }
  bool enough_of_page() const { return beginning_.size() >= options_.page_bytes; }

  bool decodes() const { return decoder_.has_value(); }
  std::uint64_t coded_bytes() const { return decoder_ ? decoder_->coded_bytes() : 0; }
  std::uint64_t decoded_bytes() const { return decoder_ ? decoder_->decoded_bytes() : 0; }

private:
  void keep_beginning(std::string_view bytes);

  Options options_;
  std::optional<Decoder> decoder_;
  DigestWatch answer_, whole_, decoded_;
  bool first_answer_ = true;
  bool whole_answer_ = false;  ///< the answer under way is the whole content
  std::string type_;
  std::string name_;
  bool saved_ = false;  ///< Content-Disposition names it
  std::string beginning_;
  std::uint64_t seen_ = 0;  ///< bytes of the content
};

}  // namespace restante::transfer
