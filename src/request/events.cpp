// SPDX-License-Identifier: Apache-2.0
#include "request/events.hpp"

#include <charconv>

namespace restante::request {

void EventReader::restart() {
  line_.clear();
  data_.clear();
  type_.clear();
  id_ = last_id_;
  has_data_ = after_cr_ = too_long_ = false;
  first_line_ = true;
}

void EventReader::feed(std::string_view piece) {
  for (const char c : piece) {
    if (after_cr_ && c == '\n') {
      after_cr_ = false;
      continue;
    }
    after_cr_ = c == '\r';
    if (c == '\r' || c == '\n') {
      if (!too_long_) line(line_);
      line_.clear();
      too_long_ = false;
    } else if (line_.size() < limit_) {
      line_ += c;
    } else {
      too_long_ = true;
    }
  }
}

void EventReader::line(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (first_line_ && text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  first_line_ = false;
  if (text.empty()) {
    last_id_ = id_;
    if (has_data_) take_({type_.empty() ? "message" : type_, data_});
    data_.clear();
    type_.clear();
    has_data_ = false;
    return;
  }
  const auto colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (data_.size() + value.size() > limit_) return;
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "event") {
    type_ = value;
  } else if (field == "id") {
    if (value.find('\0') == value.npos) id_ = value;
  } else if (field == "retry") {
    unsigned ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc{} && end == value.data() + value.size()) retry_ = std::chrono::milliseconds(ms);
  }
}

}  // namespace restante::request
