// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"
#include "base/text.hpp"
#include "store/sqlite/job_files.hpp"
#include "store/sqlite/records.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace restante::store::sqlite {
namespace {

using jobs::FileRow;
using jobs::HistoryRow;
using jobs::Job;
using jobs::JobFilter;
using jobs::JobPage;
using jobs::State;
using jobs::WaitingFor;

constexpr int state_count = static_cast<int>(State::expired) + 1;
constexpr int waiting_count = static_cast<int>(WaitingFor::origin_pause) + 1;
constexpr int longest_page = 1000;

static_assert(static_cast<int>(State::scheduled) == 0 && static_cast<int>(State::waiting) == 1,
              "the index jobs_due names these numbers");
static_assert(static_cast<int>(State::held) == 7 && static_cast<int>(State::failed) == 8 &&
                  static_cast<int>(State::expired) == 10,
              "the migration that counts failures names these numbers");
static_assert(static_cast<int>(State::running) == 2 && static_cast<int>(State::publishing) == 4,
              "the index jobs_active names these numbers");

constexpr std::int64_t bit(State state) {
  return std::int64_t{1} << static_cast<int>(state);
}

constexpr std::int64_t ended_states =
    bit(State::done) | bit(State::failed) | bit(State::cancelled) | bit(State::expired);
constexpr std::int64_t all_states = (std::int64_t{1} << state_count) - 1;

#define RESTANTE_CONTROL_COLUMNS                                                                    \
  "jobs.seq, jobs.id, jobs.account, origins.device, jobs.state, jobs.waiting_for, jobs.attempt, "   \
  "jobs.created, "                                                                                  \
  "jobs.changed, jobs.next_run, jobs.start, jobs.rev, jobs.version, jobs.file_count, jobs.reason, " \
  "jobs.message, jobs.probe, jobs.proxy_id, jobs.name, jobs.document_digest, jobs.started, "        \
  "jobs.occurrence"

// Whether the sums are right: of `control`, then (only together with the document) of `body`.
constexpr int control_sound_column = 22;
constexpr int body_sound_column = 23;
constexpr int document_column = 24;

// What the sums of a job's row are made of (migrations.cpp, versions 4 and 10).
#define RESTANTE_CONTROL_SUM                                                                     \
  "row_sum(jobs.id, jobs.state, jobs.waiting_for, jobs.attempt, jobs.changed, jobs.next_run, "   \
  "jobs.start, jobs.rev, jobs.version, jobs.file_count, jobs.reason, jobs.message, jobs.probe, " \
  "jobs.name, jobs.started, jobs.occurrence)"
#define RESTANTE_BODY_SUM                                                                           \
  "row_sum(jobs.id, jobs.account, jobs.origin, jobs.created, jobs.proxy_id, jobs.document_digest, " \
  "jobs.document)"

Job control_columns(Query& row) {
  Job job;
  row.blob_at(1, job.id.bytes.data(), job.id.bytes.size());
  job.account.value = row.number_at(2);
  job.device.value = row.text_at(3);
  job.state = enum_at<State>(row, 4, state_count);
  job.waiting_for = enum_at<WaitingFor>(row, 5, waiting_count);
  job.attempt = static_cast<int>(row.number_at(6));
  job.created = instant_from(row.number_at(7));
  job.changed = instant_from(row.number_at(8));
  job.next_run = optional_instant_at(row, 9);
  job.start = optional_instant_at(row, 10);
  job.rev = row.number_at(11);
  job.version = row.number_at(12);
  job.file_count = static_cast<int>(row.number_at(13));
  job.reason = reason_at(row, 14);
  job.message = row.text_at(15);
  job.probe = probe_from(row.text_at(16));
  job.proxy_id = row.text_at(17);
  job.name = row.text_at(18);
  row.blob_at(19, job.document_digest.data(), job.document_digest.size());
  job.started = optional_instant_at(row, 20);
  job.occurrence = optional_instant_at(row, 21);
  return job;
}

/// What can be shown of a job whose row holds other values than were written: that it is damaged. It has no
/// document, so it never runs (jobs::is_damaged).
Job damaged_job(JobId id, AccountId account, const std::string& name) {
  log::error("the record of job {} is damaged on the disk; the job does not run, the others go on",
             id.text());
  Job job;
  job.id = id;
  job.account = account;
  job.state = State::failed;
  job.reason = Reason::storage;
  job.message = "its record at the place was damaged; send it once more";
  job.proxy_id = id.text();
  job.name = name.empty() || !is_utf8(name) ? id.text() : name;
  return job;
}

class SqliteJobRecords final : public jobs::JobRecords {
public:
  explicit SqliteJobRecords(Connection& connection) : connection_(connection), files_(connection) {}

