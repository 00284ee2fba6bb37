// SPDX-License-Identifier: Apache-2.0
#include "request/outbox.hpp"

#include "base/text.hpp"
#include "request/compose.hpp"
#include "request/seal.hpp"
#include "request/test_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <unistd.h>

namespace restante::request {
namespace {

using net::stub_answer;

const Instant now = *from_rfc3339("2026-11-22T11:00:00Z");

Unsent unsent(std::vector<std::string> documents = {"{\"password\":\"hunter2\"}"}) {
  Unsent out;
  out.id = new_request_id(now);
  out.place = "home";
  out.created = now;
  out.label = "http://a.example/x";
  out.documents = std::move(documents);
  return out;
}

struct Box {
  TestFolder folder;
  Home home = std::move(*Home::open_at(folder / "h"));
  Outbox outbox = std::move(*Outbox::open(home));

  std::size_t count() const { return outbox.all()->size(); }
};

TEST(Outbox, KeepsRequestsAcrossProcessesUntilTheyAreDropped) {
  Box box;
  const auto kept = unsent();
  ASSERT_TRUE(box.outbox.keep(kept));

  auto again = Outbox::open(box.home);
  const auto all = again->all();

  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].id, kept.id);
  EXPECT_EQ((*all)[0].place, "home");
  EXPECT_EQ((*all)[0].created, now);
  EXPECT_EQ((*all)[0].documents, kept.documents);
  EXPECT_TRUE(again->drop(kept.id));
  EXPECT_EQ(box.count(), 0u);
}

TEST(Outbox, RemembersWhichMailboxARequestLiesIn) {
  Box box;
  auto kept = unsent();
  kept.posted = now;
  kept.posted_to = "box@example.org";
  kept.over = now + std::chrono::hours(24);
  ASSERT_TRUE(box.outbox.keep(kept));

  const auto found = box.outbox.find(kept.id);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->posted, kept.posted);
  EXPECT_EQ(found->posted_to, kept.posted_to);
  EXPECT_EQ(found->over, kept.over);
}

TEST(Outbox, ReadsWhatEarlierVersionsLeft) {
  Box box;
  const std::string id = new_request_id(now);
  const std::string text =
      R"({"v":1,"place":"home","created":"2026-11-22T11:00:00Z","label":"l","refused":"","sender":0,)"
      R"("documents":["{\"v\":1}"]})";
  ASSERT_TRUE(box.home.write("outbox/" + id + ".sealed", seal(*outbox_key(box.home), text, id)));

  const auto found = box.outbox.find(id);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->documents, std::vector<std::string>{R"({"v":1})"});
  EXPECT_FALSE(found->posted);
  EXPECT_FALSE(found->over);
}

TEST(Outbox, NoSecretIsReadableInItsFiles) {
  Box box;
  ASSERT_TRUE(box.outbox.keep(unsent()));

  for (const auto& entry : std::filesystem::recursive_directory_iterator(box.folder / "h")) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str().find("hunter2"), std::string::npos) << entry.path();
  }
}

TEST(Outbox, SurvivesACrashAtAnyByteOfWriting) {
  // A half-written file stands beside under another name, and a file that is cut is told, not read.
  Box box;
  const auto kept = unsent();
  ASSERT_TRUE(box.outbox.keep(kept));
  const auto path = box.folder / ("h/outbox/" + kept.id + ".sealed");
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t cut = 0; cut < size; cut += 7) {
    Box other;
    ASSERT_TRUE(other.outbox.keep(unsent()));
    std::filesystem::copy_file(path, other.folder / "h/outbox/.new-x");
    std::filesystem::copy_file(path, other.folder / ("h/outbox/" + kept.id + ".sealed"));
    std::filesystem::resize_file(other.folder / ("h/outbox/" + kept.id + ".sealed"), cut);
    int damaged = 0;

    const auto all = other.outbox.all([&](const std::string&) { ++damaged; });

    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 1u) << cut;
    EXPECT_EQ(damaged, 1) << cut;
  }
}

