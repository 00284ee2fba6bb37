// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "proxy/jws.hpp"
#include "proxy/keys.hpp"
#include "store/store.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace restante::accounts {

inline constexpr std::string_view server = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

struct AccountsTest : testing::Test {
  AccountsTest() {
    char name[] = "/tmp/restante-accounts-XXXXXX";
    folder = mkdtemp(name);
    open();
  }
  ~AccountsTest() override {
    close();
    std::filesystem::remove_all(folder);
  }

  void open() {
    store::StoreOptions options;
    options.path = folder + "/restante.db";
    options.master_key = std::string(32, 'k');
    auto opened = store::open_store(options);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
    service = make_service(loop.get_executor(), pool.get_executor(), *store, clock, limits);
    ASSERT_TRUE(run(service->start()));
  }
  void close() {
    service.reset();
    if (store) store->close();
    store.reset();
  }

  /// Turns the loop until the task has ended.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    auto body = [](Task<T> inner, std::optional<T>& to) -> Task<void> {
      to.emplace(co_await std::move(inner));
    };
    asio::co_spawn(loop, body(std::move(task), out), asio::detached);
    loop.restart();
    while (!out) loop.run_one();
    return std::move(*out);
  }

  Result<Account> add(std::string name, std::string password = "correct horse") {
    NewUser user;
    user.name = std::move(name);
    user.password = std::move(password);
    return run(service->add_user(user));
  }

  Enrolment enrolment(const std::string& code, std::string_view jkt = server) {
    Enrolment out;
    out.code = code;
    out.label = "phone";
    out.jwk = key.public_key().jwk();
    const std::string payload = R"({"code":")" + code + R"(","jkt":")" + std::string(jkt) + R"("})";
    out.proof = proxy::sign_compact(key, payload, "restante-enrol+jws");
    return out;
  }
  Result<Enrolled> enrol(const std::string& name) {
    auto code = run(service->new_pairing_code(name));
    if (!code) return fail(code.error());
    return run(service->enrol(enrolment(*code), std::string(server)));
  }
  bool known(const std::string& token) {
    return service->snapshot()->by_token(token, clock.now()).has_value();
  }

  std::string folder;
  asio::io_context loop;
  asio::thread_pool pool{2};
  ManualClock clock{Instant{Millis{1700000000000}}};
  AccountLimits limits;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Service> service;
  proxy::PrivateKey key = proxy::PrivateKey::generate();
};

}  // namespace restante::accounts
