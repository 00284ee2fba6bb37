// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

// What several connections brought behind the beginning of a content, after stops, kills and power cuts.
namespace restante::jobs::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t block = 4096;
const std::string a_url = "http://content.test/a.bin";

auto is_span(std::uint64_t begin, std::uint64_t end) {
  return AllOf(Field(&Span::begin, begin), Field(&Span::end, end));
}

/// 30 MiB, of which come: 4 MiB from the beginning on, 6 MiB from 10 MiB on, 3 MiB from 20 MiB on.
class Apart : public Place {
protected:
  Apart() {
    for (std::uint64_t at = 0; at < 30 * 16; ++at)
      body += std::string(64 << 10, static_cast<char>(1 + at % 255));
    body += "the end";
    first.body = body;
    first.cut_at = 4 * mib;
    first.apart = {{10 * mib, 16 * mib}, {20 * mib, 23 * mib}};
    first.hangs = true;
    limits.sync_every_bytes = mib;
  }

  void begin(std::vector<Script> then) {
    then.insert(then.begin(), first);
    transfers.on(a_url, then);
    start();
    id = accept({});
    until([&] { return view(id).files.at(0).checkpoint.synced_bytes == *first.cut_at; },
          "a checkpoint is saved");
  }

  void boot_the_machine() {
    std::function<Result<void>(Tx&)> work = [&](Tx& tx) -> Result<void> {
      FileRow row = tx.repo<JobRecords>().files(id).value().at(0);
      row.checkpoint.boot_id = "another";
      return tx.repo<JobRecords>().save_file(id, row);
    };
    ASSERT_TRUE(run(store->write(work)).has_value());
  }

  void damage(std::uint64_t at) {
    std::fstream file(shelf->path(id, 0, 0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at)).put('!');
  }

  /// How it goes on after the next start; the file is right in the end.
  Asked goes_on() {
    start();
    until(id, State::done);
    EXPECT_TRUE(shelf->files.at("a.bin") == body);
    return transfers.asked.at(1);
  }

  std::string body;
  Script first;
  JobId id;
};

TEST_F(Apart, CountsAsReceivedWhereverItLies) {
  begin({{.body = body}});

  EXPECT_EQ(view(id).live->received_bytes, 13 * mib);
}

TEST_F(Apart, StaysAfterAStop) {
  begin({{.body = body}});
  stop();

  const Asked asked = goes_on();

  // Its file says what is there, up to a block.
  EXPECT_EQ(asked.offset, 4 * mib - block);
  EXPECT_THAT(asked.have,
              ElementsAre(is_span(10 * mib, 16 * mib - block), is_span(20 * mib, 23 * mib - block)));
}

TEST_F(Apart, StaysAfterAKillToTheLastBlockWritten) {
  begin({{.body = body}});
  crash();
  {
    std::fstream file(shelf->path(id, 0, 0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 * mib).write(body.data() + 16 * mib, mib + 5);
  }

  const Asked asked = goes_on();

  EXPECT_EQ(asked.offset, 4 * mib - block);
  EXPECT_THAT(asked.have, ElementsAre(is_span(10 * mib, 17 * mib), is_span(20 * mib, 23 * mib - block)));
}

TEST_F(Apart, AfterAnotherBootIsWhatWasSynced) {
  begin({{.body = body}});
  crash();
  boot_the_machine();
  {
    std::fstream file(shelf->path(id, 0, 0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 * mib).write(body.data() + 16 * mib, mib);
  }

  const Asked asked = goes_on();

  EXPECT_EQ(asked.offset, 4 * mib);
  EXPECT_THAT(asked.have, ElementsAre(is_span(10 * mib, 16 * mib), is_span(20 * mib, 23 * mib)));
}

TEST_F(Apart, AfterAnotherBootEndsInFrontOfAPieceThatDiffers) {
  begin({{.body = body}});
  crash();
  boot_the_machine();
  damage(15 * mib);
  damage(21 * mib);

  EXPECT_THAT(goes_on().have, ElementsAre(is_span(10 * mib, 14 * mib)));
}

TEST_F(Apart, IsGoneWithAPartialFileOfOtherContent) {
  first.etag = "";  // nothing to go on by
  begin({{.body = body}});
  crash();

  const Asked asked = goes_on();

  EXPECT_EQ(asked.offset, 0u);
  EXPECT_THAT(asked.have, IsEmpty());
  EXPECT_EQ(shelf->publications.at(0).generation, 1);
}

TEST_F(Apart, IsTakenIntoTheBeginningOnceThatReachesIt) {
  first.cut_at = 10 * mib;
  begin({{.body = body}});
  stop();

  const Asked asked = goes_on();

  EXPECT_EQ(asked.offset, 16 * mib - block);
  EXPECT_THAT(asked.have, ElementsAre(is_span(20 * mib, 23 * mib - block)));
}

TEST_F(Apart, OnlyContentServersOfTheWebGetSeveralConnections) {
  transfers.on(a_url, {{.body = body}});
  transfers.on("ftp://content.test/a.bin", {{.body = body}});
  limits.connections_per_download = 3;
  start();

  until(accept({.id = id_number(1)}), State::done);
  until(accept({.id = id_number(2), .urls = {{"ftp://content.test/a.bin"}}}), State::done);
  until(accept({.id = id_number(3), .file_members = ",\"size\":1048575"}), State::failed);

  EXPECT_EQ(transfers.asked.at(0).connections, 3);
  EXPECT_EQ(transfers.asked.at(1).connections, 1);
  EXPECT_EQ(transfers.asked.at(2).connections, 1) << "it is small";
}

}  // namespace
}  // namespace restante::jobs::test
