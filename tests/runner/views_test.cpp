// SPDX-License-Identifier: Apache-2.0
// What lists, details and events show of a download.
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace restante::jobs::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* a_url = "http://content.test/a.bin";
constexpr const char* at_one = R"({"start":"2026-11-22T01:00:00Z"})";

class Views : public Place {
protected:
  JobViews list(JobFilter filter = {}) { return run(service->list_views(ana, std::move(filter))).value(); }
  std::vector<json::object> states(Subscription& from) {
    std::vector<json::object> out;
    for (;;) {
      auto event = run(from.next(Millis(300))).value();
      if (!event) return out;
      if (event->kind == "job.state") out.push_back(json::parse(event->data).as_object());
    }
  }
};

TEST_F(Views, AListSaysWhenADownloadBeganAndEndedAndHowMuchIsHere) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  const JobId id = accept({.when = at_one});
  pass(Seconds(3600));
  until(id, State::done);

  const JobViews page = list();

  ASSERT_THAT(page.views, SizeIs(1));
  const JobView& view = page.views.front();
  EXPECT_EQ(view.job.started, Instant(Seconds(1795305600 + 3600)));
  EXPECT_EQ(view.job.changed, Instant(Seconds(1795305600 + 3600)));
  ASSERT_TRUE(view.amounts);
  EXPECT_EQ(view.amounts->size_bytes, 5u);
  EXPECT_EQ(view.amounts->received_bytes, 5u);
  ASSERT_TRUE(view.asked);
  EXPECT_EQ(view.asked->origin, "http://content.test");
  EXPECT_EQ(view.asked->when.start_text, "2026-11-22T01:00:00Z");
}

TEST_F(Views, TheBeginningIsKnownAfterARestart) {
  transfers.on(a_url, {{.body = "hello", .cut_at = 2, .hangs = true}});
  start();
  const JobId id = accept({});
  until(id, State::running);
  settle();
  crash();
  clock.advance(Seconds(60));

  start();
  until(id, State::running);

  EXPECT_EQ(list().views.at(0).job.started, Instant(Seconds(1795305600)));
}

TEST_F(Views, TryingAgainBeginsAnew) {
  transfers.on(a_url, {{.reason = Reason::forbidden, .transient = false}, {.body = "hello"}});
  start();
  const JobId id = accept({});
  until(id, State::failed);
  pass(Seconds(600));

  run(service->act(ana, id, Action::retry)).value();
  until(id, State::done);

  EXPECT_EQ(list().views.at(0).job.started, Instant(Seconds(1795305600 + 600)));
}

TEST_F(Views, APageIsShorterWhenItsDocumentsAreLarge) {
  limits.listed_document_bytes = 1;
  start();
  for (int i = 0; i < 3; ++i) accept({.id = id_number(i), .when = at_one});

  const JobViews first = list();
  JobFilter rest;
  rest.cursor = first.next_cursor;
  const JobViews second = list(rest);

  EXPECT_THAT(first.views, SizeIs(1));
  EXPECT_FALSE(first.next_cursor.empty());
  EXPECT_THAT(second.views, SizeIs(1));
  EXPECT_NE(first.views.at(0).job.id, second.views.at(0).job.id);
}

TEST_F(Views, DetailsShowSourcesWithoutTheirKeysAndWhatProvesAFile) {
  const std::string url = "http://content.test/a.bin?key=secret#part";
  transfers.on(url, {{.body = "hello"}});
  start();
  const JobId id = accept({.urls = {{url, "http://mirror.test/a.bin"}},
                           .file_members = R"(,"digest":{"md5":"5d41402abc4b2a76b9719d911017c592"})"});
  until(id, State::done);

  const JobView seen = view(id);

  ASSERT_TRUE(seen.asked);
  ASSERT_THAT(seen.asked->sources, SizeIs(2));
  EXPECT_EQ(seen.asked->sources.at(0).url, "http://content.test/a.bin?…");
  EXPECT_EQ(seen.asked->sources.at(1).url, "http://mirror.test/a.bin");
  ASSERT_THAT(seen.asked->checks, SizeIs(1));
  EXPECT_EQ(seen.asked->checks.at(0).algorithm, "md5");
}

TEST_F(Views, AnEventHasWhatARowOfAListShows) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  auto watching = std::move(run(service->subscribe(ana, std::nullopt, std::nullopt)).value());
  const JobId id = accept({.when = at_one});
  pass(Seconds(3600));
  until(id, State::done);

  const auto told = states(*watching);

  ASSERT_GE(told.size(), 3u);
  EXPECT_EQ(told.front().at("state"), "scheduled");
  EXPECT_EQ(told.front().at("next_run"), "2026-11-22T01:00:00Z");
  EXPECT_EQ(told.back().at("id").as_string(), std::string_view(id.text()));
  EXPECT_EQ(told.back().at("state"), "done");
  EXPECT_EQ(told.back().at("size_bytes"), 5);
  EXPECT_EQ(told.back().at("received_bytes"), 5);
  EXPECT_EQ(told.back().at("started"), told.back().at("ended"));
}

TEST_F(Views, AnErasedRecordIsToldAndSoAreManyAtOnce) {
  start();
  const JobId id = accept({.when = at_one});
  run(service->act(ana, id, Action::cancel)).value();
  auto watching = std::move(run(service->subscribe(ana, std::nullopt, std::nullopt)).value());

  ASSERT_TRUE(run(service->remove(ana, id)));
  std::vector<Submission> many;
  for (int i = 0; i < 300; ++i) many.push_back(submission({.id = id_number(i), .when = at_one}));
  run(service->submit_all(std::move(many)));

  const auto gone = run(watching->next(Millis(300))).value();
  const auto changed = run(watching->next(Millis(300))).value();
  ASSERT_TRUE(gone && changed);
  EXPECT_EQ(gone->kind, "job.gone");
  EXPECT_THAT(gone->data, HasSubstr(id.text()));
  EXPECT_EQ(changed->kind, "jobs.changed");
  EXPECT_FALSE(run(watching->next(Millis(10))).value());
}

TEST_F(Views, RatesAreOnesOwnAndKeptForAWhile) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  const JobId id = accept({});
  until(id, State::done);

  const auto mine = run(service->rates(ana, id));
  const auto foreign = run(service->rates(ben, id));

  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->begin, Instant(Seconds(1795305600)));
  std::uint64_t sum = 0;
  for (const auto rate : mine->bytes_per_s) sum += rate;
  EXPECT_EQ(sum, 5u);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().reason, Reason::not_found);
}

}  // namespace
}  // namespace restante::jobs::test
