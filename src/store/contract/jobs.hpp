// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/contract/fixture.hpp"

namespace restante::store::test {

inline void expect_same_control(const jobs::Job& a, const jobs::Job& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.account, b.account);
  EXPECT_EQ(a.device, b.device);
  EXPECT_EQ(a.proxy_id, b.proxy_id);
  EXPECT_EQ(a.rev, b.rev);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.waiting_for, b.waiting_for);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.changed, b.changed);
  EXPECT_EQ(a.next_run, b.next_run);
  EXPECT_EQ(a.start, b.start);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.file_count, b.file_count);
  EXPECT_EQ(a.document_digest, b.document_digest);
  ASSERT_EQ(a.probe.has_value(), b.probe.has_value());
  if (!a.probe) return;
  EXPECT_EQ(a.probe->name, b.probe->name);
  EXPECT_EQ(a.probe->size_bytes, b.probe->size_bytes);
  EXPECT_EQ(a.probe->media_type, b.probe->media_type);
  EXPECT_EQ(a.probe->resumable, b.probe->resumable);
  EXPECT_EQ(a.probe->web_page, b.probe->web_page);
  EXPECT_EQ(a.probe->http_status, b.probe->http_status);
  EXPECT_EQ(a.probe->refused, b.probe->refused);
  EXPECT_EQ(a.probe->message, b.probe->message);
}

/// Every member has a value that is not its default.
inline jobs::Job full_job(int number, AccountId account) {
  jobs::Job job = some_job(number, account);
  job.rev = 3;
  job.state = jobs::State::held;
  job.waiting_for = jobs::WaitingFor::retry;
  job.reason = Reason::portal_suspected;
  job.message = "a sign-in page; \"quoted\" \xc3\xbc";
  job.attempt = 7;
  job.changed = at_ms(1'770'000'000'123);
  job.next_run = at_ms(1'770'000'000'456);
  job.start = at_ms(1'770'000'000'789);
  job.version = 9;
  job.probe = jobs::Probe{"name.bin", 1ull << 40, "text/html", true, true, 404, Reason::not_found, "gone"};
  job.file_count = 4;
  job.document = std::string("{\"text\":\"\xf0\x9f\x8e\x81 \\u0000\"}") + '\0' + "tail";
  job.secrets = std::string("\x01\x00\xff\x80 sealed", 11);
  job.document_digest = sha256(job.document);
  return job;
}

template <class Backend>
class JobRecordsContract : public StoreContract<Backend> {};
TYPED_TEST_SUITE_P(JobRecordsContract);

TYPED_TEST_P(JobRecordsContract, EveryMemberOfAJobComesBackAfterReopening) {
  const jobs::Job job = full_job(1, this->ada_);
  this->insert(job);

  this->reopen();

  const auto found = this->find(job.id);
  ASSERT_TRUE(found);
  expect_same_control(*found, job);
  EXPECT_EQ(found->document, job.document);
  EXPECT_EQ(found->secrets, job.secrets);
}

TYPED_TEST_P(JobRecordsContract, AJobWithoutAnythingOptionalComesBackSo) {
  jobs::Job job = some_job(1, this->ada_);
  job.next_run.reset();
  job.name.clear();
  this->insert(job);

  const auto found = this->find(job.id);

  ASSERT_TRUE(found);
  expect_same_control(*found, job);
  EXPECT_EQ(found->secrets, "");
  EXPECT_FALSE(this->find(job_id(2)));
}

TYPED_TEST_P(JobRecordsContract, InsertingAKnownIdChangesNothing) {
  jobs::Job job = some_job(1, this->ada_);
  this->insert(job);
  jobs::Job twin = job;
  twin.name = "other";

  EXPECT_FALSE(this->template put<bool>([&](Tx& tx) { return jobs_of(tx).insert(twin); }));

  EXPECT_EQ(this->find(job.id)->name, job.name);
}

TYPED_TEST_P(JobRecordsContract, AJobOfAnAccountThatDoesNotExistIsRefused) {
  const jobs::Job job = some_job(1, AccountId{4711});

  auto done = this->write([&](Tx& tx) -> Result<void> {
    auto made = jobs_of(tx).insert(job);
    if (!made) return fail(made.error());
    return {};
  });

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::storage);
  EXPECT_FALSE(this->find(job.id));
}

