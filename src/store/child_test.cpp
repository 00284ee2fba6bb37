// SPDX-License-Identifier: Apache-2.0
#include "store/child.hpp"

#include "base/fd.hpp"

#include <exception>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace restante::store::test {

std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  UniqueFd out(ends[0]), in(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = std::string("threw: ") + error.what();
    }
    const bool told = ::write(in.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(told ? 0 : 9);
  }
  in.reset();
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(out.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) return "died: status " + std::to_string(status) + " " + text;
  return text;
}

std::string in_child_as_nobody(const std::function<std::string()>& body) {
  return in_child([&]() -> std::string {
    constexpr uid_t nobody = 65534;
    if (::geteuid() == 0 && (::setegid(nobody) != 0 || ::seteuid(nobody) != 0)) return "cannot become nobody";
    return body();
  });
}

}  // namespace restante::store::test
