// SPDX-License-Identifier: Apache-2.0
// refusing-kernel CALL=ERRNO... -- PROGRAM ARGUMENT...: runs a program on a kernel that refuses these system
// calls, as an older one, a container or a hardened system does.
#include <seccomp.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

int main(int argc, char** argv) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int at = 1;
  for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) {
    const std::string word = argv[at];
    const auto equals = word.find('=');
    const int call = seccomp_syscall_resolve_name(word.substr(0, equals).c_str());
    const auto error = static_cast<std::uint16_t>(std::atoi(word.c_str() + equals + 1));
    if (equals == std::string::npos || call == __NR_SCMP_ERROR ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), call, 0) != 0) {
      std::fprintf(stderr, "refusing-kernel: cannot refuse %s\n", word.c_str());
      return 2;
    }
  }
  if (at + 1 >= argc || seccomp_load(filter) != 0) return 2;
  ::execv(argv[at + 1], argv + at + 1);
  std::perror(argv[at + 1]);
  return 127;
}
