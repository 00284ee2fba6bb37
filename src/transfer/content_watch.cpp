// SPDX-License-Identifier: Apache-2.0
#include "transfer/content_watch.hpp"

#include "transfer/disposition.hpp"
#include "transfer/web_page.hpp"

#include <algorithm>
#include <utility>

namespace restante::transfer {

void ContentWatch::begin_answer(const HeaderBlock& head, const std::string& coding) {
  const bool first = std::exchange(first_answer_, false);
  if (!coding.empty()) decoder_.emplace(coding, options_.decoder);
  if (first) {
    type_ = head.media_type();
    name_ = disposition_name(head.first("content-disposition"));
    saved_ = !name_.empty();
    if (!saved_) name_ = options_.source_path;
  }
  whole_answer_ = first && options_.from_start && head.status != 206;
  // HTTP/2 may always end with trailers; where the length proves the end, only announced ones are waited for.
  const bool streamed = head.http2 && (!head.has("content-length") || announces_digest(head));
  const bool trailers = head.has("transfer-encoding") || streamed;
  if (auto digest = answer_digest(head.fields)) (whole_answer_ ? whole_ : answer_).expect(std::move(*digest));
  if (trailers && !whole_answer_) answer_.expect_in_trailer(announces_digest(head));
  if (!first || !options_.from_start) return;
  if (auto digest = whole_digest(head.fields)) {
    // Servers that compress on the way often still publish the digest of what they compressed.
    if (decoder_) decoded_.expect(*digest);
    whole_.expect(std::move(*digest));
  }
  if (trailers && whole_answer_) whole_.expect_in_trailer(announces_digest(head));
}

Result<void> ContentWatch::add(std::string_view bytes, const Decoder::Sink& sink) {
  answer_.add(bytes);
  whole_.add(bytes);
  if (!decoder_) {
    keep_beginning(bytes);
    return sink(bytes);
  }
  return decoder_->add(bytes, [&](std::string_view decoded) {
    decoded_.add(decoded);
    keep_beginning(decoded);
    return sink(decoded);
  });
}

void ContentWatch::keep_beginning(std::string_view bytes) {
  const std::uint64_t before = std::exchange(seen_, seen_ + bytes.size());
  if (!options_.from_start || before != beginning_.size()) return;
  if (beginning_.size() < sniffed_bytes) {
    const std::size_t count = std::min(bytes.size(), sniffed_bytes - beginning_.size());
    beginning_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
  }
  if (bytes.empty() || !is_page()) return;
  beginning_ += bytes.substr(0, options_.page_bytes - std::min(options_.page_bytes, beginning_.size()));
}

bool ContentWatch::is_page() const {
  return options_.from_start && is_html(type_, name_, beginning_, saved_);
}

ContentWatch::End ContentWatch::end_answer(const Fields& trailers, bool last) {
  using Result = DigestWatch::Result;
  End end;
  end.coding_ended = !decoder_ || decoder_->at_end();
  std::vector<PublishedDigest> of_answer, of_whole;
  if (auto digest = answer_digest(trailers))
    (whole_answer_ ? of_whole : of_answer).push_back(std::move(*digest));
  if (auto digest = whole_digest(trailers)) of_whole.push_back(std::move(*digest));
  end.answer = std::exchange(answer_, {}).finish(of_answer);
  if (!last) return end;
  end.whole = std::exchange(whole_, {}).finish(of_whole);
  if (end.whole == Result::differs && decoded_.finish({}) == Result::agrees) end.whole = Result::agrees;
  return end;
}

}  // namespace restante::transfer
