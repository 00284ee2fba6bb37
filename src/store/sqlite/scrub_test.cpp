// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "store/test_support.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace restante::store {
namespace {

using test::Folder;

constexpr int all_rows = 2000;
const std::string canary = "K4N4RY";

std::string bytes_of(const Folder& folder) {
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    out.append(std::istreambuf_iterator<char>(file), {});
  }
  return out;
}

/// Jobs and devices of two accounts in a random order: pages are split and their cells move. Those of the
/// first account hold the canary.
void fill(Store& store, AccountId guest, AccountId other) {
  std::mt19937 random(7);
  const auto filled = test::write(store, [&](Tx& tx) -> Result<void> {
    for (int number = 0; number < all_rows; ++number) {
      const bool of_guest = random() % 2 == 0;
      const std::string word = of_guest ? canary : "other";
      accounts::Device device;
      device.id.value = std::to_string(random());
      device.account = of_guest ? guest : other;
      device.label = std::string(random() % 300, '.') + word + std::string(random() % 300, '.');
      device.jwk = "{}";
      device.token_digest = sha256(device.id.value);
      if (auto saved = test::accounts_of(tx).save_device(device); !saved) return saved;
      if (number % 20 != 0) continue;
      jobs::Job job = test::some_job(number, device.account);
      job.document = std::string(random() % 6000, '.') + word;
      if (auto made = test::jobs_of(tx).insert(job); !made) return fail(made.error());
    }
    return {};
  });
  ASSERT_TRUE(filled);
}

TEST(Scrub, LeavesNoBytesOfRemovedRowsInAnyFile) {
  Folder folder;
  const auto store = test::open_in(folder);
  const AccountId guest = test::make_account(*store, "guest-aaaaaa"),
                  other = test::make_account(*store, "ana");
  fill(*store, guest, other);
  ASSERT_NE(bytes_of(folder).find(canary), std::string::npos);
  ASSERT_TRUE(test::write(*store, [&](Tx& tx) { return test::accounts_of(tx).remove(guest); }));
  ASSERT_NE(bytes_of(folder).find(canary), std::string::npos);  // at least in the log

  Result<void> scrubbed;
  auto scrub = [](Store& what, Result<void>& outcome) -> Task<void> { outcome = co_await what.scrub(); };
  test::run_task(scrub(*store, scrubbed));

  EXPECT_TRUE(scrubbed);
  const std::string left = bytes_of(folder);
  EXPECT_EQ(left.find(canary), std::string::npos);
  EXPECT_EQ(left.find("guest-aaaaaa"), std::string::npos);
  EXPECT_NE(left.find("other"), std::string::npos);
  EXPECT_EQ(store->check(), std::vector<std::string>());
  EXPECT_TRUE(test::write(*store, [](Tx&) { return Result<void>(); }));
}

TEST(Scrub, CutsTheLogOfALargeDatabaseWithoutRewritingIt) {
  Folder folder;
  StoreLimits limits;
  limits.rewritten_bytes = 0;
  const auto store = test::open_in(folder, limits);
  const AccountId guest = test::make_account(*store, "guest-aaaaaa"),
                  other = test::make_account(*store, "ana");
  fill(*store, guest, other);
  ASSERT_TRUE(test::write(*store, [&](Tx& tx) { return test::accounts_of(tx).remove(guest); }));

  Result<void> scrubbed;
  auto scrub = [](Store& what, Result<void>& outcome) -> Task<void> { outcome = co_await what.scrub(); };
  test::run_task(scrub(*store, scrubbed));

  EXPECT_TRUE(scrubbed);
  EXPECT_EQ(std::filesystem::file_size(folder / "restante.db-wal"), 0u);
}

}  // namespace
}  // namespace restante::store
