// SPDX-License-Identifier: Apache-2.0
#include "request/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::request {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Zones paris{"Europe/Paris", "Europe/Paris"};
const Zones abroad{"Europe/Paris", "Asia/Tokyo"};

Job job(std::string state = "running") {
  Job out;
  out.id = "0123456789abcdef0123456789abcdef";
  out.name = "film.mp4";
  out.state = std::move(state);
  out.plan = "on-time";
  out.size_bytes = 64 << 20;
  out.received_bytes = 16 << 20;
  out.created = "2026-11-22T11:00:00Z";
  return out;
}

TEST(Words, SayStatesAsPeopleDo) {
  EXPECT_EQ(state_words(job()), "downloading 25 %");
  EXPECT_EQ(state_words(job("scheduled")), "waits for its time");
  EXPECT_EQ(state_words(job("expired")), "too late");
  Job waiting = job("waiting");
  waiting.waiting_for = "window";
  EXPECT_EQ(state_words(waiting), "waits for its hours");
  Job held = job("held");
  held.reason = "auth-required";
  EXPECT_EQ(state_words(held), "needs you: a name and password are needed");
  Job done = job("done");
  done.reason = "complete-unverified";
  EXPECT_EQ(state_words(done), "done, but unproven");
  EXPECT_EQ(state_words(job("brand-new")), "brand-new");
}

TEST(Words, NeverCallThingsByTheirInnerNames) {
  for (const char* state : {"scheduled", "waiting", "running", "verifying", "publishing", "done", "paused",
                            "held", "failed", "cancelled", "expired"}) {
    const std::string text = job_line(job(state), paris);
    for (const char* inner : {"proxy", "intermediary", "job", "held", "scheduled"})
      EXPECT_THAT(text, Not(HasSubstr(inner))) << state;
  }
}

TEST(Words, TellTimesOnThePlacesClocks) {
  EXPECT_EQ(time_words("2026-11-28T00:00:00Z", paris, Both::yes), "2026-11-28 01:00");
  EXPECT_EQ(time_words("2026-11-28T00:00:00Z", abroad, Both::no), "2026-11-28 01:00 Europe/Paris");
  EXPECT_EQ(time_words("2026-11-28T00:00:00Z", abroad, Both::yes),
            "2026-11-28 01:00 Europe/Paris (here 2026-11-28 09:00 Asia/Tokyo)");
  EXPECT_EQ(time_words("soon", paris, Both::no), "soon");
}

TEST(Words, PutAJobOnOneLine) {
  EXPECT_EQ(job_line(job(), paris),
            "01234567  downloading 25 %      64.0 MiB  film.mp4            2026-11-22 12:00");
  Job later = job("scheduled");
  later.created = "2026-11-22T11:00:59.123Z";
  EXPECT_THAT(job_line(later, paris), ::testing::EndsWith("2026-11-22 12:00"));
  later.size_bytes.reset();
  later.name.clear();
  later.next_run = "2026-11-23T01:00:00Z";
  EXPECT_EQ(job_line(later, paris),
            "01234567  waits for its time           -  (no name yet)       from 2026-11-23 02:00");
}

TEST(Words, ShowAPageWithWhyAndHistory) {
  JobDetail detail;
  detail.job = job("failed");
  detail.job.reason = "not-found";
  detail.why = "The content server says that it does not exist.";
  detail.history = {{"2026-11-22T11:00:00Z", "", "scheduled", "submitted", ""},
                    {"2026-11-22T11:00:05Z", "running", "failed", "http 404", "not-found"}};
  detail.files = {{"film.mp4", "failed", "not-found", "", "", std::nullopt, 0}};

  EXPECT_EQ(job_page(detail, paris),
            "name     film.mp4\n"
            "id       0123456789abcdef0123456789abcdef\n"
            "state    failed: it does not exist\n"
            "why      The content server says that it does not exist.\n"
            "size     16.0 MiB of 64.0 MiB\n"
            "file     film.mp4, failed: it does not exist\n"
            "history  2026-11-22 12:00  waits for its time (submitted)\n"
            "         2026-11-22 12:00:05  failed: it does not exist (http 404)\n");
}

TEST(Words, SayHowItRepeats) {
  JobDetail detail;
  detail.job = job("scheduled");
  EXPECT_THAT(job_page(detail, paris), ::testing::Not(HasSubstr("repeats")));

  detail.job.repeat = "FREQ=DAILY;INTERVAL=2";

  EXPECT_THAT(job_page(detail, paris), HasSubstr("repeats  every 2 days\n"));
}

