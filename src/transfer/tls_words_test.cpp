// SPDX-License-Identifier: Apache-2.0
#include "transfer/tls_words.hpp"

#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

using net::TlsFault;
using testing::HasSubstr;
using testing::Not;

const Instant now{Seconds(1795305600)};  // 2026-11-22

std::string words(TlsFault fault, Seconds from = Seconds(0), Seconds until = Seconds(0),
                  std::optional<Seconds> clock_off = std::nullopt) {
  net::TlsClose certificate;
  certificate.fault = fault;
  certificate.valid_from = std::chrono::duration_cast<Seconds>(now.time_since_epoch() + from).count();
  certificate.valid_until = std::chrono::duration_cast<Seconds>(now.time_since_epoch() + until).count();
  return tls_words("host.test", certificate, "what libcurl says", now, clock_off);
}
constexpr Seconds day{86400};

TEST(TlsWords, SayWhichFaultItIs) {
  EXPECT_THAT(words(TlsFault::expired, {}, -3 * day), HasSubstr("ran out on 2026-11-19"));
  EXPECT_THAT(words(TlsFault::not_yet_valid, Seconds(3600)), HasSubstr("valid only from 2026-11-2"));
  EXPECT_THAT(words(TlsFault::self_signed), HasSubstr("itself"));
  EXPECT_THAT(words(TlsFault::unknown_issuer), HasSubstr("not trusted here"));
  EXPECT_THAT(words(TlsFault::wrong_host), HasSubstr("another name"));
  EXPECT_THAT(words(TlsFault::weak), HasSubstr("too weak"));
  EXPECT_THAT(words(TlsFault::other), HasSubstr("what libcurl says"));
}

TEST(TlsWords, SuspectOurOwnClockOnlyWithAReason) {
  EXPECT_THAT(words(TlsFault::not_yet_valid, 3 * day), HasSubstr("clock of this place seems to be behind"));
  EXPECT_THAT(words(TlsFault::not_yet_valid, Seconds(3600)), Not(HasSubstr("clock")));
  EXPECT_THAT(words(TlsFault::expired, {}, -3 * day), Not(HasSubstr("clock")));
  EXPECT_THAT(words(TlsFault::expired, {}, -3 * day, 5 * day), HasSubstr("seems to be ahead"));
  EXPECT_THAT(words(TlsFault::wrong_host, {}, {}, 5 * day), Not(HasSubstr("clock")));
}

TEST(ClockWitness, WantsTwoOriginsThatAgree) {
  ClockWitness witness;
  witness.heard("http://a.test", now - 3 * day, now);
  EXPECT_EQ(witness.off(), std::nullopt);
  witness.heard("http://b.test", now - 4 * day, now);
  EXPECT_EQ(witness.off(), 3 * day);
  witness.heard("http://c.test", now, now);
  EXPECT_EQ(witness.off(), std::nullopt);
  for (const char* origin : {"http://a.test", "http://b.test", "http://c.test"})
    witness.heard(origin, now + 2 * day, now);
  EXPECT_EQ(witness.off(), -2 * day);
}

}  // namespace
}  // namespace restante::transfer
