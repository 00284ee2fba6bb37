// SPDX-License-Identifier: Apache-2.0
#include "request/fetch.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "request/test_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::request {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

void put(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// A file at a place that serves ranges as the real one does.
struct Shelf {
  std::string bytes = [] {
    std::string out;
    for (int i = 0; i < 50000; ++i) out += static_cast<char>('a' + i * 7 % 26);
    return out;
  }();
  std::string etag = "\"f-1\"";
  bool with_digest = true;
  std::string false_digest;
  std::size_t cut_after = std::string::npos;  ///< bytes of a body, of the first `cuts` answers
  int cuts = 0;
  std::vector<std::string> requests;

  std::string answer(const std::string& request) {
    requests.push_back(request);
    std::size_t from = 0;
    const auto range = request.find("Range: bytes=");
    const bool fits = request.find("If-Range: " + etag) != request.npos;
    if (range != request.npos && fits) from = std::strtoull(request.c_str() + range + 13, nullptr, 10);
    std::string head = "ETag: " + etag + "\r\nAccept-Ranges: bytes\r\n";
    if (with_digest) {
      const auto digest = sha256(false_digest.empty() ? bytes : false_digest);
      head += "Repr-Digest: sha-256=:" +
              to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()}) + ":\r\n";
    }
    if (from > 0 && from >= bytes.size())
      return net::stub_answer(
          416, "Content-Range: bytes */" + std::to_string(bytes.size()) + "\r\n" + problem_header,
          R"({"type":"/problems/range"})");
    std::string body = bytes.substr(from);
    std::string out = from > 0 ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " +
                                     std::to_string(from) + "-" + std::to_string(bytes.size() - 1) + "/" +
                                     std::to_string(bytes.size()) + "\r\n"
                               : "HTTP/1.1 200 OK\r\n";
    out += head + "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (cuts > 0) {
      --cuts;
      return out + "Connection: close\r\n\r\n" + body.substr(0, cut_after);
    }
    return out + "\r\n" + body;
  }
};

struct Taking {
  Shelf shelf;
  TestPlace place{[this](const std::string& request) { return shelf.answer(request); }};
  TestFolder folder;
  std::filesystem::path target = folder / "film.mp4";

  Result<Fetched> run(Fetch::Existing existing = Fetch::Existing::refused) {
    Fetch fetch;
    fetch.file_id = "f";
    fetch.path = target;
    fetch.existing = existing;
    fetch.limits.pause = std::chrono::milliseconds(1);
    return fetch_file(place.calls, fetch);
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(target.parent_path()), {}));
  }
};

TEST(Fetch, TakesAFileAndProvesIt) {
  Taking taking;

  const auto done = taking.run();

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(content_of(taking.target), taking.shelf.bytes);
  EXPECT_TRUE(done->proven);
  EXPECT_EQ(done->size_bytes, taking.shelf.bytes.size());
  EXPECT_EQ(done->sha256.size(), 64u);
  EXPECT_EQ(taking.entries(), 1u);
}

TEST(Fetch, SaysWhenNoDigestIsKnown) {
  Taking taking;
  taking.shelf.with_digest = false;

  const auto done = taking.run();

  ASSERT_TRUE(done);
  EXPECT_FALSE(done->proven);
}

TEST(Fetch, TakesAnEmptyFile) {
  Taking taking;
  taking.shelf.bytes.clear();

  ASSERT_TRUE(taking.run());
  EXPECT_TRUE(std::filesystem::exists(taking.target));
  EXPECT_EQ(taking.entries(), 1u);
}

TEST(Fetch, RefusesAnExistingFileWithoutAskingThePlace) {
  Taking taking;
  put(taking.target, "mine");

  const auto done = taking.run();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::in_use);
  EXPECT_EQ(content_of(taking.target), "mine");
  EXPECT_TRUE(taking.shelf.requests.empty());
  EXPECT_EQ(taking.entries(), 1u);
}

TEST(Fetch, ReplacesItWhenAsked) {
  Taking taking;
  put(taking.target, "mine");

  ASSERT_TRUE(taking.run(Fetch::Existing::replaced));
  EXPECT_EQ(content_of(taking.target), taking.shelf.bytes);
  EXPECT_EQ(taking.entries(), 1u);
}

TEST(Fetch, GoesOnWhereAnEarlierRunStopped) {
  Taking taking;
  put(taking.target.string() + ".part", taking.shelf.bytes.substr(0, 30000));
  put(taking.target.string() + ".part.etag", taking.shelf.etag);

  const auto done = taking.run();

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->resumed_at, 30000u);
  EXPECT_TRUE(done->proven);
  EXPECT_EQ(content_of(taking.target), taking.shelf.bytes);
  EXPECT_THAT(taking.shelf.requests[0], HasSubstr("Range: bytes=30000-\r\n"));
  EXPECT_EQ(taking.entries(), 1u);
}

TEST(Fetch, BeginsAnewWhenTheFileIsAnotherOneNow) {
  Taking taking;
  put(taking.target.string() + ".part", std::string(30000, 'x'));
  put(taking.target.string() + ".part.etag", "\"f-0\"");

  const auto done = taking.run();

  ASSERT_TRUE(done);
  EXPECT_EQ(done->resumed_at, 0u);
  EXPECT_EQ(content_of(taking.target), taking.shelf.bytes);
}

