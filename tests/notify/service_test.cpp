// SPDX-License-Identifier: Apache-2.0
#include "notify/service.hpp"

#include "accounts/records.hpp"
#include "base/text.hpp"
#include "notify/mail.hpp"
#include "store/store.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace restante::notify {
namespace {

using namespace std::chrono_literals;

/// Takes what it is given, and answers as the test says.
class Ear final : public Channel {
public:
  Task<Delivery> send(Contact contact, Message message) override {
    heard.push_back({std::move(contact), std::move(message)});
    co_return answer;
  }
  std::string host(const Contact&) const override { return "ear"; }
  Result<void> check(Contact&) const override { return {}; }

  struct Heard {
    Contact contact;
    Message message;
  };
  std::vector<Heard> heard;
  Delivery answer{Delivery::Outcome::sent, "", std::nullopt};
};

struct NoticesTest : testing::Test {
  NoticesTest() {
    char name[] = "/tmp/restante-notices-XXXXXX";
    folder = mkdtemp(name);
    store::StoreOptions options;
    options.path = folder + "/restante.db";
    options.master_key = std::string(32, 'k');
    auto opened = store::open_store(options);
    if (!opened) throw std::runtime_error(opened.error().message);
    store = std::move(*opened);
    ada = account("ada");
    bob = account("bob");
    ServiceParts parts{loop.get_executor(), *store, *store, clock, {{Kind::mail, &ear}, {Kind::ntfy, &ear}}};
    service = make_service(std::move(parts), {"Home", "https://home.example", ""});
    service->start();
  }
  ~NoticesTest() override {
    auto stopping = [this]() -> Task<bool> {
      co_await service->stop();
      co_return true;
    };
    run(stopping());
    service.reset();
    store->close();
    store.reset();
    std::filesystem::remove_all(folder);
  }

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

  Result<void> write(Database::Work work) {
    auto writing = store->write(std::move(work));
    return run(std::move(writing));
  }

  AccountId account(const std::string& name) {
    AccountId id;
    accounts::Account one;
    one.name = name;
    auto done = write([&](Tx& tx) -> Result<void> {
      auto made = tx.repo<accounts::AccountRecords>().insert(one);
      if (!made) return fail(made.error());
      id = *made;
      return {};
    });
    EXPECT_TRUE(done);
    return id;
  }

  /// Lets the service work until `count` messages were heard in all, and what became of them is stored.
  void hear(std::size_t count) {
    service->poke();
    for (int turns = 0; turns < 100'000 && ear.heard.size() < count; ++turns) {
      loop.restart();
      loop.run_one_for(1ms);
    }
    ASSERT_EQ(ear.heard.size(), count);
    settle();
  }
  /// Long enough for whatever is due to go out: reads and writes pass the store in order.
  void settle() {
    for (int turns = 0; turns < 20; ++turns) {
      service->poke();
      ASSERT_TRUE(write([](Tx&) { return Result<void>(); }));
    }
  }

  Contact confirmed(AccountId of, const std::string& address) {
    auto added = run(service->add(of, {Kind::mail, address, "", "somebody"}));
    EXPECT_TRUE(added);
    hear(ear.heard.size() + 1);
    const auto token = page_token(added->id, ear.heard.back().message.code);
    EXPECT_TRUE(run(service->act(Service::Page::confirm, token)));
    return *added;
  }

  void done(int number) {
    jobs::Job job;
    job.id.bytes[0] = static_cast<std::uint8_t>(number);
    job.account = ada;
    job.state = jobs::State::done;
    job.name = "file-" + std::to_string(number) + ".bin";
    jobs::HistoryRow row;
    row.job = job.id;
    row.account = ada;
    row.at = clock.now();
    row.from = jobs::State::publishing;
    row.to = jobs::State::done;
    ASSERT_TRUE(write([&](Tx& tx) { return service->written(tx, job, row); }));
  }

  Contact only_contact(AccountId of) {
    auto all = run(service->contacts(of));
    return all && all->size() == 1 ? all->front() : Contact{};
  }

  std::string folder;
  asio::io_context loop;
  ManualClock clock{*from_rfc3339("2026-11-22T12:00:00Z")};
  Ear ear;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Service> service;
  AccountId ada, bob;
};

}  // namespace

TEST_F(NoticesTest, TellsABurstOneByOneAndThenTogether) {
  confirmed(ada, "ana@example.net");

  for (int number = 1; number <= 14; ++number) done(number);
  hear(1 + 10);
  settle();
  EXPECT_EQ(ear.heard.size(), 11u) << "the rest waits for its time";
  clock.advance(10min);
  hear(1 + 10 + 1);

  const Message& together = ear.heard.back().message;
  EXPECT_EQ(together.title, "Restante: news of 4 downloads");
  EXPECT_NE(together.text.find("file-11.bin"), std::string::npos);
  ASSERT_EQ(together.others.size(), 3u);
  EXPECT_NE(together.others[2].find("file-14.bin"), std::string::npos);
}

TEST_F(NoticesTest, TriesAgainWithTheSameMessageWhenItsTimeHasCome) {
  confirmed(ada, "ana@example.net");
  ear.answer = {Delivery::Outcome::later, "busy", std::nullopt};
  done(1);
  hear(2);
  EXPECT_EQ(only_contact(ada).last_error, "busy");

  ear.answer = {Delivery::Outcome::sent, "", std::nullopt};
  settle();
  EXPECT_EQ(ear.heard.size(), 2u) << "not before its time";
  clock.advance(6s);
  hear(3);

  EXPECT_EQ(ear.heard[1].message.id, ear.heard[2].message.id);
  const Place place{"Home", "https://home.example", ""};
  EXPECT_EQ(render_mail(ear.heard[1].contact, ear.heard[1].message, place, "a@b.example"),
            render_mail(ear.heard[2].contact, ear.heard[2].message, place, "a@b.example"));
  EXPECT_EQ(only_contact(ada).last_error, "");
}

