// SPDX-License-Identifier: Apache-2.0
#include "request/events.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace restante::request {
namespace {

struct Read {
  std::vector<std::string> events;
  std::string last_id;
  long retry_ms = -1;
  bool operator==(const Read&) const = default;
};

Read read(const std::string& stream, std::size_t piece, std::size_t limit = 1000) {
  Read out;
  EventReader reader([&](const Event& event) { out.events.push_back(event.type + "=" + event.data); }, limit);
  for (std::size_t at = 0; at < stream.size(); at += piece)
    reader.feed(std::string_view(stream).substr(at, piece));
  out.last_id = reader.last_id();
  if (reader.retry()) out.retry_ms = reader.retry()->count();
  return out;
}

TEST(EventReader, ReadsTheSameInPiecesOfEverySize) {
  const std::string stream =
      "\xef\xbb\xbfretry: 3000\r\n: heartbeat\r\n\r\nid: 7\nevent: job.state\ndata: {\"a\":1}\n\n"
      "data:one\rdata:  two\rdata\r\r"
      "id: 8\nevent: job.progress\n\n"
      "event: cut\ndata: never";
  const Read whole = read(stream, stream.size());

  EXPECT_EQ(whole.events, (std::vector<std::string>{"job.state={\"a\":1}", "message=one\n two\n"}));
  EXPECT_EQ(whole.last_id, "8");
  EXPECT_EQ(whole.retry_ms, 3000);
  for (std::size_t piece = 1; piece < stream.size(); ++piece) EXPECT_EQ(read(stream, piece), whole) << piece;
}

TEST(EventReader, TakesAnIdOnlyWithItsWholeEvent) {
  EXPECT_EQ(read("id: 1\ndata: x\n\nid: 2\ndata: half", 3).last_id, "1");
}

TEST(EventReader, IgnoresWhatItDoesNotKnow) {
  using namespace std::string_literals;
  const Read seen = read("nonsense\nretry: soon\nid: a\0b\nother: x\ndata: y\n\n"s, 5);

  EXPECT_EQ(seen.last_id, "");
  EXPECT_EQ(seen.events, std::vector<std::string>{"message=y"});
  EXPECT_EQ(seen.retry_ms, -1);
}

TEST(EventReader, DropsLinesBeyondItsLimitAndGoesOn) {
  const Read seen = read("data: " + std::string(2000, 'x') + "\ndata: y\n\n", 7, 100);

  EXPECT_EQ(seen.events, std::vector<std::string>{"message=y"});
}

TEST(EventReader, ForgetsAHalfEventOnANewConnection) {
  std::vector<std::string> events;
  EventReader reader([&](const Event& event) { events.push_back(event.data); });
  reader.feed("id: 1\ndata: a\n\nid: 2\ndata: half");

  reader.restart();
  reader.feed("data: b\n\n");

  EXPECT_EQ(events, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(reader.last_id(), "1");
}

}  // namespace
}  // namespace restante::request
