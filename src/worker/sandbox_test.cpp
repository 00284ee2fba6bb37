// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox.hpp"

#include "base/fd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace restante::worker {
namespace {

struct Seen {
  int exit = -1;     ///< 0: it worked, 10: refused with an error
  int signal = 0;    ///< that ended the process
  std::string text;  ///< on stderr
};

/// Runs one attempt (sandbox_child.cpp) behind these locks.
Seen attempt(const std::string& locks, const std::string& what) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd read(ends[0]), write(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, write.get(), 2);
  std::string program = SANDBOX_CHILD, l = locks, w = what;
  char* arguments[] = {program.data(), l.data(), w.data(), nullptr};
  char* environment[] = {nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, SANDBOX_CHILD, &actions, nullptr, arguments, environment), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  write.reset();
  Seen seen;
  char buffer[512];
  for (ssize_t n; (n = ::read(read.get(), buffer, sizeof buffer)) > 0;)
    seen.text.append(buffer, static_cast<std::size_t>(n));
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) seen.exit = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) seen.signal = WTERMSIG(status);
  return seen;
}

struct Needed : testing::TestWithParam<const char*> {};
TEST_P(Needed, WorksInTheCage) {
  const Seen seen = attempt("all", GetParam());

  EXPECT_EQ(seen.exit, 0) << "signal " << seen.signal << " " << seen.text;
}
INSTANTIATE_TEST_SUITE_P(Sandbox, Needed,
                         testing::Values("write", "pwrite", "punch", "send", "recv", "epoll", "nodelay",
                                         "memory", "sleep"));

/// Answered with an error: what ordinary libraries try.
struct Refused : testing::TestWithParam<const char*> {};
TEST_P(Refused, WorksOutsideAndIsRefusedInside) {
  const Seen outside = attempt("none", GetParam());
  const Seen inside = attempt("all", GetParam());

  EXPECT_EQ(outside.exit, 0) << outside.text;
  EXPECT_EQ(inside.exit, 10) << "signal " << inside.signal << " " << inside.text;
}
INSTANTIATE_TEST_SUITE_P(Sandbox, Refused,
                         testing::Values("open", "stat", "create", "proc", "socket", "unix-socket",
                                         "raw-socket", "connect", "disconnect", "fastopen-option",
                                         "other-option", "reuse-option", "fork", "clone3", "prctl"));

/// Ends the process: what nothing of ours would ever try.
struct Deadly : testing::TestWithParam<const char*> {};
TEST_P(Deadly, WorksOutsideAndEndsTheProcessInside) {
  const Seen outside = attempt("none", GetParam());
  const Seen inside = attempt("all", GetParam());

  EXPECT_EQ(outside.exit, 0) << outside.text;
  EXPECT_EQ(inside.signal, SIGSYS) << "exit " << inside.exit << " " << inside.text;
}
INSTANTIATE_TEST_SUITE_P(Sandbox, Deadly,
                         testing::Values("chdir", "fastopen-sendto", "fastopen-sendmsg", "sendto-address",
                                         "sendmmsg", "bind", "listen", "accept", "exec", "ptrace",
                                         "read-other", "kill", "tgkill", "pidfd", "map-code", "map-file",
                                         "make-code", "fallocate", "fsync", "dup", "fcntl-dup", "io-uring",
                                         "unshare", "rlimit", "keyring"));

TEST(Sandbox, EndsTheProcessAtACallOfAnotherAbi) {
  // Whether x32 exists outside depends on the kernel; inside it must not be a way around the filter.
  EXPECT_EQ(attempt("all", "x32").signal, SIGSYS);
}

TEST(Sandbox, SaysWhichLocksAreOn) {
  const Seen seen = attempt("all", "write");

  EXPECT_THAT(seen.text, testing::HasSubstr("rlimits"));
  EXPECT_THAT(seen.text, testing::HasSubstr("seccomp"));
}

/// THREATS.md P8: each layer alone.
TEST(Sandbox, SeccompAloneRefusesFilesAndSockets) {
  for (const char* what : {"open", "socket", "connect"}) EXPECT_EQ(attempt("seccomp", what).exit, 10) << what;
}

TEST(Sandbox, LandlockAloneRefusesFiles) {
  ASSERT_EQ(attempt("landlock", "write").exit, 0)
      << "this kernel has no Landlock: the tests need one that has it";
  for (const char* what : {"open", "create", "proc", "exec"})
    EXPECT_EQ(attempt("landlock", what).exit, 10) << what;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
TEST(Sandbox, ASanitizerBuildSaysThatItHasNone) {
  auto locks = lock_down(SandboxPolicy{});

  ASSERT_TRUE(locks);
  EXPECT_EQ(*locks, std::vector<std::string>{"none: sanitizer build"});
  EXPECT_TRUE(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
}
#endif
#endif

}  // namespace
}  // namespace restante::worker