TYPED_TEST_P(JobRecordsContract, UpdateLeavesTheDocumentAlone) {
  const jobs::Job before = some_job(1, this->ada_);
  this->insert(before);
  jobs::Job changed = full_job(1, this->ada_);
  changed.document_digest = sha256("another");

  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).update(changed); }));

  const auto found = this->find(before.id);
  changed.document_digest = before.document_digest;
  expect_same_control(*found, changed);
  EXPECT_EQ(found->document, before.document);
  EXPECT_EQ(found->secrets, "");
}

TYPED_TEST_P(JobRecordsContract, ReplaceWritesTheDocumentToo) {
  this->insert(some_job(1, this->ada_));
  const jobs::Job changed = full_job(1, this->ada_);

  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).replace(changed); }));

  const auto found = this->find(changed.id);
  expect_same_control(*found, changed);
  EXPECT_EQ(found->document, changed.document);
  EXPECT_EQ(found->secrets, changed.secrets);
}

TYPED_TEST_P(JobRecordsContract, ChangingAnUnknownJobIsNotFound) {
  const jobs::Job job = some_job(1, this->ada_);
  jobs::HistoryRow row;
  row.job = job.id;

  auto updated = this->write([&](Tx& tx) { return jobs_of(tx).update(job); });
  auto replaced = this->write([&](Tx& tx) { return jobs_of(tx).replace(job); });
  auto saved = this->write([&](Tx& tx) { return jobs_of(tx).save_file(job.id, jobs::FileRow{}); });
  auto appended = this->write([&](Tx& tx) -> Result<void> {
    auto seq = jobs_of(tx).append_history(row);
    if (!seq) return fail(seq.error());
    return {};
  });

  for (const auto& result : {updated, replaced, saved, appended}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, Reason::not_found);
  }
}

TYPED_TEST_P(JobRecordsContract, ErasedSecretsAreGoneAndNothingElse) {
  const jobs::Job job = full_job(1, this->ada_);
  this->insert(job);

  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).erase_secrets(job.id); }));

  const auto found = this->find(job.id);
  EXPECT_EQ(found->secrets, "");
  EXPECT_EQ(found->document, job.document);
}

TYPED_TEST_P(JobRecordsContract, OtherSecretsTakeThePlaceOfThoseThatAreThereOnly) {
  const jobs::Job job = full_job(1, this->ada_), erased = full_job(2, this->ada_);
  this->insert(job);
  this->insert(erased);
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).erase_secrets(erased.id); }));

  for (const JobId id : {job.id, erased.id})
    ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).replace_secrets(id, "other"); }));

  EXPECT_EQ(this->find(job.id)->secrets, "other");
  EXPECT_EQ(this->find(job.id)->document, job.document);
  EXPECT_EQ(this->find(erased.id)->secrets, "");
}

TYPED_TEST_P(JobRecordsContract, SecretsOfJobsThatFailedLongAgoAreErased) {
  std::vector<jobs::Job> all;
  for (int i = 0; i < 4; ++i) all.push_back(full_job(i, this->ada_));
  for (jobs::Job& job : all) job.state = jobs::State::failed, job.changed = Instant(Seconds(100));
  all[0].state = jobs::State::held;
  all[1].changed = Instant(Seconds(200));
  for (const jobs::Job& job : all) this->insert(job);
  std::size_t erased = 0;
  const auto sweep = [&](std::size_t limit) {
    return this->write([&](Tx& tx) -> Result<void> {
      auto done = jobs_of(tx).erase_secrets_of_failed(Instant(Seconds(200)), limit);
      if (!done) return fail(std::move(done.error()));
      erased = *done;
      return {};
    });
  };

  ASSERT_TRUE(sweep(1));
  EXPECT_EQ(erased, 1U);
  ASSERT_TRUE(sweep(10));
  EXPECT_EQ(erased, 1U);

  EXPECT_NE(this->find(all[0].id)->secrets, "");
  EXPECT_NE(this->find(all[1].id)->secrets, "");
  EXPECT_EQ(this->find(all[2].id)->secrets, "");
  EXPECT_EQ(this->find(all[3].id)->secrets, "");
  ASSERT_TRUE(sweep(10));
  EXPECT_EQ(erased, 0U);
}

