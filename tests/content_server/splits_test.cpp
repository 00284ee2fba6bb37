// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"
#include "raw_rows.hpp"
#include "replay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/resource.h>
#include <tuple>
#include <unistd.h>

// Every row of the catalogue over plain and TLS, cut behind every byte of its heads: what a content server
// says must not depend on how the network cuts it up.
namespace restante::test {
namespace {

using jobs::Outcome;

constexpr std::size_t at_once = 48;

struct Case {
  const RawRow* row = nullptr;
  bool tls = false;
  Cut cut;
};

std::string words(const Case& one) {
  std::string cut = "whole";
  if (one.cut.how == Cut::How::every_byte) cut = "byte by byte";
  if (one.cut.how == Cut::How::once) cut = "cut behind byte " + std::to_string(one.cut.at);
  return one.row->name + (one.tls ? " over TLS, " : " over plain, ") + cut + " of answer " +
         std::to_string(one.cut.answer);
}

/// Why the transfer did not end as it must; empty: it did.
std::string fault(const Case& one, const Fetched& got) {
  const Ending& wanted = one.tls && one.row->over_tls ? *one.row->over_tls : one.row->ending;
  const auto& result = got.result;
  // Cut at the end of what was announced: nobody listens any more when the excess comes.
  const bool early = one.row->may_end_before_excess && one.cut.how != Cut::How::whole &&
                     result.outcome == Outcome::complete && got.file == wanted.file;
  if (early) return {};
  const auto number = [](auto value) { return std::to_string(static_cast<int>(value)); };
  if (result.outcome != wanted.outcome)
    return "outcome " + number(result.outcome) + " instead of " + number(wanted.outcome) + ", " +
           std::string(info(result.reason).code) + ": " + result.message;
  if (wanted.reason && result.reason != *wanted.reason)
    return std::string(info(result.reason).code) + " instead of " + std::string(info(*wanted.reason).code) +
           ": " + result.message;
  if (!wanted.file) return {};
  const std::string good = got.file.substr(0, result.received_bytes);
  return good == *wanted.file ? std::string()
                              : std::to_string(good.size()) + " other bytes than the wanted " +
                                    std::to_string(wanted.file->size());
}

/// The worker and the server that plays, for all cases.
class Splits : public testing::Test {
protected:
  explicit Splits(Replay::Validity validity = {-3600, 86400}) : replay_(10, validity) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const int fd = ::mkstemp(roots_.data());
    const std::string pem = replay_.ca_pem();
    if (::write(fd, pem.data(), pem.size()) != ssize_t(pem.size())) throw std::runtime_error("write");
    ::close(fd);
    worker_ = std::make_unique<WorkerDriver>(roots_, [this](int socket) { replay_.client_socket(socket); });
  }
  ~Splits() override { ::unlink(roots_.c_str()); }

  /// Runs them all, several at once; the faults, and for each case what was sent.
  std::vector<std::string> run(const std::vector<Case>& cases,
                               std::vector<std::vector<std::string>>* sent = nullptr) {
    std::vector<std::string> faults;
    const auto next = [&](std::size_t i) {
      const Case& one = cases[i];
      jobs::TransferOrder order;
      const std::string path = replay_.add(number_of(i), one.row->script, one.cut, one.row->leaf);
      order.source.url = replay_.origin(one.tls, static_cast<int>(i)) + path;
      order.stall = Millis(20000);
      if (one.row->change) one.row->change(order);
      return std::pair(std::move(order), one.row->held);
    };
    const auto done = [&](std::size_t i, const Fetched& got) {
      auto answers = replay_.finished(number_of(i));
      if (sent != nullptr) (*sent)[i] = std::move(answers);
      if (const std::string why = fault(cases[i], got); !why.empty())
        faults.push_back(words(cases[i]) + ": " + why);
    };
    worker_->fetch_many(cases.size(), at_once, next, done);
    first_ += static_cast<std::uint32_t>(cases.size());
    return faults;
  }

  std::uint32_t number_of(std::size_t i) const { return first_ + static_cast<std::uint32_t>(i); }

