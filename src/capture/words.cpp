// SPDX-License-Identifier: Apache-2.0
#include "capture/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace restante::capture {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void add_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (point >> 18 & 7));
    out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  }
}

tl::unexpected<Error> not_closed(std::size_t line, const char* what) {
  return fail(Reason::malformed, fmt::format("line {}: a {} is not closed", line, what),
              "copy the whole command once more");
}
tl::unexpected<Error> too_long(std::size_t line) {
  return fail(Reason::too_large, fmt::format("line {}: the command has too many words", line));
}

class Bash {
public:
  Bash(std::string_view text, std::size_t most_words) : text_(text), most_words_(most_words) {}

  Result<std::vector<Command>> read() {
    command_.line = line_;
    while (at_ < text_.size())
      if (auto done = step(); !done) return fail(std::move(done.error()));
    end_command();
    return std::move(commands_);
  }

private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  char take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }
  void add(char c) { word_ += c, in_word_ = true; }

  void end_word() {
    if (!in_word_) return;
    if (to_file_) {
      if (word_ != "/dev/null") command_.output = word_;
    } else if (!dropped_ && !to_nowhere_) {
      command_.words.push_back(std::move(word_));
    }
    word_.clear();
    in_word_ = to_file_ = to_nowhere_ = false;
  }

  void end_command() {
    end_word();
    if (!command_.words.empty() || !command_.fault.empty()) commands_.push_back(std::move(command_));
    command_ = {};
    command_.line = line_;
    dropped_ = to_file_ = to_nowhere_ = false;
  }

  Result<void> step() {
    if (command_.words.size() > most_words_) return too_long(line_);
    const char c = take();
    if (is_blank(c)) {
      end_word();
    } else if (c == '\n' || c == ';') {
      end_command();
    } else if (c == '#' && !in_word_) {
      while (at_ < text_.size() && text_[at_] != '\n') take();
    } else if (c == '\\') {
      escape();
    } else if (c == '\'') {
      return single_quoted();
    } else if (c == '"') {
      return double_quoted();
    } else if (c == '$') {
      return dollar();
    } else if (c == '`') {
      fault("another command in it");
      add(c);
    } else if (c == '&') {
      ampersand();
    } else if (c == '|') {
      if (peek() == '|') {
        take();
        end_command();
      } else {
        end_word();
        if (!dropped_) command_.notes.emplace_back("what comes after | is left out");
        dropped_ = true;
      }
    } else if (c == '>') {
      redirect();
    } else if (c == '<' || c == '(' || c == ')') {
      if (in_word_ && c != '<') {
        add(c);
      } else {
        fault(c == '<' ? "a file to read from" : "brackets outside quotes");
      }
    } else {
      add(c);
    }
    return {};
  }

  void escape() {
    if (peek() == '\r' && peek(1) == '\n') take();
    if (at_ >= text_.size()) return;
    const char next = take();
    if (next != '\n') add(next);
  }

  /// An address without quotes goes on behind its '&': people paste it so, and mean it so.
  void ampersand() {
    const bool address = in_word_ && word_.find("://") != std::string::npos && word_.find('?') != word_.npos;
    if (address && (is_letter(peek()) || is_digit(peek()))) {
      add('&');
      return;
    }
    if (peek() == '&') take();
    if (peek() == '>') return;
    end_command();
  }

  void redirect() {
    bool errors = in_word_ && word_.size() == 1 && is_digit(word_[0]) && word_[0] != '1';
    if (in_word_ && word_.size() == 1 && is_digit(word_[0])) {
      word_.clear();
      in_word_ = false;
    } else {
      end_word();
    }
    while (peek() == '>' || peek() == '|') take();
    if (peek() == '&') {
      take();
      errors = true;
    }
    to_file_ = !errors && !dropped_;
    to_nowhere_ = !to_file_;
  }

  Result<void> single_quoted() {
    const auto begun = line_;
    in_word_ = true;
    while (at_ < text_.size()) {
      const char c = take();
      if (c == '\'') return {};
      word_ += c;
    }
    return not_closed(begun, "quote (')");
  }

  Result<void> double_quoted() {
    const auto begun = line_;
    in_word_ = true;
    while (at_ < text_.size()) {
      const char c = take();
      if (c == '"') return {};
      if (c == '`') fault("another command in it");
      if (c == '$' && variable()) continue;
      if (c == '\\' && at_ < text_.size()) {
        const char next = take();
        if (next == '\n') continue;
        if (next != '"' && next != '\\' && next != '$' && next != '`') word_ += c;
        word_ += next;
        continue;
      }
      word_ += c;
    }
    return not_closed(begun, "quote (\")");
  }

  /// Whether a variable or another command stands behind the '$' that was just taken.
  bool variable() {
    const char next = peek();
    if (next == '(' || next == '{') {
      fault(next == '(' ? "another command in it" : "a variable in it");
      return true;
    }
    if (!is_letter(next)) return false;
    std::string name;
    while (is_letter(peek()) || is_digit(peek())) name += take();
    // A price or a template's "$x" in an address is rare, a variable is not.
    fault(fmt::format("a variable (${}) in it", name.substr(0, 40)));
    return true;
  }

  Result<void> dollar() {
    if (peek() == '\'') {
      take();
      return ansi_quoted();
    }
    if (peek() == '"') return {};  // a translated text: the quote follows
    if (!variable()) add('$');
    return {};
  }

  /// $'…': \n \r \t \a \b \e \f \v \\ \' \" \? \xHH \uHHHH \UHHHHHHHH \ooo \cX.
  Result<void> ansi_quoted() {
    const auto begun = line_;
    in_word_ = true;
    while (at_ < text_.size()) {
      const char c = take();
      if (c == '\'') return {};
      if (c != '\\' || at_ >= text_.size()) {
        word_ += c;
        continue;
      }
      ansi_escape(take());
    }
    return not_closed(begun, "quote ($')");
  }

  std::uint32_t digits(int most, int base) {
    std::uint32_t value = 0;
    for (int i = 0; i < most; ++i) {
      const int digit = hex_digit(peek());
      if (digit < 0 || digit >= base) break;
      value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
      take();
    }
    return value;
  }

  void ansi_escape(char c) {
    constexpr std::string_view names = "nrtabefv\\'\"?", values = "\n\r\t\a\b\033\f\v\\'\"?";
    if (const auto at = names.find(c); at != names.npos) {
      word_ += values[at];
    } else if (c == 'x' && hex_digit(peek()) >= 0) {
      word_ += static_cast<char>(digits(2, 16));
    } else if ((c == 'u' || c == 'U') && hex_digit(peek()) >= 0) {
      auto point = digits(c == 'u' ? 4 : 8, 16);
      // Browsers write characters beyond the BMP as two surrogates.
      if (point >= 0xd800 && point < 0xdc00 && peek() == '\\' && peek(1) == 'u') {
        take(), take();
        const auto low = digits(4, 16);
        point = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
      }
      if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff) point = 0xfffd;
      add_utf8(word_, point);
    } else if (c >= '0' && c <= '7') {
      --at_;
      word_ += static_cast<char>(digits(3, 8) & 0xff);
    } else {
      word_ += '\\';
      word_ += c;
    }
  }

  void fault(std::string_view what) {
    if (command_.fault.empty() && !dropped_)
      command_.fault = fmt::format("there is {}; only a running shell knows what that is", what);
  }

  std::string_view text_;
  std::size_t most_words_;
  std::size_t at_ = 0, line_ = 1;
  std::vector<Command> commands_;
  Command command_;
  std::string word_;
  bool in_word_ = false;
  bool dropped_ = false;                       ///< behind a |
  bool to_file_ = false, to_nowhere_ = false;  ///< the next word is a file's name
};

