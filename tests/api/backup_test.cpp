// SPDX-License-Identifier: Apache-2.0
#include "api/backup.hpp"

#include "place.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace restante::api::test {
namespace {

namespace fs = std::filesystem;

struct BackupTest : testing::Test {
  BackupTest() {
    char name[] = "/tmp/restante-backup-XXXXXX";
    folder = mkdtemp(name);
    write(folder + "/db", std::string(200'000, 'd') + "the end");
    write(folder + "/key", "K4N4RY-key");
  }
  ~BackupTest() override { fs::remove_all(folder); }

  static void write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  Result<void> save() {
    return write_backup(folder + "/backup", "a long passphrase",
                        {{"restante.db", folder + "/db"}, {"keys/master.key", folder + "/key"}});
  }
  Result<void> restore(const std::string& passphrase = "a long passphrase") {
    return read_backup(folder + "/backup", passphrase, folder + "/data");
  }
  bool nothing_restored() { return !fs::exists(folder + "/data") || fs::is_empty(folder + "/data"); }

  std::string folder;
};

TEST_F(BackupTest, ComesBackAsItWas) {
  ASSERT_TRUE(save());

  const auto restored = restore();

  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(read(folder + "/data/restante.db"), read(folder + "/db"));
  EXPECT_EQ(read(folder + "/data/keys/master.key"), "K4N4RY-key");
  EXPECT_FALSE(fs::exists(folder + "/data/.restoring"));
}

TEST_F(BackupTest, ShowsNothingOfWhatItHolds) {
  ASSERT_TRUE(save());

  struct stat status{};
  ASSERT_EQ(::stat((folder + "/backup").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_EQ(read(folder + "/backup").find("K4N4RY"), std::string::npos);
  EXPECT_EQ(read(folder + "/backup").find("dddddddd"), std::string::npos);
}

TEST_F(BackupTest, AnotherPassphraseIsToldFromDamage) {
  ASSERT_TRUE(save());

  EXPECT_EQ(restore("another").error().reason, Reason::unauthenticated);
  EXPECT_TRUE(nothing_restored());
}

TEST_F(BackupTest, DamageAnywhereIsNoticedAndNothingIsRestored) {
  ASSERT_TRUE(save());
  const std::string whole = read(folder + "/backup");
  const std::size_t head = 18 + 16 + 16 + 24 + 17;
  for (const std::size_t at : {std::size_t{3}, head + 1, head + 70'000, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write(folder + "/backup", damaged);
    EXPECT_EQ(restore().error().reason, Reason::malformed) << at;
    EXPECT_TRUE(nothing_restored()) << at;
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{30}, head, head + 65'536 + 17, whole.size() - 1}) {
    write(folder + "/backup", whole.substr(0, size));
    EXPECT_EQ(restore().error().reason, Reason::malformed) << size;
    EXPECT_TRUE(nothing_restored()) << size;
  }
}

TEST_F(BackupTest, NothingIsOverwritten) {
  ASSERT_TRUE(save());

  EXPECT_EQ(save().error().reason, Reason::conflict);
  fs::create_directory(folder + "/data");
  write(folder + "/data/mine", "mine");
  EXPECT_EQ(restore().error().reason, Reason::conflict);
  EXPECT_EQ(read(folder + "/data/mine"), "mine");
}

TEST_F(BackupTest, NeedsAPassphrase) {
  EXPECT_EQ(write_backup(folder + "/backup", "", {}).error().reason, Reason::invalid);
  EXPECT_FALSE(fs::exists(folder + "/backup"));
}

TEST(AfterARestore, WhatWasDueIsHeldWithOneQuestionAndTheRestGoesOn) {
  Place place;
  const auto token = place.connect("ana");
  const auto later = place.submit(token, 1);
  const auto due = place.submit(token, 2);
  const auto now = place.clock.now();
  Database::Work make_due = [&](Tx& tx) -> Result<void> {
    auto job = tx.repo<jobs::JobRecords>().find(*JobId::parse(due));
    (*job)->next_run = now - Seconds{10};
    return tx.repo<jobs::JobRecords>().update(**job);
  };
  ASSERT_TRUE(place.run(place.store->write(make_due)));

  std::function<Result<int>(Tx&)> hold = [now](Tx& tx) { return hold_after_restore(tx, now); };
  const auto held = place.run(place.store->write_value<int>(hold));

  ASSERT_TRUE(held);
  EXPECT_EQ(*held, 1);
  const auto job = place.send("GET", "/v1/jobs/" + due, token).json();
  EXPECT_EQ(job.at("state"), "held");
  EXPECT_EQ(job.at("reason"), "approval");
  EXPECT_EQ(job.at("history").as_array().back().at("cause"), "restore");
  EXPECT_EQ(place.send("GET", "/v1/jobs/" + later, token).json().at("state"), "scheduled");
  EXPECT_EQ(place.send("POST", "/v1/jobs/" + due + ":approve", token).status, 200);
}

}  // namespace
}  // namespace restante::api::test