TYPED_TEST_P(JobRecordsContract, AnErasedJobTakesItsFilesAndHistoryAlong) {
  const jobs::Job job = some_job(1, this->ada_);
  this->insert(job);
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).save_file(job.id, jobs::FileRow{}); }));
  jobs::HistoryRow row;
  row.job = job.id;
  const auto seq = this->template put<std::int64_t>([&](Tx& tx) { return jobs_of(tx).append_history(row); });

  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).erase(job.id); }));

  EXPECT_FALSE(this->find(job.id));
  EXPECT_TRUE(
      this->template get<std::vector<jobs::FileRow>>([&](Tx& tx) { return jobs_of(tx).files(job.id); })
          .empty());
  EXPECT_TRUE(
      this->template get<std::vector<jobs::HistoryRow>>([&](Tx& tx) { return jobs_of(tx).history(job.id); })
          .empty());
  EXPECT_EQ(this->template get<std::int64_t>([&](Tx& tx) { return jobs_of(tx).last_seq(); }), seq);
}

TYPED_TEST_P(JobRecordsContract, ListsAreNewestFirstPageByPageAndOfOneAccount) {
  for (int i = 0; i < 7; ++i) this->insert(some_job(i, i % 7 == 3 ? this->bob_ : this->ada_));
  std::vector<JobId> seen;
  jobs::JobFilter filter;
  filter.limit = 2;

  for (int page = 0; page < 10; ++page) {
    auto got =
        this->template get<jobs::JobPage>([&](Tx& tx) { return jobs_of(tx).list(this->ada_, filter); });
    for (const auto& job : got.jobs) {
      seen.push_back(job.id);
      EXPECT_EQ(job.document, "");
    }
    filter.cursor = got.next_cursor;
    if (filter.cursor.empty()) break;
  }

  const std::vector<JobId> wanted{job_id(6), job_id(5), job_id(4), job_id(2), job_id(1), job_id(0)};
  EXPECT_EQ(seen, wanted);
}

TYPED_TEST_P(JobRecordsContract, ListsFilterByState) {
  for (int i = 0; i < 6; ++i) {
    jobs::Job job = some_job(i, this->ada_);
    job.state = i % 2 == 0 ? jobs::State::done : jobs::State::paused;
    if (i == 5) job.state = jobs::State::expired;
    this->insert(job);
  }
  jobs::JobFilter filter;
  filter.states = {jobs::State::paused, jobs::State::expired};

  auto page = this->template get<jobs::JobPage>([&](Tx& tx) { return jobs_of(tx).list(this->ada_, filter); });

  ASSERT_EQ(page.jobs.size(), 3u);
  EXPECT_EQ(page.jobs[0].id, job_id(5));
  EXPECT_EQ(page.jobs[1].id, job_id(3));
  EXPECT_EQ(page.jobs[2].id, job_id(1));
  EXPECT_EQ(page.next_cursor, "");
}

TYPED_TEST_P(JobRecordsContract, AForeignCursorIsInvalid) {
  for (const char* cursor : {"x", "12x", "-", "99999999999999999999999", " 1"}) {
    jobs::JobFilter filter;
    filter.cursor = cursor;

    auto page = read(*this->store_, [&](Tx& tx) -> Result<void> {
      auto got = jobs_of(tx).list(this->ada_, filter);
      if (!got) return fail(got.error());
      return {};
    });

    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().reason, Reason::invalid);
  }
}

TYPED_TEST_P(JobRecordsContract, OnlyJobsThatHaveNotEndedAreCounted) {
  int number = 0;
  for (auto state : {jobs::State::scheduled, jobs::State::waiting, jobs::State::running, jobs::State::paused,
                     jobs::State::held, jobs::State::done, jobs::State::failed, jobs::State::cancelled,
                     jobs::State::expired}) {
    jobs::Job job = some_job(number++, this->ada_);
    job.state = state;
    this->insert(job);
  }
  this->insert(some_job(100, this->bob_));

  auto count =
      this->template get<std::int64_t>([&](Tx& tx) { return jobs_of(tx).count_unended(this->ada_); });

  EXPECT_EQ(count, 5);
}

