// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace restante::request {

struct Event {
  std::string type;  ///< "message" if the stream names none
  std::string data;
};

/// Reads text/event-stream (WHATWG HTML §9.2.6) in pieces of any size. A field or event beyond `limit` bytes
/// is dropped.
class EventReader {
public:
  explicit EventReader(std::function<void(const Event&)> take, std::size_t limit = 1u << 20)
      : take_(std::move(take)), limit_(limit) {}

  void feed(std::string_view piece);
  /// A new connection: what was half read is gone, `last_id` stays.
  void restart();

  const std::string& last_id() const { return last_id_; }  ///< for Last-Event-ID
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

private:
  void line(std::string_view text);

  std::function<void(const Event&)> take_;
  std::size_t limit_;
  std::string line_, data_, type_, id_, last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool has_data_ = false, after_cr_ = false, first_line_ = true, too_long_ = false;
};

}  // namespace restante::request