  std::string roots_ = "/tmp/restante-replay-XXXXXX";
  Replay replay_;
  std::unique_ptr<WorkerDriver> worker_;
  std::uint32_t first_ = 1;
};

std::size_t end_of_heads(const std::string& answer) {
  std::size_t end = 0;
  for (std::size_t at = 0; answer.compare(at, 5, "HTTP/") == 0;) {  // interim answers, too
    const std::size_t blank = std::min(answer.find("\r\n\r\n", at), answer.find("\n\n", at));
    if (blank == std::string::npos) return answer.size();
    end = blank + (answer[blank] == '\r' ? 4 : 2);
    at = end;
  }
  return end == 0 ? answer.size() : end;
}

/// Behind which bytes of an answer it is cut: every one of the heads, and the interesting ones of the body.
std::vector<std::size_t> places(const RawRow& row, const std::string& answer) {
  std::vector<std::size_t> all;
  const std::size_t head = end_of_heads(answer);
  for (std::size_t at = 1; at < answer.size(); ++at) {
    const std::size_t left = answer.size() - at;
    const bool interesting = at <= head + 1 || left <= 2 || left == (answer.size() - head) / 2;
    const bool line = answer[at - 1] == '\n' || answer[at - 1] == '\r' || answer[at] == '\r';
    if (interesting || row.every_position || (line && row.script && answer.size() < 400)) all.push_back(at);
  }
  return all;
}

std::vector<Case> whole_ones(const std::vector<RawRow>& rows) {
  std::vector<Case> cases;
  for (const RawRow& row : rows) {
    for (const bool tls : {false, true}) cases.push_back({&row, tls, {}});
  }
  return cases;
}

std::vector<Case> cut_ones(const std::vector<Case>& whole,
                           const std::vector<std::vector<std::string>>& sent) {
  std::vector<Case> cases;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (std::size_t answer = 0; answer < sent[i].size(); ++answer) {
      const auto& bytes = sent[i][answer];
      if (bytes.size() < 2) continue;
      for (const std::size_t at : places(*whole[i].row, bytes))
        cases.push_back({whole[i].row, whole[i].tls, {Cut::How::once, answer, at}});
      if (bytes.size() < 1000)
        cases.push_back({whole[i].row, whole[i].tls, {Cut::How::every_byte, answer, 0}});
    }
  }
  return cases;
}

/// RESTANTE_ROWS=TEXT: only those with TEXT in their name, for whoever looks for a fault.
std::vector<RawRow> chosen_rows() {
  std::vector<RawRow> rows = raw_rows();
  const char* text = std::getenv("RESTANTE_ROWS");
  if (text != nullptr) {
    std::erase_if(rows, [text](const RawRow& row) { return row.name.find(text) == std::string::npos; });
  }
  return rows;
}

std::string first_of(const std::vector<std::string>& faults) {
  std::string text = std::to_string(faults.size()) + " faults";
  for (std::size_t i = 0; i < std::min<std::size_t>(faults.size(), 40); ++i) text += "\n  " + faults[i];
  return text;
}

TEST_F(Splits, EveryRowEndsAsItMustHoweverItsAnswersAreCut) {
  const std::vector<RawRow> rows = chosen_rows();
  const std::vector<Case> whole = whole_ones(rows);
  std::vector<std::vector<std::string>> sent(whole.size());

  const auto faults = run(whole, &sent);
  EXPECT_TRUE(faults.empty()) << first_of(faults);
  const std::vector<Case> cut = cut_ones(whole, sent);
  const auto more = run(cut);

  EXPECT_TRUE(more.empty()) << first_of(more);
  EXPECT_GT(cut.size(), 40 * whole.size()) << "every byte of the heads is a place to cut";
  RecordProperty("transfers", static_cast<int>(whole.size() + cut.size()));
  std::printf("%zu rows and twins, %zu transfers\n", rows.size(), whole.size() + cut.size());
}

TEST_F(Splits, AWrongExpectationIsNoticed) {
  std::vector<RawRow> wrong;
  for (const RawRow& row : raw_rows()) {
    if (row.name != "M1" && row.name != "Plain" && row.name != "M6Twin") continue;
    for (int kind = 0; kind < 3; ++kind) {
      wrong.push_back(row);
      Ending& ending = wrong.back().ending;
      const bool good = ending.outcome == Outcome::complete;
      if (kind == 0) ending.outcome = good ? Outcome::failed : Outcome::complete;
      if (kind == 1) ending.reason = Reason::tls;
      if (kind == 2) ending.file = *ending.file + "?";
    }
  }
  ASSERT_EQ(wrong.size(), 9U);

  const auto cases = whole_ones(wrong);

  EXPECT_EQ(run(cases).size(), cases.size());
}

class Expired : public Splits {
protected:
  Expired() : Splits({-10 * 86400, -5 * 86400}) {}
};
class NotYetValid : public Splits {
protected:
  NotYetValid() : Splits({5 * 86400, 10 * 86400}) {}
};

/// Why the only row over TLS did not come.
std::string message_of(Replay& replay, WorkerDriver& worker) {
  const Script nothing = [](std::size_t, std::uint64_t) { return Answer{}; };
  jobs::TransferOrder order;
  order.source.url = replay.origin(true, 0) + replay.add(1, nothing, {}, "x.bin");
  const Fetched got = worker.fetch(std::move(order));
  EXPECT_EQ(got.result.reason, Reason::tls);
  return got.result.message;
}

TEST_F(Expired, IsSaidToHaveRunOut) {
  const std::string message = message_of(replay_, *worker_);

  EXPECT_NE(message.find("ran out on"), std::string::npos) << message;
  EXPECT_EQ(message.find("clock"), std::string::npos) << message;
}

TEST_F(NotYetValid, SpeaksOfTheClockOfThePlace) {
  const std::string message = message_of(replay_, *worker_);

  EXPECT_NE(message.find("valid only from"), std::string::npos) << message;
  EXPECT_NE(message.find("clock of this place seems to be behind"), std::string::npos) << message;
}

}  // namespace
}  // namespace restante::test