TYPED_TEST_P(JobRecordsContract, DueJobsComeSoonestFirstUpToTheHorizon) {
  const std::vector<std::pair<int, jobs::State>> rows{
      {50, jobs::State::waiting}, {10, jobs::State::scheduled}, {30, jobs::State::running},
      {20, jobs::State::waiting}, {60, jobs::State::scheduled}, {5, jobs::State::paused}};
  int number = 0;
  for (auto [ms, state] : rows) {
    jobs::Job job = some_job(number++, this->ada_);
    job.next_run = at_ms(ms);
    job.state = state;
    this->insert(job);
  }
  jobs::Job untimed = some_job(number, this->ada_);
  untimed.next_run.reset();
  this->insert(untimed);
  using Due = std::vector<jobs::JobRecords::Due>;

  auto due = this->template get<Due>([&](Tx& tx) { return jobs_of(tx).due_before(at_ms(60), 10); });
  auto first = this->template get<Due>([&](Tx& tx) { return jobs_of(tx).due_before(at_ms(1000), 1); });

  ASSERT_EQ(due.size(), 3u);
  EXPECT_EQ(due[0].id, job_id(1));
  EXPECT_EQ(due[0].at, at_ms(10));
  EXPECT_EQ(due[0].account, this->ada_);
  EXPECT_EQ(due[1].id, job_id(3));
  EXPECT_EQ(due[2].id, job_id(0));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].id, job_id(1));
}

TYPED_TEST_P(JobRecordsContract, AChangedDueTimeCounts) {
  jobs::Job job = some_job(1, this->ada_);
  job.next_run = at_ms(10);
  this->insert(job);
  job.next_run = at_ms(500);
  using Due = std::vector<jobs::JobRecords::Due>;

  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).update(job); }));

  EXPECT_TRUE(this->template get<Due>([&](Tx& tx) { return jobs_of(tx).due_before(at_ms(100), 9); }).empty());
  EXPECT_EQ(this->template get<Due>([&](Tx& tx) { return jobs_of(tx).due_before(at_ms(501), 9); }).size(),
            1u);
}

TYPED_TEST_P(JobRecordsContract, InterruptedJobsAreThoseThatWereAtWork) {
  int number = 0;
  for (auto state : {jobs::State::running, jobs::State::waiting, jobs::State::verifying,
                     jobs::State::publishing, jobs::State::done}) {
    jobs::Job job = some_job(number++, this->ada_);
    job.state = state;
    this->insert(job);
  }

  auto ids = this->template get<std::vector<JobId>>([&](Tx& tx) { return jobs_of(tx).interrupted(); });

  EXPECT_EQ(ids, (std::vector<JobId>{job_id(0), job_id(2), job_id(3)}));
}

