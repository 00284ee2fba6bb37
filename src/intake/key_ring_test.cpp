// SPDX-License-Identifier: Apache-2.0
#include "intake/key_ring.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::intake {
namespace {

namespace fs = std::filesystem;
constexpr Seconds day{86400};
const Instant start{Seconds{1795335600}};

class KeyRings : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "restante-ring-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<KeyRing> open(Instant now) {
    auto ring = KeyRing::open(folder_.string() + "/keys", identity_, now);
    EXPECT_TRUE(ring) << ring.error().message;
    return ring ? std::move(*ring) : nullptr;
  }
  std::string newest(const KeyRing& ring) const {
    auto set = proxy::verify_key_set(ring.signed_set(), identity_.public_key().thumbprint());
    EXPECT_TRUE(set) << set.error().message;
    return set->keys.at(0).thumbprint();
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ / "keys"), fs::directory_iterator()));
  }

  fs::path folder_;
  proxy::PrivateKey identity_ = proxy::PrivateKey::generate();
};

TEST_F(KeyRings, MakeTheFirstKeyAndFindItAgain) {
  const auto first = newest(*open(start));

  const auto ring = open(start + 30 * day);

  EXPECT_EQ(newest(*ring), first);
  EXPECT_NE(ring->decryption_key(first), nullptr);
  EXPECT_NE(ring->decryption_key(first.substr(0, 11)), nullptr) << "as compact documents name it";
  EXPECT_EQ(ring->decryption_key(first.substr(0, 10)), nullptr);
  struct stat status{};
  for (const auto& entry : fs::directory_iterator(folder_ / "keys")) {
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
}

TEST_F(KeyRings, GiveWayAfterAYearAndStayFor400Days) {
  const auto ring = open(start);
  const auto first = newest(*ring);

  EXPECT_FALSE(*ring->rotate(start + 364 * day));
  EXPECT_TRUE(*ring->rotate(start + 366 * day));
  EXPECT_NE(newest(*ring), first);
  EXPECT_NE(ring->decryption_key(first), nullptr) << "late mail is still read";
  EXPECT_NE(open(start + 700 * day)->decryption_key(first), nullptr);

  EXPECT_TRUE(*ring->rotate(start + (366 + 400) * day));
  EXPECT_EQ(ring->decryption_key(first), nullptr);
  EXPECT_EQ(files(), 2u) << "erased, and another year is over";
}

TEST_F(KeyRings, AreNotMovedByAClockThatGoesBackwards) {
  const auto ring = open(start);
  ASSERT_TRUE(ring->renew(start + 10 * day));
  const auto second = newest(*ring);

  EXPECT_FALSE(*ring->rotate(start - 3000 * day));

  EXPECT_EQ(newest(*ring), second);
  EXPECT_EQ(newest(*open(start - 3000 * day)), second);
  ASSERT_TRUE(ring->renew(start - 3000 * day));
  const auto third = newest(*ring);
  EXPECT_NE(third, second) << "the one made last is the newest";
  EXPECT_EQ(newest(*open(start - 3000 * day)), third) << "also after a restart";
  EXPECT_EQ(files(), 3u);
}

TEST_F(KeyRings, AreBoundedHoweverOftenANewOneIsAskedFor) {
  const auto ring = open(start);

  for (int i = 0; i < 40; ++i) ASSERT_TRUE(ring->renew(start));

  EXPECT_EQ(files(), KeyTimes().most_keys);
}

TEST_F(KeyRings, OfAPlaceThatWasRestoredAreTakenByDevicesThatKnowNewerOnes) {
  const auto ring = open(start);
  fs::copy(folder_ / "keys", folder_ / "backup");
  ASSERT_TRUE(ring->renew(start + 10 * day));
  const auto pin = identity_.public_key().thumbprint();
  const auto lost = proxy::verify_key_set(ring->signed_set(), pin);

  fs::remove_all(folder_ / "keys");
  fs::rename(folder_ / "backup", folder_ / "keys");
  const auto restored = proxy::verify_key_set(open(start + 11 * day)->signed_set(), pin);

  ASSERT_TRUE(lost && restored);
  EXPECT_GT(restored->issued, lost->issued);
  EXPECT_NE(restored->keys.at(0).thumbprint(), lost->keys.at(0).thumbprint());
}

TEST_F(KeyRings, GoOnWithoutAFileThatIsDamaged) {
  const auto first = newest(*open(start));
  std::ofstream(folder_ / "keys" / "1795000000.pem") << "no key";

  EXPECT_EQ(newest(*open(start)), first);
}

}  // namespace
}  // namespace restante::intake
