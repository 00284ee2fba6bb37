// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace restante::capture {

/// One command of a shell, as its program would get it. Nothing is expanded or run.
struct Command {
  std::vector<std::string> words;
  std::string output;              ///< what `> FILE` names; empty: nothing
  std::string fault;               ///< why it cannot be understood, for people; empty: it can
  std::vector<std::string> notes;  ///< what of it is left out
  std::size_t line = 1;            ///< where it begins
};

/// The commands of a text by the rules of POSIX shells with $'…' (bash). What only a running shell knows
/// (variables, other commands' output) is a command's fault. Errors: malformed (a quote is not closed; says
/// where), too-large (more words than `most_words` in one command).
Result<std::vector<Command>> read_bash(std::string_view text, std::size_t most_words);

/// The same by the rules of cmd.exe and of the C library's arguments on Windows. Errors: as before.
Result<std::vector<Command>> read_cmd(std::string_view text, std::size_t most_words);

/// Whether the text was written for cmd.exe: ^ at the end of lines or before quotes.
bool is_for_cmd(std::string_view text);

}  // namespace restante::capture