TYPED_TEST_P(JobRecordsContract, FilesOfAJobComeBackWholeByIndex) {
  const jobs::Job job = some_job(1, this->ada_);
  this->insert(job);
  jobs::FileRow file;
  file.index = 2;
  file.state = jobs::FileState::publishing;
  file.reason = Reason::digest_mismatch;
  file.name = "folder/a.bin";
  file.media_type = "video/mp4";
  file.size_bytes = 1ull << 41;
  file.source = 1;
  file.generation = 5;
  file.checkpoint = {77, 66, "boot", "\"etag\"", "Mon", 88, true, true};
  file.checkpoint.apart = {{100, {5, std::string(piece_digest_bytes, '\xfe')}},
                           {200, {piece_bytes + 1, std::string(2 * piece_digest_bytes, 'b')}}};
  file.old = jobs::OldPartial{3, {55, 44, "before", "\"\xff\"", "Sun", 99, true, true}};
  file.wasted_bytes = 123;
  file.sha256 = std::string(64, 'a');
  file.verified = false;
  file.published = file_id(1);
  jobs::FileRow blank;
  blank.index = 2;
  jobs::FileRow plain;
  plain.index = 0;

  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).save_file(job.id, blank); }));
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).save_file(job.id, file); }));
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).save_file(job.id, plain); }));

  auto rows =
      this->template get<std::vector<jobs::FileRow>>([&](Tx& tx) { return jobs_of(tx).files(job.id); });
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].index, 0);
  EXPECT_EQ(rows[0].state, jobs::FileState::pending);
  EXPECT_FALSE(rows[0].size_bytes);
  EXPECT_FALSE(rows[0].published);
  EXPECT_TRUE(rows[0].verified);
  const jobs::FileRow& got = rows[1];
  EXPECT_EQ(got.index, 2);
  EXPECT_EQ(got.state, file.state);
  EXPECT_EQ(got.reason, file.reason);
  EXPECT_EQ(got.name, file.name);
  EXPECT_EQ(got.media_type, file.media_type);
  EXPECT_EQ(got.size_bytes, file.size_bytes);
  EXPECT_EQ(got.source, 1);
  EXPECT_EQ(got.generation, 5);
  EXPECT_EQ(got.checkpoint.written_bytes, 77u);
  EXPECT_EQ(got.checkpoint.synced_bytes, 66u);
  EXPECT_EQ(got.checkpoint.boot_id, "boot");
  EXPECT_EQ(got.checkpoint.etag, "\"etag\"");
  EXPECT_EQ(got.checkpoint.last_modified, "Mon");
  EXPECT_EQ(got.checkpoint.total_bytes, 88u);
  EXPECT_TRUE(got.checkpoint.ranges);
  EXPECT_TRUE(got.checkpoint.relinked);
  ASSERT_EQ(got.checkpoint.apart.size(), 2u);
  EXPECT_EQ(got.checkpoint.apart[0].begin, 100u);
  EXPECT_EQ(got.checkpoint.apart[0].pieces.digests, std::string(piece_digest_bytes, '\xfe'));
  EXPECT_EQ(got.checkpoint.apart[1].end(), 200 + piece_bytes + 1);
  EXPECT_EQ(got.wasted_bytes, 123u);
  ASSERT_TRUE(got.old);
  EXPECT_EQ(got.old->generation, 3);
  EXPECT_EQ(got.old->checkpoint.written_bytes, 55u);
  EXPECT_EQ(got.old->checkpoint.synced_bytes, 44u);
  EXPECT_EQ(got.old->checkpoint.boot_id, "before");
  EXPECT_EQ(got.old->checkpoint.etag, "\"\xff\"");
  EXPECT_EQ(got.old->checkpoint.last_modified, "Sun");
  EXPECT_EQ(got.old->checkpoint.total_bytes, 99u);
  EXPECT_TRUE(got.old->checkpoint.ranges);
  EXPECT_TRUE(got.old->checkpoint.relinked);
  EXPECT_FALSE(rows[0].old);
  EXPECT_EQ(got.sha256, file.sha256);
  EXPECT_FALSE(got.verified);
  EXPECT_EQ(got.published, file.published);
}

TYPED_TEST_P(JobRecordsContract, PiecesGrowReportByReportAndAreForgottenByGeneration) {
  const jobs::Job job = some_job(1, this->ada_);
  this->insert(job);
  this->insert(some_job(2, this->ada_));
  Pieces whole;
  whole.end_bytes = 200 * piece_bytes - 1;
  for (int i = 0; i < 200; ++i) whole.digests += std::string(16, static_cast<char>(i));
  const auto save = [&](std::uint64_t first, std::uint64_t end_bytes, int generation) {
    Pieces upto = whole;
    upto.digests.resize(pieces_in(end_bytes) * piece_digest_bytes);
    upto.end_bytes = end_bytes;
    const PieceReport report = report_from(upto, first);
    ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).save_pieces(job.id, 0, generation, report); }));
  };
  const auto stored = [&](int generation) {
    return this->template get<Pieces>([&](Tx& tx) { return jobs_of(tx).pieces(job.id, 0, generation); });
  };

  for (const std::uint64_t end :
       {std::uint64_t{1}, 63 * piece_bytes + 5, 64 * piece_bytes, 150 * piece_bytes + 7, whole.end_bytes}) {
    save(stored(1).end_bytes / piece_bytes, end, 1);
    EXPECT_EQ(stored(1).end_bytes, end);
    EXPECT_EQ(stored(1).digests, whole.digests.substr(0, pieces_in(end) * piece_digest_bytes));
  }
  save(3, 10 * piece_bytes, 2);
  EXPECT_EQ(stored(2).count(), 0u) << "a report that leaves a gap is not taken";
  save(0, 70 * piece_bytes, 2);
  save(2, 5 * piece_bytes, 2);
  EXPECT_EQ(stored(2).count(), 5u) << "what was cut off is forgotten";
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).erase_pieces(job.id, 0, 1); }));
  EXPECT_EQ(stored(1).count(), 0u);
  EXPECT_EQ(stored(2).count(), 5u);
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).erase_pieces(job.id, 0, std::nullopt); }));
  EXPECT_EQ(stored(2).count(), 0u);
}

