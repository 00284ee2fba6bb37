// SPDX-License-Identifier: Apache-2.0
#include "bars.hpp"

#include <algorithm>
#include <sys/ioctl.h>
#include <unistd.h>

namespace restante::cli {
namespace {

void put(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t done = ::write(fd, text.data() + at, text.size() - at);
    if (done <= 0) return;
    at += static_cast<std::size_t>(done);
  }
}

winsize size_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size.ws_col = 80;
  if (size.ws_row < 4) size.ws_row = 24;
  return size;
}

}  // namespace

bool Bars::due() const {
  return terminal_ && std::chrono::steady_clock::now() - last_ > std::chrono::milliseconds(100);
}

void Bars::set(const std::string& key, request::Progress progress) {
  const auto found =
      std::find_if(bars_.begin(), bars_.end(), [&](const auto& one) { return one.first == key; });
  if (found == bars_.end())
    bars_.emplace_back(key, std::move(progress));
  else
    found->second = std::move(progress);
  draw();
}

void Bars::drop(const std::string& key) {
  std::erase_if(bars_, [&](const auto& one) { return one.first == key; });
  draw();
}

void Bars::print(const std::string& line) {
  if (!terminal_) return put(fd_, line + "\n");
  std::string out;
  if (drawn_ > 0) out = "\x1b[" + std::to_string(drawn_) + "A\r\x1b[J";
  drawn_ = 0;
  put(fd_, out + line + "\n");
  draw();
}

void Bars::clear() {
  bars_.clear();
  draw();
}

void Bars::draw() {
  if (!terminal_ || (drawn_ == 0 && bars_.empty())) return;
  const winsize size = size_of(fd_);
  std::string out;
  if (drawn_ > 0) out += "\x1b[" + std::to_string(drawn_) + "A";
  out += "\r\x1b[J";
  // More bars than lines would scroll away: the first ones are shown.
  drawn_ = std::min<std::size_t>(bars_.size(), size.ws_row - 2u);
  for (std::size_t i = 0; i < drawn_; ++i)
    out += request::progress_bar(bars_[i].second, size.ws_col - 1u) + "\n";
  put(fd_, out);
  last_ = std::chrono::steady_clock::now();
}

std::uint64_t Rate::at(std::uint64_t have) {
  const auto now = std::chrono::steady_clock::now();
  if (!started_) {
    started_ = true;
    since_ = now;
    from_ = have;
  }
  const std::chrono::duration<double> time = now - since_;
  if (time.count() >= 1 && have >= from_) {
    rate_ = static_cast<std::uint64_t>(static_cast<double>(have - from_) / time.count());
    since_ = now;
    from_ = have;
  }
  return rate_;
}

}  // namespace restante::cli