/// One character of a cmd.exe line when the carets are gone.
struct Plain {
  char c;
  bool literal;  ///< it was behind a ^: separates nothing
};

/// Arguments by the rules of the C library on Windows.
std::vector<std::string> arguments(const std::vector<Plain>& line) {
  std::vector<std::string> out;
  std::string word;
  bool in_word = false, quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i].c;
    if (c == '\\') {
      std::size_t run = 1;
      while (i + run < line.size() && line[i + run].c == '\\') ++run;
      const bool quote = i + run < line.size() && line[i + run].c == '"';
      word.append(quote ? run / 2 : run, '\\');
      in_word = true;
      i += run - 1;
      if (quote && run % 2 == 1) word += line[++i].c;
    } else if (c == '"') {
      in_word = true;
      if (quoted && i + 1 < line.size() && line[i + 1].c == '"')
        word += line[++i].c;
      else
        quoted = !quoted;
    } else if (!quoted && (is_blank(c) || c == '\n')) {
      if (in_word) out.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word) out.push_back(std::move(word));
  return out;
}

}  // namespace

Result<std::vector<Command>> read_bash(std::string_view text, std::size_t most_words) {
  return Bash(text, most_words).read();
}

Result<std::vector<Command>> read_cmd(std::string_view text, std::size_t most_words) {
  std::vector<Command> out;
  std::vector<Plain> line;
  std::size_t number = 1, begun = 1;
  bool quoted = false, dropped = false, noted = false;
  const auto end_command = [&] {
    Command command;
    command.line = begun;
    command.words = arguments(line);
    if (noted) command.notes.emplace_back("what comes after | or > is left out");
    if (!command.words.empty()) out.push_back(std::move(command));
    line.clear();
    begun = number;
    quoted = dropped = noted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++number;
    if (c == '^' && !quoted && i + 1 < text.size()) {
      ++i;
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      if (text[i] != '\n') {
        if (!dropped) line.push_back({text[i], true});
        continue;
      }
      ++number;
      // Two line ends behind a ^ are one in the argument.
      if (i + 1 < text.size() && text[i + 1] == '\r') ++i;
      if (i + 1 < text.size() && text[i + 1] == '\n') {
        ++i;
        ++number;
        if (!dropped) line.push_back({'\n', true});
      }
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '&')) {
      end_command();
      continue;
    }
    if (!quoted && (c == '|' || c == '>' || c == '<')) dropped = noted = true;
    if (!dropped) line.push_back({c, false});
  }
  if (quoted) return not_closed(begun, "quote (\")");
  end_command();
  for (const auto& command : out)
    if (command.words.size() > most_words) return too_long(command.line);
  return out;
}

bool is_for_cmd(std::string_view text) {
  const auto caret_quote = text.find("^\""), first_quote = text.find_first_of("'\"");
  if (caret_quote != text.npos && caret_quote + 1 == first_quote) return true;
  if (text.find("\\\n") != text.npos) return false;
  return text.find("^\n") != text.npos || text.find("^\r\n") != text.npos;
}

}  // namespace restante::capture
