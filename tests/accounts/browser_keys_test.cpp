// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

namespace restante::accounts {
namespace {

struct BrowserKeys : AccountsTest {
  std::string signed_in(const std::string& name = "ana") {
    auto session = run(service->sign_in(name, "correct horse", "192.0.2.1"));
    EXPECT_TRUE(session) << session.error().message;
    return session->token;
  }
  BrowserKey browser(const std::string& token, std::string_view code = "csrf") {
    BrowserKey out;
    out.account = service->snapshot()->by_token(token, clock.now())->account;
    out.session = sha256(token);
    out.code = "csrf";
    out.label = "Firefox on Linux";
    out.jwk = key.public_key().jwk();
    const std::string payload =
        R"({"code":")" + std::string(code) + R"(","jkt":")" + std::string(server) + R"("})";
    out.proof = proxy::sign_compact(key, payload, "restante-enrol+jws");
    return out;
  }
  Result<Device> connect(const std::string& token) {
    return run(service->connect_browser(browser(token), std::string(server)));
  }
  /// Whether what this key signs is taken.
  bool taken() const {
    return service->snapshot()->device_principal({key.public_key().thumbprint()}, clock.now()).has_value();
  }
};

TEST_F(BrowserKeys, AreTakenLikeADevicesAndOutliveARestart) {
  ASSERT_TRUE(add("ana"));
  const auto token = signed_in();

  const auto device = connect(token);

  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->label, "Firefox on Linux");
  EXPECT_EQ(device->id.value, key.public_key().thumbprint());
  EXPECT_TRUE(taken());
  close();
  open();
  EXPECT_TRUE(taken());
}

TEST_F(BrowserKeys, EndWithTheirSession) {
  ASSERT_TRUE(add("ana"));
  const std::vector<std::function<void(const std::string&)>> ends{
      [&](const std::string& token) { ASSERT_TRUE(run(service->sign_out(token))); },
      [&](const std::string& token) {
        const auto account = service->snapshot()->by_token(token, clock.now())->account;
        ASSERT_TRUE(run(service->end_session(account, credential_id(sha256(token)))));
      },
      [&](const std::string& token) {
        ASSERT_TRUE(run(service->sign_in(SignIn{"ana", "correct horse", "192.0.2.1", "", token})));
      },
      [&](const std::string&) { ASSERT_TRUE(run(service->set_password("ana", "correct horse"))); }};

  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto token = signed_in();
    ASSERT_TRUE(connect(token)) << i;

    ends[i](token);

    EXPECT_FALSE(taken()) << i;
    close();
    open();
    EXPECT_FALSE(taken()) << i << ", after a restart";
  }
}

TEST_F(BrowserKeys, EndWhenTooManySessionsDriveTheirsOut) {
  limits.sessions_per_account = 2;
  close();
  open();
  ASSERT_TRUE(add("ana"));
  ASSERT_TRUE(connect(signed_in()));

  clock.advance(Seconds{1});
  signed_in();
  ASSERT_TRUE(taken());
  signed_in();

  EXPECT_FALSE(taken());
}

TEST_F(BrowserKeys, OutliveASessionThatIsOverByItsTimeAndBelongToTheNext) {
  ASSERT_TRUE(add("ana"));
  ASSERT_TRUE(connect(signed_in()));
  clock.advance(limits.session_time);
  close();
  open();
  ASSERT_TRUE(taken());

  const auto token = signed_in();
  ASSERT_TRUE(connect(token));
  ASSERT_TRUE(run(service->sign_out(token)));

  EXPECT_FALSE(taken());
}

TEST_F(BrowserKeys, AreRevokedLikeADevice) {
  ASSERT_TRUE(add("ana"));
  const auto device = connect(signed_in());
  ASSERT_TRUE(device);

  ASSERT_TRUE(run(service->revoke_device(device->account, device->id)));

  EXPECT_FALSE(taken());
}

TEST_F(BrowserKeys, AreProvenForThatSessionAndThatPlace) {
  ASSERT_TRUE(add("ana"));
  const auto token = signed_in();

  const auto stolen =
      run(service->connect_browser(browser(token, "of another session"), std::string(server)));
  const auto elsewhere = run(service->connect_browser(browser(token), std::string(43, 'x')));
  auto unsigned_key = browser(token);
  unsigned_key.jwk = proxy::PrivateKey::generate().public_key().jwk();
  const auto another = run(service->connect_browser(unsigned_key, std::string(server)));

  for (const auto* refused : {&stolen, &elsewhere, &another}) {
    ASSERT_FALSE(*refused);
    EXPECT_EQ(refused->error().reason, Reason::bad_signature);
  }
  EXPECT_FALSE(taken());
}

TEST_F(BrowserKeys, TakeNothingOverThatIsConnectedAlready) {
  ASSERT_TRUE(add("ana"));
  ASSERT_TRUE(add("bob"));
  const auto enrolled = enrol("ana");
  ASSERT_TRUE(enrolled);

  EXPECT_EQ(connect(signed_in()).error().reason, Reason::conflict) << "a device's own key";
  EXPECT_EQ(connect(signed_in("bob")).error().reason, Reason::conflict) << "somebody else's";

  EXPECT_TRUE(known(enrolled->token));
}

TEST_F(BrowserKeys, OfASessionThatEndsMeanwhileAreNotConnected) {
  ASSERT_TRUE(add("ana"));
  // Started one after the other on one loop: both are under way at once.
  for (const bool end_first : {true, false}) {
    const auto token = signed_in();
    std::optional<Result<void>> ended;
    std::optional<Result<Device>> connected;
    const auto end = [](Task<Result<void>> task, std::optional<Result<void>>& to) -> Task<void> {
      to.emplace(co_await std::move(task));
    };
    const auto join = [](Task<Result<Device>> task, std::optional<Result<Device>>& to) -> Task<void> {
      to.emplace(co_await std::move(task));
    };
    if (end_first) asio::co_spawn(loop, end(service->sign_out(token), ended), asio::detached);
    asio::co_spawn(loop, join(service->connect_browser(browser(token), std::string(server)), connected),
                   asio::detached);
    if (!end_first) asio::co_spawn(loop, end(service->sign_out(token), ended), asio::detached);
    loop.restart();
    while (!ended || !connected) loop.run_one();

    EXPECT_FALSE(taken()) << end_first;
    close();
    open();
    EXPECT_FALSE(taken()) << end_first << ", after a restart";
  }
}

}  // namespace
}  // namespace restante::accounts