TEST_F(NoticesTest, WaitsAsLongAsTheOtherSideAsks) {
  confirmed(ada, "ana@example.net");
  ear.answer = {Delivery::Outcome::later, "busy", Seconds(3600)};
  done(1);
  hear(2);

  ear.answer = {Delivery::Outcome::sent, "", std::nullopt};
  clock.advance(59min);
  settle();
  EXPECT_EQ(ear.heard.size(), 2u);
  clock.advance(2min);
  hear(3);
}

TEST_F(NoticesTest, TellsNothingWhereNobodyIsAnyMore) {
  confirmed(ada, "ana@example.net");
  ear.answer = {Delivery::Outcome::gone, "410", std::nullopt};
  done(1);
  hear(2);
  EXPECT_TRUE(only_contact(ada).disabled);

  done(2);
  settle();

  EXPECT_EQ(ear.heard.size(), 2u);
}

TEST_F(NoticesTest, TellsNobodyWhoHasNotConfirmedAndOnlyTheOwner) {
  ASSERT_TRUE(run(service->add(ada, {Kind::mail, "ana@example.net", "", "ada"})));
  confirmed(bob, "bob@example.net");
  const auto before = ear.heard.size();

  done(1);
  settle();

  EXPECT_EQ(ear.heard.size(), before);
}

TEST_F(NoticesTest, AsksAnAddressOnceAnHourByWhomever) {
  ASSERT_TRUE(run(service->add(ada, {Kind::mail, "vic@example.net", "", "ada"})));
  hear(1);

  const auto second = run(service->add(bob, {Kind::mail, "Vic@Example.net", "", "bob"}));
  settle();
  EXPECT_TRUE(second) << "nobody is told that somebody else asked";
  EXPECT_EQ(ear.heard.size(), 1u);
  clock.advance(61min);
  hear(2);
}

TEST_F(NoticesTest, LimitsHowManyAddressesAnAccountAsks) {
  for (int number = 0; number < 3; ++number)
    ASSERT_TRUE(run(service->add(ada, {Kind::mail, std::to_string(number) + "@example.net", "", "ada"})));

  const auto fourth = run(service->add(ada, {Kind::mail, "4@example.net", "", "ada"}));

  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error().reason, Reason::rate_limited);
  // Removing them makes room, but no more than a day's questions go out.
  int asked = 3;
  for (int number = 0; number < 20; ++number) {
    auto all = run(service->contacts(ada));
    for (const auto& one : *all) ASSERT_TRUE(run(service->remove(ada, one.id)));
    if (run(service->add(ada, {Kind::mail, "x" + std::to_string(number) + "@example.net", "", "ada"})))
      ++asked;
  }
  EXPECT_EQ(asked, 10);
}

TEST_F(NoticesTest, ConfirmsATopicByItsNumberAndNotByGuessing) {
  const auto topic = run(service->add(ada, {Kind::ntfy, "https://ntfy.example/t", "", "ada"}));
  ASSERT_TRUE(topic);
  hear(1);
  const std::string right = ear.heard[0].message.code;
  ASSERT_EQ(right.size(), 8u);

  EXPECT_FALSE(run(service->confirm(bob, topic->id, right))) << "another account's contact";
  EXPECT_FALSE(run(service->confirm(ada, topic->id, "")));
  for (int guess = 0; guess < 4; ++guess)
    EXPECT_EQ(run(service->confirm(ada, topic->id, "wrong")).error().reason, Reason::invalid);
  EXPECT_EQ(run(service->confirm(ada, topic->id, right)).error().reason, Reason::rate_limited);
}

TEST_F(NoticesTest, LetsAConfirmationBeUsedOnceAndWithinTwoDays) {
  const auto added = run(service->add(ada, {Kind::mail, "ana@example.net", "", "ada"}));
  hear(1);
  const auto token = page_token(added->id, ear.heard[0].message.code);

  EXPECT_TRUE(run(service->look(Service::Page::confirm, token)));
  EXPECT_FALSE(run(service->look(Service::Page::stop, token))) << "one secret is not the other";
  clock.advance(49h);
  EXPECT_FALSE(run(service->look(Service::Page::confirm, token)));
  EXPECT_FALSE(run(service->act(Service::Page::confirm, token)));
  clock.advance(-2h);
  EXPECT_TRUE(run(service->act(Service::Page::confirm, token)));
  EXPECT_FALSE(run(service->act(Service::Page::confirm, token)));
}

TEST_F(NoticesTest, LeavesNoAddressReadableInTheStore) {
  confirmed(ada, "ana.k4n4ry@example.net");
  ear.answer = {Delivery::Outcome::later, "busy", std::nullopt};
  done(1);
  hear(2);

  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ostringstream content;
    content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    bytes += content.str();
  }

  EXPECT_GT(bytes.size(), 4096u);
  EXPECT_EQ(bytes.find("k4n4ry"), std::string::npos);
  EXPECT_EQ(bytes.find("file-1.bin"), std::string::npos) << "names in notices are sealed, too";
}

}  // namespace restante::notify
