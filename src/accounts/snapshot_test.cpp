// SPDX-License-Identifier: Apache-2.0
#include "accounts/snapshot.hpp"

#include <gtest/gtest.h>

namespace restante::accounts {
namespace {

constexpr Instant now{Millis{1700000000000}};

Account account(std::int64_t id, std::string name) {
  Account out;
  out.id = {id};
  out.name = std::move(name);
  return out;
}

KnownDevice device(std::string id, AccountId owner, std::string_view token) {
  Device out;
  out.id = {std::move(id)};
  out.account = owner;
  out.token_digest = sha256(token);
  return {out, std::make_shared<std::atomic<std::int64_t>>(0)};
}

struct SnapshotTest : testing::Test {
  SnapshotTest() {
    known.accounts[{1}] = account(1, "ana");
    known.accounts[{2}] = account(2, "ben");
    known.devices[{"phone"}] = device("phone", {1}, "phone-token");
    Session session;
    session.token_digest = sha256("session-token");
    session.account = {2};
    session.expires = now + Seconds{10};
    known.sessions[session.token_digest] = session;
  }
  Known known;
};

TEST_F(SnapshotTest, KnowsWhoseTokenItIs) {
  const auto snapshot = make_snapshot(known);

  const auto who = snapshot->by_token("phone-token", now);

  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "ana");
  EXPECT_EQ(who->device.value, "phone");
  EXPECT_FALSE(snapshot->by_token("phone-toke", now));
  EXPECT_FALSE(snapshot->by_token("", now));
}

TEST_F(SnapshotTest, KnowsTheKeyOfADeviceAsLongAsTheDeviceIsConnected) {
  const auto key = proxy::PrivateKey::generate();
  known.devices[{"phone"}].device.jwk = key.public_key().jwk();
  const auto snapshot = make_snapshot(known);

  for (int again = 0; again < 2; ++again) {
    const auto found = snapshot->device_key({"phone"});
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->verify("text", key.sign("text")));
    EXPECT_FALSE(found->verify("text", key.sign("another")));
  }
  known.devices.erase({"phone"});
  EXPECT_FALSE(make_snapshot(known)->device_key({"phone"}));
}

TEST_F(SnapshotTest, ADeviceWithAnotherKeyIsReadAnew) {
  const auto before = proxy::PrivateKey::generate(), after = proxy::PrivateKey::generate();
  known.devices[{"phone"}].device.jwk = before.public_key().jwk();
  ASSERT_TRUE(make_snapshot(known)->device_key({"phone"}));

  known.devices[{"phone"}] = device("phone", {1}, "phone-token");
  known.devices[{"phone"}].device.jwk = after.public_key().jwk();

  EXPECT_EQ(make_snapshot(known)->device_key({"phone"})->thumbprint(), after.public_key().thumbprint());
}

TEST_F(SnapshotTest, ASessionEndsAtItsTime) {
  const auto snapshot = make_snapshot(known);

  EXPECT_TRUE(snapshot->by_token("session-token", now));
  EXPECT_TRUE(snapshot->by_token("session-token", now)->device.value.starts_with("session:"));
  EXPECT_FALSE(snapshot->by_token("session-token", now + Seconds{10}));
}

TEST_F(SnapshotTest, SaysWhetherACredentialStillHolds) {
  const auto before = make_snapshot(known);
  const auto phone = before->by_token("phone-token", now);
  const auto session = before->by_token("session-token", now);
  ASSERT_TRUE(phone && session);

  EXPECT_TRUE(before->alive(*phone, now));
  EXPECT_TRUE(before->alive(*session, now));
  EXPECT_FALSE(before->alive(*session, now + Seconds{10}));
  known.devices.clear();
  EXPECT_FALSE(make_snapshot(known)->alive(*phone, now));
  EXPECT_TRUE(make_snapshot(known)->alive(*session, now));
}

TEST_F(SnapshotTest, TellsSessionsFromDevices) {
  const auto snapshot = make_snapshot(known);

  EXPECT_EQ(snapshot->by_token("phone-token", now)->kind, Principal::Kind::device);
  EXPECT_EQ(snapshot->by_token("session-token", now)->kind, Principal::Kind::session);

  EXPECT_EQ(snapshot->session_end("session-token"), now + Seconds{10});
  EXPECT_FALSE(snapshot->session_end("phone-token"));
}

TEST_F(SnapshotTest, RemembersWhenADeviceWasSeen) {
  const auto snapshot = make_snapshot(known);

  snapshot->by_token("phone-token", now);

  EXPECT_EQ(snapshot->devices({1}).at(0).last_seen, now);
}

TEST_F(SnapshotTest, LetsNobodyInAsAUserWhoIsBeingErased) {
  known.accounts[{1}] = marked_for_erasure(known.accounts[{1}]);
  const auto snapshot = make_snapshot(known);

  EXPECT_FALSE(snapshot->by_token("phone-token", now));
  EXPECT_TRUE(snapshot->by_token("session-token", now));
}

TEST_F(SnapshotTest, LetsAGuestInUntilTheGraceAfterTheStayHasPassed) {
  known.grace = Seconds{100};
  known.accounts[{1}].valid_until = now;
  const auto snapshot = make_snapshot(known);

  const auto leaving = snapshot->by_token("phone-token", now + Seconds{99});

  ASSERT_TRUE(leaving);
  EXPECT_EQ(leaving->stay_ends, now);
  EXPECT_TRUE(snapshot->alive(*leaving, now + Seconds{99}));
  EXPECT_FALSE(snapshot->by_token("phone-token", now + Seconds{100}));
  EXPECT_FALSE(snapshot->alive(*leaving, now + Seconds{100}));
  EXPECT_EQ(snapshot->by_token("session-token", now)->stay_ends, never);
}

TEST(Snapshot, IsNotSetUpWithoutAccounts) {
  EXPECT_FALSE(make_snapshot(Known{})->set_up());
}

}  // namespace
}  // namespace restante::accounts
