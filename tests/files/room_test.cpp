// SPDX-License-Identifier: Apache-2.0
#include "shelf.hpp"

#include <gtest/gtest.h>

#include <sys/statvfs.h>

namespace restante::files::test {
namespace {

TEST(Room, CountsPublishedFilesAndPartialOnesAgainstTheQuota) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob"), eve = place.add_account("eve");
  place.quotas[bob] = 100;
  ASSERT_TRUE(place.publish(bob, job_id(1), std::string(30, 'x'), "a"));
  ASSERT_TRUE(place.receive(bob, job_id(2), std::string(20, 'x')));
  ASSERT_TRUE(place.receive(eve, job_id(3), std::string(40, 'x')));

  const auto room = place.run(place.areas().room(bob));
  place.quotas[bob] = 45;
  const auto over = place.run(place.areas().room(bob));

  ASSERT_TRUE(room) << room.error().message;
  EXPECT_EQ(room->quota_bytes, 50u);
  EXPECT_EQ(room->over_quota_bytes, 0u);
  EXPECT_EQ(over->quota_bytes, 0u);
  EXPECT_EQ(over->over_quota_bytes, 5u);
  EXPECT_FALSE(place.run(place.areas().room(eve))->quota_bytes) << "eve has none";
}

TEST(Room, CountsWhatWasMovedButIsNotYetInTheRecords) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  place.quotas[bob] = 100;
  auto incoming = place.receive(bob, job_id(1), "hello");
  const jobs::PublishCommit broken = [](Tx&, const jobs::Publication&,
                                        const jobs::Published&) -> Result<void> {
    return fail(Reason::storage, "on purpose");
  };
  auto publication = place.publication(bob, job_id(1), "hello", "a");
  const auto done =
      place.run(place.areas().publish(std::move(publication), std::move(incoming->for_sync), broken));
  ASSERT_FALSE(done);

  EXPECT_EQ(place.run(place.areas().room(bob))->quota_bytes, 95u);
}

TEST(Room, LeavesAReserveOnTheFileSystem) {
  Folder folder;
  struct statvfs volume{};
  ASSERT_EQ(::statvfs(folder.path.c_str(), &volume), 0);
  const std::uint64_t free = volume.f_bavail * volume.f_frsize;
  AreasOptions generous, everything;
  generous.limits.reserve_percent = 0;
  everything.limits.reserve_bytes = ~0ull;
  everything.limits.reserve_percent = 100;
  std::filesystem::create_directory(folder.path / "a");
  std::filesystem::create_directory(folder.path / "b");
  constexpr std::uint64_t others_write = 256u << 20;

  const auto all = [&] {
    Place place(folder.path / "a", std::move(generous));
    return place.run(place.areas().room(place.add_account("bob"))).value();
  }();
  const auto none = [&] {
    Place place(folder.path / "b", std::move(everything));
    return place.run(place.areas().room(place.add_account("bob"))).value();
  }();

  EXPECT_NEAR(static_cast<double>(all.volume_bytes), static_cast<double>(free), others_write);
  EXPECT_EQ(all.missing_bytes, 0u);
  EXPECT_EQ(none.volume_bytes, 0u);
  EXPECT_GT(none.missing_bytes, 0u);
}

}  // namespace
}  // namespace restante::files::test
