// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/pieces.hpp"
#include "base/text.hpp"
#include "driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

// One content over several connections, by the real worker.
namespace restante::test {
namespace {

using jobs::Outcome;
using namespace std::chrono_literals;

constexpr std::size_t mib = 1 << 20;

/// What /paced sends.
std::string paced_content(std::size_t mibs) {
  std::string all;
  for (const std::string block = content(mib); all.size() < mibs * mib;) all += block;
  return all;
}

std::string sha256(const std::string& bytes) {
  Hasher hasher("SHA256");
  hasher.update(bytes.data(), bytes.size());
  const std::string raw = hasher.finish();
  return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

class Segmented : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = new ContentServer;
    worker_ = new WorkerDriver(server_->ca_file);
  }
  static void TearDownTestSuite() {
    delete worker_;
    delete server_;
  }

  static jobs::TransferOrder order(std::size_t mibs, const std::string& more = {}, int connections = 4) {
    jobs::TransferOrder order;
    order.source.url = server_->http + "/paced?mib=" + std::to_string(mibs) + "&rate=1000000" + more;
    order.connections = connections;
    order.stall = Millis(1500);
    return order;
  }
  struct Timed {
    Fetched fetched;
    std::chrono::duration<double> time{};
  };
  static Timed fetch(jobs::TransferOrder order, const std::string& held = {}) {
    const auto begun = std::chrono::steady_clock::now();
    Timed timed;
    timed.fetched = worker_->fetch(std::move(order), held);
    timed.time = std::chrono::steady_clock::now() - begun;
    return timed;
  }
  static std::size_t askings(const Fetched& fetched) { return fetched.resolved.size(); }
  static void expect_whole(const Fetched& fetched, std::size_t mibs) {
    EXPECT_EQ(fetched.result.outcome, Outcome::complete) << fetched.result.message;
    EXPECT_EQ(fetched.result.received_bytes, mibs * mib);
    EXPECT_TRUE(fetched.result.apart.empty());
    EXPECT_TRUE(fetched.file == paced_content(mibs));
  }

  static jobs::TransferOrder with_mirror(const std::string& of_first, const std::string& of_mirror) {
    auto wanted = order(4, of_first);
    wanted.digest_algorithm = "sha-256";
    wanted.digest_hex = sha256(paced_content(4));
    jobs::OtherSource mirror;
    mirror.source.url = server_->other + "/paced?mib=4&rate=1000000" + of_mirror;
    wanted.others.push_back(std::move(mirror));
    return wanted;
  }
  /// Fetched at the same time, once: pacing takes its time.
  static const std::map<std::string, Fetched>& together();