TEST(Fetch, BeginsAnewWithoutAnETagOrWithTooManyBytes) {
  Taking taking;
  put(taking.target.string() + ".part", taking.shelf.bytes.substr(0, 30000));
  ASSERT_TRUE(taking.run());
  EXPECT_THAT(taking.shelf.requests[0], Not(HasSubstr("Range")));

  Taking longer;
  put(longer.target.string() + ".part", longer.shelf.bytes + "more");
  put(longer.target.string() + ".part.etag", longer.shelf.etag);
  ASSERT_TRUE(longer.run());
  EXPECT_EQ(content_of(longer.target), longer.shelf.bytes);
}

TEST(Fetch, ConnectsAgainAfterCuts) {
  Taking taking;
  taking.shelf.cuts = 8;
  taking.shelf.cut_after = 4000;

  const auto done = taking.run();

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(content_of(taking.target), taking.shelf.bytes);
  EXPECT_EQ(taking.shelf.requests.size(), 9u);
}

TEST(Fetch, GivesUpAfterCutsWithoutProgressAndKeepsWhatCame) {
  Taking taking;
  taking.shelf.cuts = 1;
  taking.shelf.cut_after = 4000;
  ASSERT_TRUE(taking.run());  // the shelf works
  std::filesystem::remove(taking.target);
  put(taking.target.string() + ".part", taking.shelf.bytes.substr(0, 4000));
  put(taking.target.string() + ".part.etag", taking.shelf.etag);
  taking.shelf.cuts = 100;
  taking.shelf.cut_after = 0;

  const auto done = taking.run();

  ASSERT_FALSE(done);
  EXPECT_EQ(content_of(taking.target.string() + ".part"), taking.shelf.bytes.substr(0, 4000));
  EXPECT_THAT(done.error().hint, HasSubstr("goes on where it stopped"));
}

TEST(Fetch, KeepsNothingWhenTheBytesAreWrong) {
  Taking taking;
  taking.shelf.false_digest = "something else";

  const auto done = taking.run();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::digest_mismatch);
  EXPECT_EQ(taking.entries(), 0u);
}

TEST(Fetch, FindsDamageInWhatAnEarlierRunLeft) {
  Taking taking;
  put(taking.target.string() + ".part", std::string(30000, '!'));
  put(taking.target.string() + ".part.etag", taking.shelf.etag);

  const auto done = taking.run();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::digest_mismatch);
  EXPECT_EQ(taking.entries(), 0u);
  EXPECT_TRUE(taking.run());
}

TEST(Fetch, LeavesNothingWhenThePlaceRefuses) {
  TestPlace place([](const std::string&) {
    return net::stub_answer(404, problem_header, R"({"type":"/problems/not-found","detail":"gone"})");
  });
  TestFolder folder;
  Fetch fetch;
  fetch.path = folder / "x";

  const auto done = fetch_file(place.calls, fetch);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "gone");
  EXPECT_FALSE(std::filesystem::exists(folder / "x.part"));
}

TEST(Fetch, SaysWhichPathCannotBeWritten) {
  Taking taking;
  taking.target = taking.folder / "missing/film.mp4";

  const auto done = taking.run();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::storage);
  EXPECT_THAT(done.error().message, HasSubstr("missing/film.mp4.part"));
}

TEST(Fetch, FollowsNothingThatSomebodyPutBesideTheFile) {
  Taking taking;
  put(taking.folder / "victim", "precious");
  const std::string part = taking.target.string() + ".part", etag = part + ".etag";

  std::filesystem::create_symlink(taking.folder / "victim", part);
  const auto by_link = taking.run();
  std::filesystem::remove(part);
  std::filesystem::create_hard_link(taking.folder / "victim", part);
  const auto by_hard_link = taking.run();
  std::filesystem::remove(part);
  std::filesystem::create_symlink(taking.folder / "victim", etag);
  const auto beside_link = taking.run();

  EXPECT_EQ(by_link.error().reason, Reason::in_use);
  EXPECT_EQ(by_hard_link.error().reason, Reason::in_use);
  ASSERT_TRUE(beside_link) << beside_link.error().message;
  EXPECT_EQ(content_of(taking.target), taking.shelf.bytes);
  EXPECT_EQ(content_of(taking.folder / "victim"), "precious");
}

TEST(Fetch, WaitsForNoPipe) {
  Taking taking;
  ASSERT_EQ(::mkfifo((taking.target.string() + ".part.etag").c_str(), 0666), 0);
  const auto beside_pipe = taking.run();
  std::filesystem::remove(taking.target);
  ASSERT_EQ(::mkfifo((taking.target.string() + ".part").c_str(), 0666), 0);
  const auto into_pipe = taking.run();

  EXPECT_TRUE(beside_pipe) << beside_pipe.error().message;
  EXPECT_EQ(into_pipe.error().reason, Reason::in_use);
}

TEST(Fetch, WritesToAPipeAndResumesThereToo) {
  Taking taking;
  taking.shelf.bytes.resize(20000);  // fits into a pipe's buffer
  taking.shelf.cuts = 2;
  taking.shelf.cut_after = 5000;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  FetchLimits limits;
  limits.pause = std::chrono::milliseconds(1);

  const auto done = fetch_to(taking.place.calls, "f", write_end.get(), limits);

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->proven);
  std::string got(30000, '\0');
  got.resize(static_cast<std::size_t>(::read(read_end.get(), got.data(), got.size())));
  EXPECT_EQ(got, taking.shelf.bytes);
}

}  // namespace
}  // namespace restante::request