  Result<bool> insert(const Job& job) override {
    return attempt(connection_, [&]() -> Result<bool> {
      const std::int64_t origin = origin_of(job.device);
      const std::string probe = probe_to_column(job.probe);
      Query query(connection_, insert_);
      query.blob(job.id.bytes.data(), job.id.bytes.size())
          .number(job.account.value)
          .number(origin)
          .number(number_of(job.state))
          .number(number_of(job.waiting_for))
          .number(job.attempt)
          .number(to_column(job.created))
          .number(to_column(job.changed))
          .number(to_column(job.next_run))
          .number(to_column(job.start))
          .number(job.rev)
          .number(job.version)
          .number(job.file_count);
      bind_reason(query, job.reason)
          .text_or_null(job.message)
          .text_or_null(probe)
          .text(job.proxy_id)
          .text(job.name)
          .blob(job.document_digest.data(), job.document_digest.size())
          .text(job.document)
          .blob_or_null(job.secrets)
          .number(to_column(job.occurrence))
          .run();
      return connection_.db().getChanges() > 0;
    });
  }

  Result<std::optional<Job>> find(JobId id) override {
    return attempt(connection_, [&]() -> Result<std::optional<Job>> {
      Query query(connection_, find_);
      query.blob(id.bytes.data(), id.bytes.size());
      if (!query.step()) return std::optional<Job>();
      const bool control_sound = query.number_at(control_sound_column) != 0;
      if (!control_sound || query.number_at(body_sound_column) == 0)
        return std::optional<Job>(
            damaged_job(id, AccountId{query.number_at(2)}, control_sound ? query.text_at(18) : ""));
      Job job = control_columns(query);
      job.document = query.text_at(document_column);
      job.secrets = query.text_at(document_column + 1);
      return std::optional<Job>(std::move(job));
    });
  }

  Result<void> update(const Job& job) override {
    return attempt(connection_, [&]() -> Result<void> {
      const std::string probe = probe_to_column(job.probe);
      Query query(connection_, update_);
      bind_control(query, job, probe)
          .blob(job.id.bytes.data(), job.id.bytes.size())
          .number(to_column(job.started))
          .run();
      if (connection_.db().getChanges() == 0) return no_such_job(job.id);
      return {};
    });
  }

  Result<void> replace(const Job& job) override {
    return attempt(connection_, [&]() -> Result<void> {
      const std::string probe = probe_to_column(job.probe);
      Query query(connection_, replace_);
      bind_control(query, job, probe)
          .blob(job.document_digest.data(), job.document_digest.size())
          .text(job.document)
          .blob_or_null(job.secrets)
          .blob(job.id.bytes.data(), job.id.bytes.size())
          .number(to_column(job.started))
          .run();
      if (connection_.db().getChanges() == 0) return no_such_job(job.id);
      return {};
    });
  }

