// SPDX-License-Identifier: Apache-2.0
#include "secret.hpp"

#include <cerrno>
#include <cstdio>
#include <termios.h>
#include <unistd.h>

namespace restante::cli {

Result<std::string> read_secret_line() {
  constexpr std::size_t limit = 8192;
  std::string line;
  char c = 0;
  bool any = false;
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    any = true;
    if (line.size() == limit)
      return fail(Reason::usage, "the first line of stdin is longer than a secret may be");
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  if (!any)
    return fail(Reason::usage, "there is no secret on stdin", "its first line is the password or token");
  return line;
}

Result<std::string> ask_secret(const std::string& prompt) {
  termios before{};
  if (::tcgetattr(STDIN_FILENO, &before) != 0)
    return fail(Reason::usage, "there is no terminal to ask for a password");
  termios hidden = before;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  std::fputs(prompt.c_str(), stderr);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  auto line = read_secret_line();
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::fputc('\n', stderr);
  return line;
}

int process_id() {
  return static_cast<int>(::getpid());
}

}  // namespace restante::cli
