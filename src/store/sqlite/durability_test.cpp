// SPDX-License-Identifier: Apache-2.0
#include "base/fd.hpp"
#include "store/child.hpp"
#include "store/test_support.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {
std::atomic<int> syncs{0};
std::atomic<int> sync_error{0};  // errno of the failure; 0: none
}  // namespace

// SQLite's own calls arrive here, so that a test can count them and let them fail.
extern "C" int fdatasync(int fd) {
  ++syncs;
  if (const int error = sync_error) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace restante::store {
namespace {

using test::Folder;
using testing::AllOf;
using testing::HasSubstr;

Result<void> insert(Store& store, int number, AccountId account) {
  return test::write(store, [&](Tx& tx) -> Result<void> {
    auto made = test::jobs_of(tx).insert(test::some_job(number, account));
    if (!made) return fail(made.error());
    return {};
  });
}

bool has(Store& store, int number) {
  return test::get<std::optional<jobs::Job>>(
             store, [&](Tx& tx) { return test::jobs_of(tx).find(test::job_id(number)); })
      .has_value();
}

TEST(Durability, AWriteIsSyncedBeforeItsResultArrives) {
  Folder folder;
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");

  for (int i = 0; i < 5; ++i) {
    const int before = syncs;
    ASSERT_TRUE(insert(*store, i, ada));
    EXPECT_GT(syncs, before);
  }
}

TEST(Durability, AfterAFailedSyncNothingIsAcknowledgedUntilARestart) {
  Folder folder;
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");
  ASSERT_TRUE(insert(*store, 1, ada));

  sync_error = EIO;
  auto failed = insert(*store, 2, ada);
  sync_error = 0;
  auto later = insert(*store, 3, ada);

  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, Reason::storage);
  EXPECT_THAT(failed.error().message, AllOf(HasSubstr("restante.db"), HasSubstr("Input/output error")));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().reason, Reason::storage);
  EXPECT_THAT(later.error().hint, HasSubstr("restart"));
  EXPECT_TRUE(has(*store, 1));
  EXPECT_FALSE(has(*store, 2));

  store->close();
  store = test::open_in(folder);
  EXPECT_TRUE(has(*store, 1));
  EXPECT_FALSE(has(*store, 3));
  EXPECT_TRUE(insert(*store, 4, ada));
}

TEST(Durability, ASyncThatFailsForWantOfRoomIsAFailedSyncToo) {
  Folder folder;
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");

  sync_error = ENOSPC;
  auto failed = insert(*store, 1, ada);
  sync_error = 0;
  auto later = insert(*store, 2, ada);

  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, Reason::disk_full);
  ASSERT_FALSE(later);
  EXPECT_THAT(later.error().hint, HasSubstr("restart"));
}

TEST(Durability, AFailedSyncFailsEveryWriteOfItsGroup) {
  Folder folder;
  asio::io_context loop;  // outlives the store's threads
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");
  std::vector<std::string> outcomes(5);
  std::promise<void> started, go;
  auto one = [](Store& to, int number, AccountId account, std::vector<std::string>& out,
                std::promise<void>* begun, std::promise<void>* wait) -> Task<void> {
    Database::Work work = [=](Tx& tx) -> Result<void> {
      if (begun != nullptr) {
        begun->set_value();
        wait->get_future().wait();
      }
      auto made = test::jobs_of(tx).insert(test::some_job(number, account));
      if (!made) return fail(made.error());
      return {};
    };
    auto done = co_await to.write(std::move(work));
    out[static_cast<std::size_t>(number)] = done ? "ok" : "failed";
  };

  asio::co_spawn(loop, one(*store, 0, ada, outcomes, &started, &go), asio::detached);
  loop.poll();
  started.get_future().wait();
  for (int i = 1; i < 5; ++i)
    asio::co_spawn(loop, one(*store, i, ada, outcomes, nullptr, nullptr), asio::detached);
  loop.poll();
  sync_error = EIO;
  go.set_value();
  loop.run();
  sync_error = 0;

  EXPECT_EQ(outcomes, std::vector<std::string>(5, "failed"));
  store->close();
  store = test::open_in(folder);
  EXPECT_TRUE(store->check().empty());
}