  Result<void> erase_secrets(JobId id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, erase_secrets_);
      query.blob(id.bytes.data(), id.bytes.size()).run();
      return {};
    });
  }

  Result<std::size_t> erase_secrets_of_failed(Instant before, std::size_t limit) override {
    return attempt(connection_, [&]() -> Result<std::size_t> {
      Query query(connection_, erase_failed_secrets_);
      query.number(to_column(before)).number(static_cast<std::int64_t>(limit)).run();
      return static_cast<std::size_t>(connection_.db().getChanges());
    });
  }

  Result<void> replace_secrets(JobId id, std::string_view sealed) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, replace_secrets_);
      query.blob(sealed.data(), sealed.size()).blob(id.bytes.data(), id.bytes.size()).run();
      return {};
    });
  }

  Result<void> erase(JobId id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, erase_);
      query.blob(id.bytes.data(), id.bytes.size()).run();
      return {};
    });
  }

  Result<JobPage> list(AccountId account, const JobFilter& filter) override {
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    if (!filter.cursor.empty()) {
      const char* end = filter.cursor.data() + filter.cursor.size();
      const auto [rest, error] = std::from_chars(filter.cursor.data(), end, before);
      if (error != std::errc() || rest != end)
        return fail(Reason::invalid, "the cursor is not one of ours", "begin again without a cursor");
    }
    std::int64_t states = filter.states.empty() ? all_states : 0;
    for (State state : filter.states) states |= bit(state);
    const int limit = std::clamp(filter.limit, 1, longest_page);
    return attempt(connection_, [&]() -> Result<JobPage> {
      JobPage page;
      const bool documents = filter.document_bytes.has_value();
      Query query(connection_, documents ? list_with_documents_ : list_);
      query.number(account.value).number(before).number(states).number(limit + 1);
      std::int64_t last = 0;
      std::uint64_t read_bytes = 0;
      while (query.step()) {
        if (page.jobs.size() == static_cast<std::size_t>(limit) ||
            read_bytes > filter.document_bytes.value_or(0)) {
          page.next_cursor = std::to_string(last);
          break;
        }
        last = query.number_at(0);
        const bool sound = query.number_at(control_sound_column) != 0 &&
                           (!documents || query.number_at(body_sound_column) != 0);
        if (sound) {
          Job& job = page.jobs.emplace_back(control_columns(query));
          if (documents) job.document = query.text_at(document_column);
          read_bytes += job.document.size();
          continue;
        }
        JobId id;
        const std::string bytes = query.text_at(1);
        std::copy_n(bytes.begin(), std::min(bytes.size(), id.bytes.size()), id.bytes.begin());
        page.jobs.push_back(damaged_job(id, account, ""));
      }
      return page;
    });
  }

  Result<std::int64_t> count_unended(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::int64_t> {
      Query query(connection_, count_);
      query.number(account.value).number(ended_states).step();
      return query.number_at(0);
    });
  }

  Result<std::vector<Due>> due_before(Instant horizon, std::size_t limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<Due>> {
      std::vector<Due> due;
      Query query(connection_, due_);
      query.number(to_column(horizon)).number(static_cast<std::int64_t>(limit));
      while (query.step()) {
        Due one;
        query.blob_at(0, one.id.bytes.data(), one.id.bytes.size());
        one.account.value = query.number_at(1);
        one.at = instant_from(query.number_at(2));
        due.push_back(one);
      }
      return due;
    });
  }

  Result<std::vector<JobId>> interrupted() override {
    return attempt(connection_, [&]() -> Result<std::vector<JobId>> {
      std::vector<JobId> ids;
      Query query(connection_, interrupted_);
      while (query.step()) query.blob_at(0, ids.emplace_back().bytes.data(), sizeof(JobId::bytes));
      return ids;
    });
  }

  Result<std::vector<FileRow>> files(JobId id) override { return files_.files(id); }
  Result<void> save_file(JobId id, const FileRow& file) override { return files_.save(id, file); }
  Result<Pieces> pieces(JobId id, int file, int generation) override {
    return files_.pieces(id, file, generation);
  }
  Result<void> save_pieces(JobId id, int file, int generation, const PieceReport& report) override {
    return files_.save_pieces(id, file, generation, report);
  }
  Result<void> erase_pieces(JobId id, int file, std::optional<int> generation) override {
    return files_.erase_pieces(id, file, generation);
  }

  Result<std::int64_t> append_history(const HistoryRow& row) override {
    return attempt(connection_, [&]() -> Result<std::int64_t> {
      Query query(connection_, append_history_);
      query.number(to_column(row.at)).number(number_of(row.from)).number(number_of(row.to)).text(row.cause);
      bind_reason(query, row.reason).blob(row.job.bytes.data(), row.job.bytes.size()).run();
      if (connection_.db().getChanges() == 0) return no_such_job(row.job);
      const std::int64_t seq = connection_.db().getLastInsertRowid();
      if (is_failure(row)) count_failure(row);
      return seq;
    });
  }

  Result<std::vector<HistoryRow>> history(JobId id) override {
    return attempt(connection_, [&]() -> Result<std::vector<HistoryRow>> {
      Query query(connection_, history_);
      query.blob(id.bytes.data(), id.bytes.size());
      return history_rows(query);
    });
  }

  Result<std::vector<HistoryRow>> history_since(AccountId account, std::int64_t seq, int limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<HistoryRow>> {
      Query query(connection_, history_since_);
      query.number(account.value).number(seq).number(std::max(limit, 0));
      return history_rows(query);
    });
  }

  Result<std::int64_t> last_seq() override {
    return attempt(connection_, [&]() -> Result<std::int64_t> {
      Query query(connection_, last_seq_);
      return query.step() ? query.number_at(0) : 0;
    });
  }

