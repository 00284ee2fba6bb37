// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace restante {

/// Takes the first character off the front of `text`. Empty where the front is not valid UTF-8: one byte is
/// taken. `text` is not empty.
std::optional<std::uint32_t> take_point(std::string_view& text);
void append_point(std::string& out, std::uint32_t point);

/// What steers a terminal or the reading order, or shows nothing where something is: controls (Cc), format
/// characters such as bidi overrides (Cf), line and paragraph separators, noncharacters.
bool is_unprintable(std::uint32_t point);
/// A space of any width, or a letter that looks like one (Hangul fillers, the blank Braille pattern).
bool is_blank(std::uint32_t point);

/// Normalisation form C (UAX #15): one spelling for "é". Text that is not valid UTF-8 comes back as it is.
std::string nfc(std::string_view text);
/// The same for two names that a file system without regard to case or normal form takes for one.
std::string folded(std::string_view text);

/// The longest beginning of at most `most` bytes that ends between two characters as people see them
/// (extended grapheme clusters, UAX #29); between two code points where the first cluster alone is longer.
std::string_view whole_characters(std::string_view text, std::size_t most);

/// For people and terminals: every unprintable character and invalid byte becomes "?".
std::string printable(std::string_view text);
/// JSON text that means the same and has no unprintable character in it: they are written as \u escapes.
std::string printable_json(std::string_view json);

}  // namespace restante
