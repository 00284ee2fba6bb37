// SPDX-License-Identifier: Apache-2.0
#include "jobs/rates.hpp"

#include <gmock/gmock.h>

namespace restante::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Instant noon{Millis(1'800'000'000'000)};

JobId job(std::uint8_t number) {
  JobId id;
  id.bytes[0] = number;
  return id;
}

Instant after(int seconds) {
  return noon + Seconds(seconds);
}

TEST(Rates, TellWhatCameInEachSecond) {
  RateLog log(10, 100);

  log.begin(job(1), 1000, after(0));
  log.note(job(1), 1500, after(0) + Millis(500));
  log.note(job(1), 1600, after(1));
  log.note(job(1), 4600, after(3));

  const Rates rates = log.of(job(1));
  EXPECT_EQ(rates.begin, noon);
  EXPECT_EQ(rates.interval, Seconds(1));
  EXPECT_THAT(rates.bytes_per_s, ElementsAre(500, 100, 0, 3000));
}

TEST(Rates, BecomeCoarserInsteadOfMore) {
  RateLog log(10, 4);

  log.begin(job(1), 0, after(0));
  for (int second = 0; second < 10; ++second)
    log.note(job(1), 100 * static_cast<unsigned>(second + 1), after(second));

  const Rates rates = log.of(job(1));
  EXPECT_EQ(rates.interval, Seconds(4));
  EXPECT_THAT(rates.bytes_per_s, ElementsAre(100, 100, 50));
}

TEST(Rates, SurviveAClockThatIsSet) {
  RateLog log(10, 4);

  log.begin(job(1), 0, after(0));
  log.note(job(1), 100, after(1));
  log.note(job(1), 300, after(-5000));
  log.note(job(1), 400, after(100'000'000));

  const Rates rates = log.of(job(1));
  EXPECT_LE(rates.bytes_per_s.size(), 4u);
  EXPECT_GE(rates.bytes_per_s.size(), 2u);
}

TEST(Rates, CountABeginningAnewAsNothing) {
  RateLog log(10, 100);

  log.begin(job(1), 0, after(0));
  log.note(job(1), 5000, after(0));
  log.note(job(1), 100, after(1));
  log.note(job(1), 300, after(1));

  EXPECT_THAT(log.of(job(1)).bytes_per_s, ElementsAre(5000, 200));
}

TEST(Rates, AreKeptOfTheJobsThatRanLast) {
  RateLog log(2, 100);

  log.note(job(1), 1, after(0));
  log.note(job(2), 1, after(0));
  log.note(job(1), 2, after(1));
  log.note(job(3), 1, after(1));

  EXPECT_FALSE(log.of(job(2)).begin);
  EXPECT_THAT(log.of(job(2)).bytes_per_s, IsEmpty());
  EXPECT_TRUE(log.of(job(1)).begin);
  EXPECT_TRUE(log.of(job(3)).begin);
}

TEST(Rates, OfAJobThatWasErasedAreGone) {
  RateLog log(2, 100);
  log.note(job(1), 1, after(0));

  log.forget(job(1));
  log.note(job(2), 1, after(0));
  log.note(job(3), 1, after(0));

  EXPECT_FALSE(log.of(job(1)).begin);
  EXPECT_TRUE(log.of(job(2)).begin);
}

}  // namespace
}  // namespace restante::jobs
