// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

namespace restante::accounts {
namespace {

TEST_F(AccountsTest, ANameIsGivenOnce) {
  ASSERT_TRUE(add("ana"));

  const auto again = add("ana");

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::conflict);
  EXPECT_EQ(add("Ana").error().reason, Reason::invalid);
}

TEST_F(AccountsTest, AShortPasswordIsRefusedAndNoneIsAllowed) {
  EXPECT_EQ(add("ana", "short").error().reason, Reason::invalid);
  EXPECT_FALSE(service->snapshot()->set_up());

  EXPECT_TRUE(add("box", ""));
  EXPECT_EQ(run(service->sign_in("box", "", "192.0.2.1")).error().reason, Reason::unauthenticated);
}

TEST_F(AccountsTest, SignsInAndOut) {
  ASSERT_TRUE(add("ana"));

  const auto session = run(service->sign_in("ana", "correct horse", "192.0.2.1"));

  ASSERT_TRUE(session);
  EXPECT_TRUE(known(session->token));
  ASSERT_TRUE(run(service->sign_out(session->token)));
  EXPECT_FALSE(known(session->token));
}

TEST_F(AccountsTest, WrongPasswordAndUnknownNameAreAnsweredAlike) {
  ASSERT_TRUE(add("ana"));

  const auto wrong = run(service->sign_in("ana", "wrong horse", "192.0.2.1"));
  const auto unknown = run(service->sign_in("bob", "wrong horse", "192.0.2.1"));

  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(wrong.error().reason, Reason::unauthenticated);
  EXPECT_EQ(wrong.error().message, unknown.error().message);
  EXPECT_EQ(wrong.error().hint, unknown.error().hint);
}

TEST_F(AccountsTest, GuessingIsSlowedDownByNameWhateverTheNetwork) {
  ASSERT_TRUE(add("ana"));
  for (int i = 0; i < limits.sign_ins_before_backoff; ++i)
    run(service->sign_in("ana", "wrong horse", "198.51.100." + std::to_string(i)));

  const auto right = run(service->sign_in("ana", "correct horse", "192.0.2.9"));

  ASSERT_FALSE(right);
  EXPECT_EQ(right.error().reason, Reason::rate_limited);
  clock.advance(service->sign_in_wait("ana", "192.0.2.9"));
  EXPECT_TRUE(run(service->sign_in("ana", "correct horse", "192.0.2.9")));
}

TEST_F(AccountsTest, GuessingIsSlowedDownByNetworkWhateverTheName) {
  ASSERT_TRUE(add("ana"));
  for (int i = 0; i < limits.sign_ins_before_backoff; ++i)
    run(service->sign_in("guess" + std::to_string(i), "wrong horse", "2001:db8:0:1::" + std::to_string(i)));

  EXPECT_EQ(run(service->sign_in("ana", "correct horse", "2001:db8:0:1::ffff")).error().reason,
            Reason::rate_limited);
  EXPECT_TRUE(run(service->sign_in("ana", "correct horse", "2001:db8:0:2::1")));
}

TEST_F(AccountsTest, SessionsLiveThroughARestartUntilTheirTime) {
  ASSERT_TRUE(add("ana"));
  const auto session = run(service->sign_in("ana", "correct horse", "192.0.2.1"));
  ASSERT_TRUE(session);

  close();
  open();

  EXPECT_TRUE(known(session->token));
  clock.set(session->expires);
  EXPECT_FALSE(known(session->token));
}

TEST_F(AccountsTest, TheOldestSessionEndsWhenThereAreTooMany) {
  limits.sessions_per_account = 2;
  close();
  open();
  ASSERT_TRUE(add("ana"));
  std::vector<std::string> tokens;
  for (int i = 0; i < 3; ++i) {
    clock.advance(Seconds{1});
    const auto session = run(service->sign_in("ana", "correct horse", "192.0.2.1"));
    ASSERT_TRUE(session);
    tokens.push_back(session->token);
  }

  EXPECT_FALSE(known(tokens[0]));
  EXPECT_TRUE(known(tokens[1]));
  EXPECT_TRUE(known(tokens[2]));
}

TEST_F(AccountsTest, ANewPasswordEndsTheSessionsOfTheOldOne) {
  ASSERT_TRUE(add("ana"));
  const auto session = run(service->sign_in("ana", "correct horse", "192.0.2.1"));
  ASSERT_TRUE(session);

  ASSERT_TRUE(run(service->set_password("ana", "battery staple")));

  EXPECT_FALSE(known(session->token));
  EXPECT_FALSE(run(service->sign_in("ana", "correct horse", "192.0.2.1")));
  EXPECT_TRUE(run(service->sign_in("ana", "battery staple", "192.0.2.1")));
}

TEST_F(AccountsTest, ASignInThatRacesWithANewPasswordComesTooLate) {
  ASSERT_TRUE(add("ana"));
  asio::io_context hashing;
  const auto racing = make_service(loop.get_executor(), hashing.get_executor(), *store, clock, limits);
  ASSERT_TRUE(run(racing->start()));
  std::optional<Result<SignedIn>> signed_in;
  std::optional<Result<void>> changed;
  const auto sign_in = [](Service& accounts, std::optional<Result<SignedIn>>& out) -> Task<void> {
    out.emplace(co_await accounts.sign_in("ana", "correct horse", "192.0.2.1"));
  };
  const auto change = [](Service& accounts, std::optional<Result<void>>& out) -> Task<void> {
    out.emplace(co_await accounts.set_password("ana", "battery staple"));
  };
  asio::co_spawn(loop, sign_in(*racing, signed_in), asio::detached);
  asio::co_spawn(loop, change(*racing, changed), asio::detached);

  // Both passwords are hashed before either of the two goes on: the old one is found right, then replaced.
  loop.restart();
  loop.poll();
  hashing.poll();
  while (!signed_in || !changed) {
    loop.restart();
    loop.run_one();
  }

  EXPECT_TRUE(*changed);
  ASSERT_FALSE(*signed_in);
  EXPECT_EQ(signed_in->error().reason, Reason::unauthenticated);
  EXPECT_TRUE(racing->snapshot()->sessions(racing->snapshot()->accounts().at(0).id).empty());
  close();
  open();
  EXPECT_TRUE(service->snapshot()->sessions(service->snapshot()->accounts().at(0).id).empty());
}

TEST_F(AccountsTest, AnotherSessionReplacesTheOneItIsToldOf) {
  ASSERT_TRUE(add("ana"));
  const auto first = run(service->sign_in({"ana", "correct horse", "192.0.2.1", "Firefox on Linux", ""}));
  ASSERT_TRUE(first);

  const auto second =
      run(service->sign_in({"ana", "correct horse", "192.0.2.1", "Firefox on Linux", first->token}));

  ASSERT_TRUE(second);
  EXPECT_FALSE(known(first->token));
  EXPECT_TRUE(known(second->token));
  const auto listed = service->snapshot()->sessions(second->account.id);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].label, "Firefox on Linux");
}