TEST(Durability, AWriteThatTheSystemRefusesStopsTheStoreToo) {
  Folder folder;
  test::open_in(folder)->close();

  const std::string text = test::in_child([&]() -> std::string {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = test::open_in(folder);
    const AccountId ada = test::make_account(*store, "ada");
    if (!insert(*store, 1, ada)) return "the first failed";
    const rlimit tight{1, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &tight);
    auto refused = insert(*store, 2, ada);
    const rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &wide);
    auto later = insert(*store, 3, ada);
    if (refused || later) return "it was acknowledged";
    return refused.error().message + " | " + later.error().message + " | " + later.error().hint;
  });

  EXPECT_THAT(text, AllOf(HasSubstr("disk reported an error"), HasSubstr("takes nothing more"),
                          HasSubstr("restart")));
  auto store = test::open_in(folder);
  EXPECT_TRUE(has(*store, 1));
  EXPECT_FALSE(has(*store, 2));
}

TEST(Durability, AFullDiskLosesNothingAndHealsByItself) {
  Folder folder;

  const std::string text = test::in_child([&]() -> std::string {
    // A file system of our own; an unprivileged process needs a user namespace for it, in which it is root.
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    const bool apart = ::unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (user != 0) {
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
      std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    }
    if (!apart || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder.path().c_str(), "tmpfs", 0, "size=3m") != 0)
      return "no file system of its own could be mounted";
    const std::string ballast = folder / "ballast";
    std::ofstream(ballast) << std::string(1 << 20, 'b') << std::flush;
    auto store = test::open_in(folder);
    const AccountId ada = test::make_account(*store, "ada");
    int number = 0;
    Result<void> done;
    while ((done = insert(*store, number, ada)) && number < 100'000) ++number;
    if (done) return "the disk never became full";
    if (done.error().reason != Reason::disk_full) return "wrong reason: " + done.error().message;
    for (int i = 0; i < number; ++i)
      if (!has(*store, i)) return "lost job " + std::to_string(i);
    if (insert(*store, number, ada)) return "written on a full disk";
    std::filesystem::remove(ballast);
    if (auto healed = insert(*store, number, ada); !healed) return "not healed: " + healed.error().message;
    if (!store->check().empty()) return "damaged";
    store->close();
    store = test::open_in(folder);
    for (int i = 0; i <= number; ++i)
      if (!has(*store, i)) return "lost after reopening: job " + std::to_string(i);
    return "healed";
  });

  EXPECT_EQ(text, "healed");
}

Task<void> acknowledge(Store& store, int from, int count, AccountId account, int pipe) {
  for (int i = from; i < from + count; ++i) {
    Database::Work work = [=](Tx& tx) -> Result<void> {
      auto made = test::jobs_of(tx).insert(test::some_job(i, account));
      if (!made) return fail(made.error());
      return {};
    };
    auto done = co_await store.write(std::move(work));
    if (!done || ::write(pipe, &i, sizeof i) != sizeof i) ::_exit(1);
  }
}

TEST(Durability, WhatWasAcknowledgedIsThereAfterAKill) {
  Folder folder;
  AccountId ada;
  {
    auto store = test::open_in(folder);
    ada = test::make_account(*store, "ada");
  }
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    UniqueFd out(ends[0]), in(ends[1]);
    const int base = round * 1'000'000;
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = test::open_in(folder);
      asio::io_context loop;
      for (int k = 0; k < 8; ++k)
        asio::co_spawn(loop, acknowledge(*store, base + k * 10'000, 10'000, ada, in.get()), asio::detached);
      loop.run();
      ::_exit(0);
    }
    in.reset();
    std::vector<int> acknowledged;
    int number = 0;
    const std::size_t enough = 40 + static_cast<std::size_t>(round) * 97;
    while (acknowledged.size() < enough && ::read(out.get(), &number, sizeof number) == sizeof number)
      acknowledged.push_back(number);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    while (::read(out.get(), &number, sizeof number) == sizeof number) acknowledged.push_back(number);

    auto store = test::open_in(folder);

    EXPECT_GE(acknowledged.size(), enough);
    for (int one : acknowledged) EXPECT_TRUE(has(*store, one)) << one;
    EXPECT_TRUE(store->check().empty());
  }
}

