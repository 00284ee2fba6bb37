// SPDX-License-Identifier: Apache-2.0
#include "worker/spawn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace restante::worker {
namespace {

bool readable(int pidfd) {
  pollfd one{pidfd, POLLIN, 0};
  return ::poll(&one, 1, 10000) == 1;
}

TEST(Spawn, AWorkerEndsWhenItsChannelCloses) {
  auto worker = spawn_worker(FAKE_WORKER_CHILD, {"normal"});
  ASSERT_TRUE(worker) << worker.error().message;
  ASSERT_TRUE(readable(worker->channel.get())) << "says that it is ready";

  worker->channel.reset();
  ASSERT_TRUE(readable(worker->pidfd.get()));

  EXPECT_EQ(reap(worker->pidfd.get()), "exit 0");
}

TEST(Spawn, AKilledWorkerSaysSo) {
  auto worker = spawn_worker(FAKE_WORKER_CHILD, {"normal"});
  ASSERT_TRUE(worker);

  kill_worker(worker->pidfd.get());
  ASSERT_TRUE(readable(worker->pidfd.get()));

  EXPECT_EQ(reap(worker->pidfd.get()), "signal 9 (Killed)");
  kill_worker(worker->pidfd.get());
}

TEST(Spawn, AProgramThatCannotBeStartedIsAnErrorAndNoZombie) {
  for (const char* program : {"/nowhere", "/etc/passwd", "/tmp"}) {
    auto worker = spawn_worker(program, {});

    ASSERT_FALSE(worker) << program;
    EXPECT_THAT(worker.error().message, testing::HasSubstr(program));
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

/// DESIGN.md §4a: workers end with the server, also after its SIGKILL; the channel alone must not be what
/// ends them.
TEST(Spawn, AWorkerEndsWithItsServerAlsoAfterSigkill) {
  int report[2];
  ASSERT_EQ(::pipe(report), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    auto worker = spawn_worker("/bin/sleep", {"600"});
    const pid_t pid = worker ? worker->pid : 0;
    static_cast<void>(!::write(report[1], &pid, sizeof pid));
    for (;;) ::pause();
  }
  pid_t worker = 0;
  ASSERT_EQ(::read(report[0], &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  ASSERT_GT(worker, 0);
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  ASSERT_TRUE(pidfd);

  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);

  EXPECT_TRUE(readable(pidfd.get()));
  ::close(report[0]);
  ::close(report[1]);
}

}  // namespace
}  // namespace restante::worker
