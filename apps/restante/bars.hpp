// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/words.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace restante::cli {

/// Live lines at the bottom of a terminal, one a download. Without a terminal nothing is drawn.
class Bars {
public:
  Bars(int fd, bool terminal) : fd_(fd), terminal_(terminal) {}
  ~Bars() { clear(); }
  Bars(const Bars&) = delete;
  Bars& operator=(const Bars&) = delete;

  bool terminal() const { return terminal_; }
  /// Whether the last drawing is long enough ago (a tenth of a second); false without a terminal.
  bool due() const;
  void set(const std::string& key, request::Progress progress);
  void drop(const std::string& key);
  /// A line above the bars that stays.
  void print(const std::string& line);
  void clear();

private:
  void draw();

  int fd_;
  bool terminal_;
  std::size_t drawn_ = 0;
  std::chrono::steady_clock::time_point last_{};
  std::vector<std::pair<std::string, request::Progress>> bars_;
};

/// Bytes a second over the last seconds.
class Rate {
public:
  std::uint64_t at(std::uint64_t have);

private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::uint64_t from_ = 0, rate_ = 0;
  bool started_ = false;
};

}  // namespace restante::cli