TEST_F(AccountsTest, TokensLiveThroughARestartUntilTheyAreRevoked) {
  ASSERT_TRUE(add("ana"));
  const auto account = service->snapshot()->accounts().at(0).id;
  const auto made = run(service->add_token(account, Token::Kind::submit, "script"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->secret.size(), 22u);  // 128 bits

  close();
  open();

  const auto who = service->snapshot()->by_token(made->secret, clock.now());
  ASSERT_TRUE(who);
  EXPECT_EQ(who->kind, Principal::Kind::submit_token);
  EXPECT_EQ(who->device.value, "token:" + made->token.id);
  EXPECT_EQ(run(service->revoke_token({99}, made->token.id)).error().reason, Reason::not_found);
  ASSERT_TRUE(run(service->revoke_token(account, made->token.id)));
  EXPECT_FALSE(known(made->secret));
  close();
  open();
  EXPECT_FALSE(known(made->secret));
}

TEST_F(AccountsTest, AnAccountHasOnlySoManyTokensAndEachSaysWhatItIsFor) {
  limits.tokens_per_account = 2;
  close();
  open();
  ASSERT_TRUE(add("ana"));
  const auto account = service->snapshot()->accounts().at(0).id;

  EXPECT_EQ(run(service->add_token(account, Token::Kind::submit, "")).error().reason, Reason::invalid);
  EXPECT_TRUE(run(service->add_token(account, Token::Kind::submit, "one")));
  EXPECT_TRUE(run(service->add_token(account, Token::Kind::app_password, "two")));
  EXPECT_EQ(run(service->add_token(account, Token::Kind::submit, "three")).error().reason, Reason::conflict);
}

TEST_F(AccountsTest, EveryRefusedSignInCostsTheSameHashing) {
  ASSERT_TRUE(add("ana"));
  ASSERT_TRUE(add("box", ""));
  asio::io_context hashing;  // whatever is posted here is work on a password
  const auto counted = make_service(loop.get_executor(), hashing.get_executor(), *store, clock, limits);
  ASSERT_TRUE(run(counted->start()));
  const auto work_of = [&](const std::string& name, const std::string& password) {
    std::optional<Reason> refused;
    const auto sign_in = [](Service& accounts, std::string who, std::string secret,
                            std::optional<Reason>& out) -> Task<void> {
      auto done = co_await accounts.sign_in(std::move(who), std::move(secret), "192.0.2.1");
      out = done ? Reason::internal : done.error().reason;
    };
    asio::co_spawn(loop, sign_in(*counted, name, password, refused), asio::detached);
    std::size_t work = 0;
    while (!refused) {
      loop.restart();
      loop.poll();
      hashing.restart();
      work += hashing.poll();
    }
    EXPECT_EQ(refused, Reason::unauthenticated);
    return work;
  };

  const auto known = work_of("ana", "wrong horse");

  EXPECT_GE(known, 1u);
  EXPECT_EQ(work_of("nobody", "wrong horse"), known);
  EXPECT_EQ(work_of("box", "wrong horse"), known) << "has no password";
  EXPECT_EQ(work_of("not a name", "wrong horse"), known);
  EXPECT_EQ(work_of("ana", std::string(limits.max_password + 1, 'x')), known);
}

TEST_F(AccountsTest, GuessingNeverLocksOutWhoIsIn) {
  ASSERT_TRUE(add("ana"));
  const auto session = run(service->sign_in("ana", "correct horse", "192.0.2.1"));
  ASSERT_TRUE(session);

  for (int i = 0; i < limits.sign_ins_before_backoff; ++i)
    run(service->sign_in("ana", "wrong horse", "192.0.2.1"));

  EXPECT_GT(service->sign_in_wait("ana", "192.0.2.1"), Seconds{0});
  EXPECT_TRUE(known(session->token));
}

TEST_F(AccountsTest, APairingCodeConnectsOneDeviceOnce) {
  ASSERT_TRUE(add("ana"));
  const auto code = run(service->new_pairing_code("ana"));
  ASSERT_TRUE(code);
  EXPECT_EQ(code->size(), 22u);  // 128 bits

  const auto first = run(service->enrol(enrolment(*code), std::string(server)));
  const auto second = run(service->enrol(enrolment(*code), std::string(server)));

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->device.id.value, key.public_key().thumbprint());
  EXPECT_TRUE(known(first->token));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::unauthenticated);
}