TEST(Words, TellWhatTheFirstLookFound) {
  Job looked = job();
  EXPECT_EQ(look_first_words(looked), "");
  looked.look_first = LookFirst{"a.iso", "application/x-iso", "", "", 1 << 30, true, false};
  EXPECT_EQ(look_first_words(looked), "found: a.iso, 1.0 GiB, application/x-iso, can be resumed");
  looked.look_first = LookFirst{"", "text/html", "", "", std::nullopt, false, true};
  EXPECT_THAT(
      look_first_words(looked),
      HasSubstr(
          "film.mp4, size not told, text/html (a web page), cannot be resumed; is that what you wanted"));
  looked.look_first = LookFirst{"", "", "auth-required", "", std::nullopt, false, false};
  EXPECT_EQ(look_first_words(looked), "the first look found: a name and password are needed");
}

TEST(Words, TellAPlanThatDoesNotFit) {
  Job plan = job("waiting");
  EXPECT_EQ(plan_words(plan, paris), "");
  plan.plan = "cannot";
  plan.plan_reason = "deadline";
  EXPECT_EQ(plan_words(plan, paris), "it cannot be done in time: it could not be done by its deadline");
  plan.plan = "tight";
  plan.plan_reason.clear();
  EXPECT_EQ(plan_words(plan, paris), "it will be tight");
}

TEST(Words, ListFilesBetweenTabs) {
  StoredFile file;
  file.name = "course/a\tb.pdf";
  file.size_bytes = 1234;
  file.published = "2026-11-22T11:00:00Z";
  EXPECT_EQ(file_line(file), "1234\t2026-11-22T11:00:00Z\tcourse/a?b.pdf");
  file.arriving = true;
  file.received_bytes = 5;
  EXPECT_EQ(file_line(file), "5/1234\tarriving\tcourse/a?b.pdf");
}

TEST(Words, DrawProgressNoWiderThanTheTerminal) {
  Progress progress{"film.mp4", "", 16 << 20, 64 << 20, 1 << 20};
  EXPECT_EQ(progress_bar(progress, 200),
            "film.mp4            [####            ]  25 %  16.0 MiB of 64.0 MiB  1.0 MiB/s");
  EXPECT_EQ(progress_bar(progress, 39), "film.mp4             25 %  16.0 MiB of ");
  EXPECT_EQ(progress_bar(progress, 30).size(), 30u);
  EXPECT_EQ(progress_line(progress), "film.mp4: 25 % of 64.0 MiB, 1.0 MiB/s");
  progress.size_bytes.reset();
  EXPECT_EQ(progress_line(progress), "film.mp4: 16.0 MiB, 1.0 MiB/s");
  progress.name = "n\xc3\xa4\x1b[2J" + std::string(50, 'x');
  EXPECT_THAT(progress_bar(progress, 200), ::testing::StartsWith("n\xc3\xa4?[2Jxxxx"));
}

TEST(Words, NameTheOptionInsteadOfAPlaceInTheDocument) {
  EXPECT_EQ(in_options("/what/files/0/name must be a file name"), "--name must be a file name");
  EXPECT_EQ(in_options("http://h/a: /what/folder must be relative"), "http://h/a: --folder must be relative");
  EXPECT_EQ(in_options("/what/files/0/sources/0/url: this place does not do ftp yet"),
            "this place does not do ftp yet");
  EXPECT_EQ(in_options("leave out '..'; folders go into `path`"), "leave out '..'; folders go into --folder");
  EXPECT_EQ(in_options("nothing to replace"), "nothing to replace");
}

TEST(Words, ReplaceWhatCouldDeceiveATerminal) {
  EXPECT_EQ(shown("a\x1b[31m\r\nb\x7f"), "a?[31m??b?");
  EXPECT_EQ(shown("a\xe2\x80\xaemp4.exe"), "a?mp4.exe");
  EXPECT_EQ(shown("\xc2\x9b"
                  "2J"),
            "?2J");
  EXPECT_EQ(shown("\xe2\x82\xac \xe6\x97\xa5\xe6\x9c\xac \xc3\xa9"),
            "\xe2\x82\xac \xe6\x97\xa5\xe6\x9c\xac \xc3\xa9");
}

}  // namespace
}  // namespace restante::request