TEST(Queue, BeyondItsLimitAWriteIsBusyAndNothingIsLost) {
  Folder folder;
  asio::io_context loop;  // outlives the store's threads
  StoreLimits limits;
  limits.waiting_writes = 2;
  auto store = test::open_in(folder, limits);
  std::promise<void> started, go;
  std::vector<std::string> outcomes;
  auto one = [](Store& to, std::vector<std::string>& out, std::promise<void>* begun,
                std::promise<void>* wait) -> Task<void> {
    Database::Work work = [=](Tx&) -> Result<void> {
      if (begun != nullptr) {
        begun->set_value();
        wait->get_future().wait();
      }
      return {};
    };
    auto done = co_await to.write(std::move(work));
    out.push_back(done ? "ok" : std::string(code(done.error().reason)));
  };

  asio::co_spawn(loop, one(*store, outcomes, &started, &go), asio::detached);
  loop.poll();
  started.get_future().wait();
  for (int i = 0; i < 3; ++i) asio::co_spawn(loop, one(*store, outcomes, nullptr, nullptr), asio::detached);
  loop.poll();
  EXPECT_EQ(outcomes, std::vector<std::string>{"busy"});
  go.set_value();
  loop.run();

  EXPECT_EQ(outcomes, (std::vector<std::string>{"busy", "ok", "ok", "ok"}));
}

TEST(Queue, SharedWritesAreCommittedWithOneThatDoesNotWait) {
  Folder folder;
  asio::io_context loop;  // outlives the store's threads
  StoreLimits limits;
  limits.shared_every = std::chrono::hours(1);
  auto store = test::open_in(folder, limits);
  const AccountId ada = test::make_account(*store, "ada");
  auto one = [](Store& to, int number, AccountId account, Database::Commit commit) -> Task<void> {
    Database::Work work = [=](Tx& tx) -> Result<void> {
      auto made = test::jobs_of(tx).insert(test::some_job(number, account));
      if (!made) return fail(made.error());
      return {};
    };
    EXPECT_TRUE(co_await to.write(std::move(work), commit));
  };
  const auto before = store->commits();

  for (int i = 0; i < 2; ++i)
    asio::co_spawn(loop, one(*store, i, ada, Database::Commit::shared), asio::detached);
  asio::co_spawn(loop, one(*store, 2, ada, Database::Commit::at_once), asio::detached);
  loop.run();

  EXPECT_EQ(store->commits() - before, 1u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(has(*store, i)) << i;
}

TEST(Queue, ClosingWritesFirstWhatIsQueuedAndRefusesWhatComesLater) {
  Folder folder;
  asio::io_context loop;  // outlives the store's threads
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");
  int written = 0;
  auto one = [](Store& to, int number, AccountId account, int& count) -> Task<void> {
    Database::Work work = [=](Tx& tx) -> Result<void> {
      auto made = test::jobs_of(tx).insert(test::some_job(number, account));
      if (!made) return fail(made.error());
      return {};
    };
    auto done = co_await to.write(std::move(work));
    if (done) ++count;
  };
  for (int i = 0; i < 500; ++i) asio::co_spawn(loop, one(*store, i, ada, written), asio::detached);
  loop.poll();

  store->close();
  loop.restart();
  loop.run();
  auto later = insert(*store, 1000, ada);

  EXPECT_EQ(written, 500);
  EXPECT_FALSE(later);
  store = test::open_in(folder);
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(has(*store, i)) << i;
}

TEST(Log, StaysBoundedUnderManyWritesAndIsGoneAfterClosing) {
  Folder folder;
  StoreLimits limits;
  limits.log_pages = 50;
  limits.longest_log_pages = 200;
  auto store = test::open_in(folder, limits);
  const AccountId ada = test::make_account(*store, "ada");
  std::uintmax_t longest = 0;

  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(insert(*store, i, ada));
    longest = std::max(longest, std::filesystem::file_size(folder / "restante.db-wal"));
  }
  store->close();
  store.reset();

  EXPECT_LT(longest, 400u * 4200u);
  EXPECT_FALSE(std::filesystem::exists(folder / "restante.db-wal"));
}

}  // namespace
}  // namespace restante::store