TEST_F(AccountsTest, APairingCodeEndsAfterItsTime) {
  ASSERT_TRUE(add("ana"));
  const auto code = run(service->new_pairing_code("ana"));

  clock.advance(limits.pairing_time);

  EXPECT_EQ(run(service->enrol(enrolment(*code), std::string(server))).error().reason,
            Reason::unauthenticated);
}

TEST_F(AccountsTest, AProofForAnotherServerOrByAnotherKeyLeavesTheCodeUnused) {
  ASSERT_TRUE(add("ana"));
  const auto code = run(service->new_pairing_code("ana"));
  auto by_another_key = enrolment(*code);
  by_another_key.jwk = proxy::PrivateKey::generate().public_key().jwk();

  EXPECT_FALSE(run(service->enrol(enrolment(*code, std::string(43, 'A')), std::string(server))));
  EXPECT_FALSE(run(service->enrol(by_another_key, std::string(server))));

  EXPECT_TRUE(run(service->enrol(enrolment(*code), std::string(server))));
}

TEST_F(AccountsTest, ADeviceOfAnotherAccountIsNotTakenOver) {
  ASSERT_TRUE(add("ana"));
  ASSERT_TRUE(add("ben"));
  const auto anas = enrol("ana");
  ASSERT_TRUE(anas);

  const auto bens = enrol("ben");

  ASSERT_FALSE(bens);
  EXPECT_EQ(bens.error().reason, Reason::conflict);
  EXPECT_TRUE(known(anas->token));
}

TEST_F(AccountsTest, ConnectingAgainReplacesTheToken) {
  ASSERT_TRUE(add("ana"));
  const auto first = enrol("ana");
  const auto second = enrol("ana");

  ASSERT_TRUE(first && second);
  EXPECT_FALSE(known(first->token));
  EXPECT_TRUE(known(second->token));
}

TEST_F(AccountsTest, ARevokedDeviceIsOutAtOnceAndAfterARestart) {
  ASSERT_TRUE(add("ana"));
  const auto device = enrol("ana");
  ASSERT_TRUE(device);

  const auto foreign = run(service->revoke_device(AccountId{99}, device->device.id));
  const auto own = run(service->revoke_device(device->account.id, device->device.id));

  EXPECT_EQ(foreign.error().reason, Reason::not_found);
  EXPECT_TRUE(own);
  EXPECT_FALSE(known(device->token));
  close();
  open();
  EXPECT_FALSE(known(device->token));
}

TEST_F(AccountsTest, ARemovedUserLeavesNothingBehind) {
  ASSERT_TRUE(add("ana"));
  const auto device = enrol("ana");
  const auto session = run(service->sign_in("ana", "correct horse", "192.0.2.1"));
  ASSERT_TRUE(device && session);

  ASSERT_TRUE(run(service->mark_for_erasure("ana")));
  EXPECT_FALSE(known(device->token));
  ASSERT_TRUE(run(service->remove_user("ana")));

  EXPECT_FALSE(known(session->token));
  close();
  open();
  EXPECT_FALSE(service->snapshot()->set_up());
  EXPECT_FALSE(known(device->token));
}

TEST_F(AccountsTest, RemembersWhenADeviceWasLastSeen) {
  ASSERT_TRUE(add("ana"));
  const auto device = enrol("ana");
  ASSERT_TRUE(device);
  clock.advance(std::chrono::hours{5});
  ASSERT_TRUE(known(device->token));

  ASSERT_TRUE(run(service->save_last_seen()));
  close();
  open();

  EXPECT_EQ(service->snapshot()->devices(device->account.id).at(0).last_seen, clock.now());
}

}  // namespace
}  // namespace restante::accounts
