// SPDX-License-Identifier: Apache-2.0
#include "intake/mailbox.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace restante::intake {
namespace {

struct Desk {
  std::vector<Letter> letters;
  std::map<std::string, std::string> texts;
  std::vector<std::string> done, refused, fetched;
  bool unfinished = false, away = false, keeps = false;
};

class FakeMailbox final : public Mailbox {
public:
  explicit FakeMailbox(Desk& desk) : desk_(desk) {}
  std::string_view name() const override { return "fake"; }
  bool may_be_unfinished() const override { return desk_.unfinished; }
  Result<std::vector<Letter>> list(std::size_t) override {
    if (desk_.away) return fail(Reason::unreachable, "away");
    return desk_.letters;
  }
  Result<std::string> fetch(const Letter& letter, std::size_t) override {
    desk_.fetched.push_back(letter.id);
    if (!desk_.texts.contains(letter.id)) return fail(Reason::not_found, "gone");
    return desk_.texts[letter.id];
  }
  Result<void> settle(const Letter& letter, Fate fate, const Error& why) override {
    if (desk_.keeps) return fail(Reason::forbidden, "read-only");
    EXPECT_EQ(fate == Fate::refused, !why.message.empty()) << "what is refused is told why";
    (fate == Fate::done ? desk_.done : desk_.refused).push_back(letter.id);
    std::erase_if(desk_.letters, [&](const Letter& one) { return one.id == letter.id; });
    return {};
  }

private:
  Desk& desk_;
};

/// Answers as the fourth part of a document says.
class FakeReceiver final : public Receiver {
public:
  std::vector<std::string> received;

  Result<proxy::OpenedDocument> open(std::string_view) const override { return fail(Reason::internal, ""); }
  Result<accounts::Principal> sender_of(const proxy::OpenedDocument&) const override {
    return fail(Reason::internal, "");
  }
  Task<Receipt> admit(proxy::OpenedDocument, Channel) override { co_return Receipt{}; }
  Task<Receipt> receive(std::string text, Channel) override {
    received.push_back(text);
    Receipt out;
    const auto with = [&](Reason reason) { out.error = fail(reason, "why").value(); };
    if (text.find(".good.") != std::string::npos) out.status = Receipt::Status::accepted;
    if (text.find(".busy.") != std::string::npos) with(Reason::rate_limited);
    if (text.find(".broken.") != std::string::npos) with(Reason::bad_signature);
    if (text.find(".late.") != std::string::npos) {
      with(Reason::expired);
      out.sender.emplace();
    }
    co_return out;
  }
};

class Puller : public testing::Test {
protected:
  Desk desk;
  FakeReceiver receiver;
  asio::io_context loop;
  int told = 0;
  MailboxPuller puller{{std::make_unique<FakeMailbox>(desk), receiver, loop.get_executor(),
                        [this](const accounts::Principal&, const Error&) { ++told; }},
                       {}};

  void put(const std::string& id, const std::string& kind, std::uint64_t bytes = 100) {
    desk.letters.push_back({id, "1", bytes});
    desk.texts[id] = "a.b.c." + kind + ".e";
  }
  bool pull() {
    bool fine = false;
    asio::co_spawn(
        loop,
        [](MailboxPuller& one, bool& out) -> Task<void> {
          auto pulling = one.pull();
          const auto pulled = co_await std::move(pulling);
          out = pulled.has_value();
        }(puller, fine),
        asio::detached);
    loop.run();
    loop.restart();
    return fine;
  }
};

using List = std::vector<std::string>;

TEST_F(Puller, TakesOutWhatIsDurableAndSetsAsideWhatIsRefused) {
  put("1", "good");
  put("2", "broken");
  put("3", "late");
  put("4", "good");
  EXPECT_TRUE(pull());
  EXPECT_EQ(desk.done, (List{"1", "4"}));
  EXPECT_EQ(desk.refused, (List{"2", "3"}));
  EXPECT_EQ(told, 1);
}

TEST_F(Puller, LeavesWhatCannotBeJudgedNow) {
  put("1", "busy");
  put("2", "good");
  EXPECT_TRUE(pull());
  EXPECT_EQ(desk.done, List{"2"});
  EXPECT_EQ(desk.letters.size(), 1u);
}

TEST_F(Puller, ALetterThatCannotBeFetchedDoesNotStopTheOthers) {
  put("1", "good");
  desk.texts.erase("1");
  put("2", "good");
  EXPECT_TRUE(pull());
  EXPECT_EQ(desk.done, List{"2"});
}

TEST_F(Puller, WhatIsTooLongIsSetAsideUnread) {
  put("1", "good", 5u << 20);
  EXPECT_TRUE(pull());
  EXPECT_TRUE(desk.fetched.empty());
  EXPECT_EQ(desk.refused, List{"1"});
}

TEST_F(Puller, AFileThatMayBeUnfinishedIsRefusedOnlyWhenItStayedTheSame) {
  desk.unfinished = true;
  put("1", "broken");
  EXPECT_TRUE(pull());
  EXPECT_TRUE(desk.refused.empty());
  desk.letters[0].version = "2";
  EXPECT_TRUE(pull());
  EXPECT_TRUE(desk.refused.empty());
  EXPECT_TRUE(pull());
  EXPECT_EQ(desk.refused, List{"1"});
}

TEST_F(Puller, WhatCannotBeTakenOutIsJudgedOnce) {
  desk.keeps = true;
  put("1", "late");
  EXPECT_TRUE(pull());
  EXPECT_TRUE(pull());
  EXPECT_EQ(receiver.received.size(), 1u);
  EXPECT_EQ(told, 1);
  desk.keeps = false;
  EXPECT_TRUE(pull());
  EXPECT_EQ(desk.refused, List{"1"});
}

TEST_F(Puller, AMailboxThatIsAwayEndsTheRound) {
  desk.away = true;
  EXPECT_FALSE(pull());
}

}  // namespace
}  // namespace restante::intake
