// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <bitset>
#include <cstddef>
#include <memory>
#include <string_view>

namespace restante::jobs {

/// A pattern for names as people write them: `*` any characters but '/', `**` any, `?` one character; capital
/// and small letters of ASCII are the same. Without a '/' it is for the name alone, with one for folder and
/// name. Works through a text once, whatever stands in the pattern.
class Glob {
public:
  static constexpr std::size_t longest = 255;  ///< bytes

  /// Error invalid: empty, too long, or no text.
  static Result<Glob> parse(std::string_view pattern);
  bool matches(std::string_view folder, std::string_view name) const;

private:
  /// State i: the first i characters of the pattern are there.
  using States = std::bitset<longest + 1>;
  struct Table {
    States step[256];  ///< states that this byte leads on from
    States stay[256];  ///< states that this byte stays in
    States skip;       ///< states that need not have their '/': "**/" also stands for nothing
    std::size_t end = 0;
    bool whole = false;  ///< for folder and name
  };
  static void feed(const Table& table, States& states, std::string_view text);

  std::shared_ptr<const Table> table_;
};

}  // namespace restante::jobs