TYPED_TEST_P(JobRecordsContract, HistoryIsNumberedThroughoutAndReadByJobAndByAccount) {
  this->insert(some_job(1, this->ada_));
  this->insert(some_job(2, this->bob_));
  std::vector<std::int64_t> seqs;
  for (int i = 0; i < 4; ++i) {
    jobs::HistoryRow row;
    row.job = job_id(i % 2 + 1);
    row.at = at_ms(100 + i);
    row.from = jobs::State::waiting;
    row.to = jobs::State::running;
    row.cause = "cause " + std::to_string(i);
    if (i == 0) row.reason = Reason::timeout;
    seqs.push_back(this->template put<std::int64_t>([&](Tx& tx) { return jobs_of(tx).append_history(row); }));
  }
  using Rows = std::vector<jobs::HistoryRow>;

  auto of_job = this->template get<Rows>([&](Tx& tx) { return jobs_of(tx).history(job_id(1)); });
  auto of_bob =
      this->template get<Rows>([&](Tx& tx) { return jobs_of(tx).history_since(this->bob_, seqs[1], 9); });
  auto limited =
      this->template get<Rows>([&](Tx& tx) { return jobs_of(tx).history_since(this->ada_, 0, 1); });

  EXPECT_LT(seqs[0], seqs[1]);
  EXPECT_LT(seqs[2], seqs[3]);
  ASSERT_EQ(of_job.size(), 2u);
  EXPECT_EQ(of_job[0].seq, seqs[0]);
  EXPECT_EQ(of_job[0].job, job_id(1));
  EXPECT_EQ(of_job[0].account, this->ada_);
  EXPECT_EQ(of_job[0].at, at_ms(100));
  EXPECT_EQ(of_job[0].from, jobs::State::waiting);
  EXPECT_EQ(of_job[0].to, jobs::State::running);
  EXPECT_EQ(of_job[0].cause, "cause 0");
  EXPECT_EQ(of_job[0].reason, Reason::timeout);
  EXPECT_FALSE(of_job[1].reason);
  ASSERT_EQ(of_bob.size(), 1u);
  EXPECT_EQ(of_bob[0].seq, seqs[3]);
  ASSERT_EQ(limited.size(), 1u);
  EXPECT_EQ(limited[0].seq, seqs[0]);
  EXPECT_EQ(this->template get<std::int64_t>([&](Tx& tx) { return jobs_of(tx).last_seq(); }), seqs[3]);
}

TYPED_TEST_P(JobRecordsContract, AnEventNumberIsNeverGivenTwice) {
  this->insert(some_job(1, this->ada_));
  this->insert(some_job(2, this->ada_));
  jobs::HistoryRow row;
  row.job = job_id(1);
  const auto first =
      this->template put<std::int64_t>([&](Tx& tx) { return jobs_of(tx).append_history(row); });
  ASSERT_TRUE(this->write([&](Tx& tx) { return jobs_of(tx).erase(job_id(1)); }));
  this->reopen();

  row.job = job_id(2);
  const auto next = this->template put<std::int64_t>([&](Tx& tx) { return jobs_of(tx).append_history(row); });

  EXPECT_GT(next, first);
}

REGISTER_TYPED_TEST_SUITE_P(
    JobRecordsContract, EveryMemberOfAJobComesBackAfterReopening, AJobWithoutAnythingOptionalComesBackSo,
    InsertingAKnownIdChangesNothing, AJobOfAnAccountThatDoesNotExistIsRefused, UpdateLeavesTheDocumentAlone,
    ReplaceWritesTheDocumentToo, ChangingAnUnknownJobIsNotFound, ErasedSecretsAreGoneAndNothingElse,
    OtherSecretsTakeThePlaceOfThoseThatAreThereOnly, SecretsOfJobsThatFailedLongAgoAreErased,
    AnErasedJobTakesItsFilesAndHistoryAlong, ListsAreNewestFirstPageByPageAndOfOneAccount, ListsFilterByState,
    AForeignCursorIsInvalid, OnlyJobsThatHaveNotEndedAreCounted, DueJobsComeSoonestFirstUpToTheHorizon,
    AChangedDueTimeCounts, InterruptedJobsAreThoseThatWereAtWork, FilesOfAJobComeBackWholeByIndex,
    PiecesGrowReportByReportAndAreForgottenByGeneration, HistoryIsNumberedThroughoutAndReadByJobAndByAccount,
    AnEventNumberIsNeverGivenTwice);

}  // namespace restante::store::test