TEST(Outbox, FindsByTheBeginningOfTheId) {
  Box box;
  const auto kept = unsent();
  ASSERT_TRUE(box.outbox.keep(kept));

  EXPECT_EQ(box.outbox.find(kept.id)->id, kept.id);
  EXPECT_EQ(box.outbox.find(kept.id.substr(0, 8))->id, kept.id);
  EXPECT_EQ(box.outbox.find("zzzz").error().reason, Reason::not_found);
  EXPECT_EQ(box.outbox.find("").error().reason, Reason::not_found);
  ASSERT_TRUE(box.outbox.keep(unsent()));
  EXPECT_EQ(box.outbox.find(kept.id.substr(0, 8)).error().reason, Reason::usage);
}

TEST(Outbox, OnlyOneProcessSendsAtATime) {
  Box box;
  auto first = box.outbox.claim("home");

  EXPECT_TRUE(*first);
  EXPECT_FALSE(*box.outbox.claim("home"));
  EXPECT_TRUE(*box.outbox.claim("work"));
  first->reset();
  EXPECT_TRUE(*box.outbox.claim("home"));
}

TEST(Outbox, KnowsWhetherItsSenderStillLives) {
  Unsent one = unsent();
  EXPECT_FALSE(is_being_sent(one));
  one.sender = static_cast<int>(::getpid());
  EXPECT_FALSE(is_being_sent(one));
  one.sender = static_cast<int>(::getppid());
  EXPECT_TRUE(is_being_sent(one));
  one.sender = 0x7ffffff0;
  EXPECT_FALSE(is_being_sent(one));
}

struct SendCase {
  const char* name;
  std::string answer;
  bool stays;
  std::size_t verdicts;
};

TEST(SendUnsent, DropsARequestOnlyWhenThePlaceHasAnsweredForGood) {
  const std::string problem = R"({"type":"/problems/)";
  const std::vector<SendCase> cases{
      {"accepted", stub_answer(202, json_header, R"({"id":"j"})"), false, 1},
      {"replayed", stub_answer(200, json_header, R"({"id":"j"})"), false, 1},
      {"refused", stub_answer(422, problem_header, problem + R"(scheme"})"), false, 1},
      {"server fault", stub_answer(500, problem_header, problem + R"(storage"})"), true, 0},
      {"busy", stub_answer(503, "Retry-After: 60\r\n", ""), true, 0},
      {"not authorised", stub_answer(401, problem_header, problem + R"(unauthenticated"})"), true, 0},
      {"cut in the answer",
       "HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{\"id\":", true, 0},
      {"no answer", "", true, 0},
      {"another protocol", "220 ftp.example\r\nConnection: close\r\n\r\n", true, 0},
      {"not ours", stub_answer(200, "Content-Type: text/html\r\n", "<html>portal</html>"), true, 0}};
  for (const auto& one : cases) {
    Box box;
    TestPlace place([&](const std::string&) { return one.answer; });
    const auto kept = unsent();
    ASSERT_TRUE(box.outbox.keep(kept));

    const auto outcome = send_unsent(box.outbox, place.calls, kept);

    ASSERT_TRUE(outcome) << one.name;
    EXPECT_EQ(box.count(), one.stays ? 1u : 0u) << one.name;
    EXPECT_EQ(outcome->kept.has_value(), one.stays) << one.name;
    EXPECT_EQ(outcome->verdicts.size(), one.verdicts) << one.name;
  }
}

TEST(SendUnsent, KeepsOfABatchWhatALaterTryMayMend) {
  Box box;
  TestPlace place([&](const std::string&) {
    return stub_answer(200, "Content-Type: application/jsonl\r\n",
                       R"({"status":"accepted","job":{"id":"j"}})"
                       "\n"
                       R"({"status":"refused","error":{"reason":"disk-full","message":"m"}})"
                       "\n"
                       R"({"status":"refused","error":{"reason":"invalid","message":"m"}})"
                       "\n");
  });
  const auto kept = unsent({"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"});
  ASSERT_TRUE(box.outbox.keep(kept));

  const auto outcome = send_unsent(box.outbox, place.calls, kept);

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdicts.size(), 3u);
  EXPECT_TRUE(outcome->kept);
  const auto all = box.outbox.all();
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].documents, std::vector<std::string>{"{\"n\":2}"});
}

}  // namespace
}  // namespace restante::request