  static ContentServer* server_;
  static WorkerDriver* worker_;
};
ContentServer* Segmented::server_ = nullptr;
WorkerDriver* Segmented::worker_ = nullptr;

/// What second connections meet: M63, and whatever else.
const std::vector<std::string>& second_answers() {
  static const std::vector<std::string> all{"429", "503", "403", "reset", "whole", "changed", "cut", "stall"};
  return all;
}

const std::map<std::string, Fetched>& Segmented::together() {
  static std::map<std::string, Fetched> all;
  if (!all.empty()) return all;
  std::vector<std::string> names{"plain", "one", "dies", "mixed"};
  std::vector<jobs::TransferOrder> orders;
  orders.push_back(order(4, "&of=plain"));
  orders.back().digest_algorithm = "sha-256";
  orders.push_back(order(4, "&of=one", 1));
  orders.push_back(with_mirror("&dies=1600000", "&of=dies"));
  orders.push_back(with_mirror("&mirror=wrong", "&flip=1"));
  for (const std::string& one : second_answers()) {
    names.push_back(one);
    orders.push_back(order(4, "&second=" + one));
    // A content server is asked so often at once and no more.
    orders.back().source.url.replace(0, server_->http.size(), server_->other);
    if (orders.size() > 10) orders.back().source.url.replace(0, server_->other.size(), server_->http);
  }
  std::vector<Fetched> fetched = worker_->fetch_all(std::move(orders));
  for (std::size_t i = 0; i < names.size(); ++i) all[names[i]] = std::move(fetched[i]);
  return all;
}

TEST_F(Segmented, SeveralConnectionsBringTheContentWithItsDigest) {
  const Fetched& fetched = together().at("plain");

  expect_whole(fetched, 4);
  EXPECT_GT(askings(fetched), 1u);
  EXPECT_EQ(fetched.result.digest_hex, sha256(paced_content(4)));
}

TEST_F(Segmented, OneConnectionStaysOne) {
  expect_whole(together().at("one"), 4);
  EXPECT_EQ(askings(together().at("one")), 1u);
}

/// The first connection brings the rest.
TEST_F(Segmented, WhatASecondConnectionMeetsIsNoHarm) {
  for (const std::string& one : second_answers()) {
    SCOPED_TRACE(one);
    expect_whole(together().at(one), 4);
    EXPECT_GT(askings(together().at(one)), 1u);
  }
}

TEST_F(Segmented, AnotherServerGoesOnWhereTheFirstOneDies) {
  expect_whole(together().at("dies"), 4);
}

TEST_F(Segmented, AServerThatHasOtherBytesIsAskedNoMore) {
  ASSERT_EQ(together().at("mixed").result.outcome, Outcome::restart);
  EXPECT_EQ(together().at("mixed").result.reason, Reason::digest_mismatch);

  expect_whole(worker_->fetch(with_mirror("&mirror=wrong", "&flip=1")), 4);
}

TEST_F(Segmented, WhatLiesApartIsToldAndGoneOnWith) {
  const std::string all = paced_content(4);
  std::map<std::uint64_t, Pieces> told;
  const auto note = [&told](const std::vector<SpanReport>& spans) {
    for (const SpanReport& span : spans) EXPECT_TRUE(add(told[span.begin], span.pieces)) << span.begin;
  };
  int reports = 0;
  const Fetched stopped = worker_->fetch(order(4), {}, [&](const worker::ToServer& message) {
    const auto* progress = std::get_if<worker::Progress>(&message);
    if (progress == nullptr) return true;
    note(progress->apart);
    return progress->apart.empty() || ++reports < 2;
  });
  note(stopped.result.apart);
  ASSERT_EQ(stopped.result.outcome, Outcome::stopped);
  ASSERT_FALSE(stopped.result.apart.empty());

  auto again = order(4);
  again.connections = 1;
  again.offset = stopped.result.received_bytes;
  again.if_range = stopped.responded.at(0).etag;
  std::string here(all.size(), '?');
  here.replace(0, again.offset, all, 0, again.offset);
  for (const SpanReport& span : stopped.result.apart) {
    PieceHasher hasher;
    const std::uint64_t bytes = span.pieces.end_bytes;
    ASSERT_EQ(stopped.file.substr(span.begin, bytes), all.substr(span.begin, bytes));
    hasher.update(std::string_view(all).substr(span.begin, bytes));
    EXPECT_EQ(told[span.begin].digests, hasher.report().digests);
    again.have.push_back({span.begin, span.end()});
    here.replace(span.begin, bytes, all, span.begin, bytes);
  }
  const UniqueFd file(::memfd_create("partial", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), here.data(), here.size(), 0), ssize_t(here.size()));
  again.out.reset(::dup(file.get()));
  const Fetched whole = worker_->fetch(std::move(again));

  ASSERT_EQ(::pread(file.get(), here.data(), here.size(), 0), ssize_t(here.size()));
  EXPECT_EQ(whole.result.outcome, Outcome::complete) << whole.result.message;
  EXPECT_TRUE(here == all);
}

TEST_F(Segmented, WhatLiesApartOfAnotherContentIsNotGoneOnWith) {
  auto wanted = order(4);
  wanted.if_range = "\"v0\"";
  wanted.have = {{2 * mib, 3 * mib}};

  const Timed timed = fetch(std::move(wanted));

  EXPECT_EQ(timed.fetched.result.outcome, Outcome::restart);
  EXPECT_EQ(timed.fetched.result.reason, Reason::source_changed);
}

}  // namespace
}  // namespace restante::test
