// SPDX-License-Identifier: Apache-2.0
#include "secret.hpp"

#include "request/logins.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
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

Result<std::string> read_secret_text() {
  constexpr std::size_t limit = 65536;
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limit) return fail(Reason::usage, "there is more than 64 KiB on stdin");
  }
}

Result<std::string> read_option_file(const std::string& option, const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()) || text.view().size() > limit)
    return fail(Reason::usage, "the file " + path + " of " + option + " cannot be read, or is too large");
  return text.str();
}

Result<proxy::Credential> read_certificate(const std::string& certificate_path, const std::string& key_path) {
  constexpr std::size_t limit = 65536;
  if (certificate_path.empty())
    return fail(Reason::usage, "--key needs the certificate", "give it with --cert");
  auto certificate = read_option_file("--cert", certificate_path, limit);
  if (!certificate) return fail(std::move(certificate.error()));
  Result<std::string> key;
  if (key_path == "-")
    key = read_secret_text();
  else if (!key_path.empty())
    key = read_option_file("--key", key_path, limit);
  if (!key) return fail(std::move(key.error()));
  return request::certificate_credential(*certificate, *key);
}

int process_id() {
  return static_cast<int>(::getpid());
}

}  // namespace restante::cli
