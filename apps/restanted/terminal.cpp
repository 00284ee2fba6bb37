// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include "../qr.hpp"
#include "base/crypto.hpp"
#include "base/fd.hpp"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <memory>
#include <termios.h>
#include <unistd.h>

namespace restante::daemon {

namespace {

constexpr std::size_t longest_line = 4096;

/// Turns the terminal's echo off for as long as it lives.
class NoEcho {
public:
  NoEcho() {
    known_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!known_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    if (known_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

private:
  termios before_{};
  bool known_ = false;
};

std::string read_line() {
  std::string line;
  char c = 0;
  while (line.size() < longest_line && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::string ask(std::string_view prompt) {
  std::cerr << prompt << ": " << std::flush;
  const NoEcho quiet;
  std::string line = read_line();
  std::cerr << '\n';
  return line;
}

}  // namespace

Result<std::string> read_secret(std::string_view prompt, bool repeated) {
  if (::isatty(STDIN_FILENO) == 0) return read_line();
  std::string first = ask(prompt);
  if (!repeated) return first;
  std::string second = ask("once more");
  const bool same = first == second;
  wipe(second);
  if (!same) return fail(Reason::invalid, "the two were not the same", "try again");
  return first;
}

void show_qr(const std::string& text) {
  restante::show_qr(text);
}

bool has_terminal() {
  return static_cast<bool>(UniqueFd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)));
}

bool ends_with_terminal() {
  struct sigaction now{};
  return ::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler != SIG_IGN && has_terminal();
}

}  // namespace restante::daemon