private:
  /// The number of a device in `origins`, made if need be. Jobs come in runs of one device: the last is kept.
  std::int64_t origin_of(const DeviceId& device) {
    if (origin_ && last_device_ == device && origin_rollbacks_ == connection_.rollbacks()) return *origin_;
    origin_.reset();
    std::int64_t number = 0;
    Query known(connection_, find_origin_);
    if (known.text(device.value).step()) {
      number = known.number_at(0);
    } else {
      Query query(connection_, insert_origin_);
      query.text(device.value).run();
      number = connection_.db().getLastInsertRowid();
    }
    last_device_ = device;
    origin_rollbacks_ = connection_.rollbacks();
    origin_ = number;
    return number;
  }

  static bool is_failure(const HistoryRow& row) {
    return row.from != row.to &&
           (row.to == State::failed || row.to == State::expired || row.to == State::held);
  }

  /// Counts it, and forgets what was counted too long ago.
  void count_failure(const HistoryRow& row) {
    const auto slot = [](Instant at) { return to_column(at) / Millis(jobs::overview_slot).count(); };
    Query add(connection_, count_failure_);
    add.number(slot(row.at)).text_view(code(row.reason.value_or(Reason::internal))).run();
    Query forget(connection_, forget_failures_);
    forget.number(slot(row.at - jobs::failures_kept)).run();
  }

  static Query& bind_control(Query& query, const Job& job, const std::string& probe) {
    query.number(number_of(job.state))
        .number(number_of(job.waiting_for))
        .number(job.attempt)
        .number(to_column(job.changed))
        .number(to_column(job.next_run))
        .number(to_column(job.start))
        .number(job.rev)
        .number(job.version)
        .number(job.file_count);
    return bind_reason(query, job.reason).text_or_null(job.message).text_or_null(probe).text(job.name);
  }

  /// A damaged row of the history is no reason to show none of it.
  static State past_state(Query& query, int column) {
    const std::int64_t value = query.number_at(column);
    return value >= 0 && value < state_count ? static_cast<State>(value) : State::failed;
  }

  static std::vector<HistoryRow> history_rows(Query& query) {
    std::vector<HistoryRow> rows;
    while (query.step()) {
      HistoryRow& row = rows.emplace_back();
      row.seq = query.number_at(0);
      query.blob_at(1, row.job.bytes.data(), row.job.bytes.size());
      row.account.value = query.number_at(2);
      row.at = instant_from(query.number_at(3));
      row.from = past_state(query, 4);
      row.to = past_state(query, 5);
      row.cause = query.text_at(6);
      row.reason = reason_at(query, 7);
    }
    return rows;
  }

  Connection& connection_;
  JobFiles files_;
  DeviceId last_device_;
  std::optional<std::int64_t> origin_;
  std::uint64_t origin_rollbacks_ = 0;

  Sql insert_{
      "INSERT INTO jobs (id, account, origin, state, waiting_for, attempt, created, changed, next_run, "
      "start, rev, "
      "version, file_count, reason, message, probe, proxy_id, name, document_digest, document, secrets, "
      "occurrence, control_sum, body_sum) "
      "VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,"
      "row_sum(?1,?4,?5,?6,?8,?9,?10,?11,?12,?13,?14,?15,?16,?18,NULL,?22),"
      "row_sum(?1,?2,?3,?7,?17,?19,?20)) "
      "ON CONFLICT (id) DO NOTHING"};
  Sql find_origin_{"SELECT id FROM origins WHERE device = ?"};
  Sql insert_origin_{"INSERT INTO origins (device) VALUES (?)"};
  Sql find_{"SELECT " RESTANTE_CONTROL_COLUMNS ", coalesce(jobs.control_sum = " RESTANTE_CONTROL_SUM
            ", 0), coalesce(jobs.body_sum = " RESTANTE_BODY_SUM
            ", 0), jobs.document, jobs.secrets FROM jobs LEFT JOIN origins ON origins.id = jobs.origin WHERE "
            "jobs.id = ?"};
  Sql update_{
      "UPDATE jobs SET state = ?1, waiting_for = ?2, attempt = ?3, changed = ?4, next_run = ?5, start = ?6, "
      "rev = ?7, version = ?8, file_count = ?9, reason = ?10, message = ?11, probe = ?12, name = ?13, "
      "started = ?15, "
      "control_sum = row_sum(?14,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?15,occurrence) WHERE id = ?14"};
  Sql replace_{
      "UPDATE jobs SET state = ?1, waiting_for = ?2, attempt = ?3, changed = ?4, next_run = ?5, start = ?6, "
      "rev = ?7, version = ?8, file_count = ?9, reason = ?10, message = ?11, probe = ?12, name = ?13, "
      "document_digest = ?14, document = ?15, secrets = ?16, started = ?18, "
      "control_sum = row_sum(?17,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?18,occurrence), "
      "body_sum = row_sum(?17,account,origin,created,proxy_id,?14,?15) WHERE id = ?17"};
  // The number of State::failed stands in the index jobs_failed_secrets too.
  Sql erase_failed_secrets_{
      "UPDATE jobs SET secrets = NULL WHERE seq IN (SELECT seq FROM jobs WHERE state = 8 AND secrets IS NOT "
      "NULL AND changed < ? ORDER BY changed LIMIT ?)"};
  Sql replace_secrets_{"UPDATE jobs SET secrets = ? WHERE id = ? AND secrets IS NOT NULL"};
  Sql erase_secrets_{"UPDATE jobs SET secrets = NULL WHERE id = ? AND secrets IS NOT NULL"};
  Sql erase_{"DELETE FROM jobs WHERE id = ?"};
  Sql list_{
      "SELECT " RESTANTE_CONTROL_COLUMNS ", coalesce(jobs.control_sum = " RESTANTE_CONTROL_SUM
      ", 0) FROM jobs INDEXED BY jobs_of_account LEFT JOIN origins ON origins.id = jobs.origin "
      "WHERE jobs.account = ? AND jobs.seq < ? AND (? >> jobs.state) & 1 ORDER BY jobs.seq DESC LIMIT ?"};
  Sql list_with_documents_{
      "SELECT " RESTANTE_CONTROL_COLUMNS ", coalesce(jobs.control_sum = " RESTANTE_CONTROL_SUM
      ", 0), coalesce(jobs.body_sum = " RESTANTE_BODY_SUM
      ", 0), jobs.document FROM jobs INDEXED BY jobs_of_account "
      "LEFT JOIN origins ON origins.id = jobs.origin "
      "WHERE jobs.account = ? AND jobs.seq < ? AND (? >> jobs.state) & 1 ORDER BY jobs.seq DESC LIMIT ?"};
  Sql count_{
      "SELECT count(*) FROM jobs INDEXED BY jobs_of_account WHERE account = ? AND NOT (? >> state) & 1"};
  Sql due_{
      "SELECT id, account, next_run FROM jobs INDEXED BY jobs_due "
      "WHERE state IN (0, 1) AND next_run < ? ORDER BY next_run LIMIT ?"};
  Sql interrupted_{"SELECT id FROM jobs INDEXED BY jobs_active WHERE state BETWEEN 2 AND 4 ORDER BY seq"};
  Sql append_history_{
      "INSERT INTO history (job, account, at, from_state, to_state, cause, reason) "
      "SELECT seq, account, ?, ?, ?, ?, ? FROM jobs WHERE id = ?"};
  Sql count_failure_{
      "INSERT INTO failures (slot, reason, count) VALUES (?, ?, 1) "
      "ON CONFLICT (slot, reason) DO UPDATE SET count = count + 1"};
  Sql forget_failures_{"DELETE FROM failures WHERE slot < ?"};
  Sql history_{
      "SELECT history.seq, jobs.id, history.account, at, from_state, to_state, cause, history.reason "
      "FROM jobs CROSS JOIN history INDEXED BY history_of_job ON history.job = jobs.seq WHERE jobs.id = ? "
      "ORDER BY history.seq"};
  Sql history_since_{
      "SELECT history.seq, jobs.id, history.account, at, from_state, to_state, cause, history.reason "
      "FROM history INDEXED BY history_of_account CROSS JOIN jobs ON jobs.seq = history.job "
      "WHERE history.account = ? AND history.seq > ? ORDER BY history.seq LIMIT ?"};
  Sql last_seq_{"SELECT seq FROM sqlite_sequence WHERE name = 'history'"};
};

#undef RESTANTE_BODY_SUM
#undef RESTANTE_CONTROL_SUM
#undef RESTANTE_CONTROL_COLUMNS

}  // namespace

std::unique_ptr<jobs::JobRecords> make_job_records(Connection& connection) {
  return std::make_unique<SqliteJobRecords>(connection);
}

}  // namespace restante::store::sqlite
