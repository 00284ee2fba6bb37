// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/writer.hpp"

#include "base/log.hpp"

#include <cerrno>
#include <utility>

namespace restante::store::sqlite {
namespace {

void run_sql(Connection& connection, Sql& sql) {
  Query query(connection, sql);
  query.run();
}

void call(Request& request, Tx& tx) {
  try {
    request.outcome = (*request.work)(tx);
  } catch (...) {
    request.thrown = std::current_exception();
  }
}

bool succeeded(const Request& request) {
  return !request.thrown && request.outcome.has_value();
}

}  // namespace

void Acknowledging::stop(const Error& cause) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  cause_ = cause.message;
  stopped_.store(true, std::memory_order_release);
  log::error("{}; nothing more is stored until restanted is restarted", cause_);
}

Error Acknowledging::error() const {
  const std::lock_guard lock(mutex_);
  return fail(Reason::storage, "the store takes nothing more since it failed: " + cause_,
              "mend the cause, then restart restanted; what was confirmed before is kept")
      .value();
}

void Writer::run(const std::function<void()>& after_commit) {
  std::chrono::steady_clock::time_point committed{};
  for (;;) {
    auto request = lane_.wait(committed + shared_every_, works_per_commit_);
    if (!request) return;
    if (acknowledging_.stopped()) {
      request->outcome = fail(acknowledging_.error());
      request->deliver();
      continue;
    }
    perform_group(std::move(request));
    committed = std::chrono::steady_clock::now();
    after_commit();
  }
}

void Writer::perform_group(std::unique_ptr<Request> first) {
  Group group;
  try {
    bool whole = true;
    for (auto request = std::move(first); request; request = lane_.take()) {
      group.push_back(std::move(request));
      whole = perform(*group.back());
      if (!whole || group.size() >= works_per_commit_) break;
    }
    if (whole)
      commit(group);
    else
      give_up(group, group.back()->outcome.error());
  } catch (const SQLite::Exception& error) {
    const Error translated = connection_.translate(error);
    if (connection_.in_transaction()) connection_.db().tryExec("ROLLBACK");
    give_up(group, translated);
  }
  for (auto& request : group) request->deliver();
}

/// False: SQLite has undone the whole transaction (as it may when the disk is full), not only this work.
bool Writer::perform(Request& request) {
  // The first of a transaction needs no savepoint: undoing it is undoing all.
  const bool first = !connection_.in_transaction();
  run_sql(connection_, first ? begin_ : savepoint_);
  call(request, tx_);
  if (!connection_.in_transaction()) {
    connection_.rolled_back();
    if (succeeded(request))
      request.outcome = fail(Reason::storage, "the store " + connection_.path() + " undid the change");
    else if (request.thrown)
      request.outcome =
          fail(Reason::storage, "the store " + connection_.path() + " undid the changes of its group");
    return false;
  }
  if (succeeded(request)) {
    if (!first) run_sql(connection_, release_);
    return true;
  }
  connection_.rolled_back();
  if (first) {
    run_sql(connection_, rollback_);
  } else {
    run_sql(connection_, rollback_to_);
    run_sql(connection_, release_);
  }
  return true;
}

void Writer::commit(Group& group) {
  if (!connection_.in_transaction()) return;
  errno = 0;
  try {
    run_sql(connection_, commit_);
    commits_.fetch_add(1, std::memory_order_relaxed);
  } catch (const SQLite::Exception& error) {
    // SQLite keeps no system error of a COMMIT, but nothing has touched errno since.
    const Error translated =
        translate_error(connection_.path(), error.getExtendedErrorCode(), error.what(), errno);
    if (connection_.in_transaction()) connection_.db().tryExec("ROLLBACK");
    give_up(group, translated);
    // A full disk is refused by write(2), before anything was synced: the group is cleanly undone and the
    // next one may succeed. After any other failure nobody knows what the disk holds.
    if (!refused_for_room(error.getErrorCode())) acknowledging_.stop(translated);
  }
}

/// Nothing of the group was kept: its successes become this failure.
void Writer::give_up(Group& group, const Error& error) {
  connection_.rolled_back();
  for (auto& request : group)
    if (succeeded(*request)) request->outcome = fail(error);
}

void run_reads(Connection& connection, Lane& lane) {
  SqliteTx tx(connection);
  Sql begin("BEGIN"), end("ROLLBACK");
  for (auto all = lane.wait_for_all(); !all.empty(); all = lane.wait_for_all()) {
    try {
      run_sql(connection, begin);
      for (auto& request : all) {
        call(*request, tx);
        std::exchange(request, nullptr)->deliver();
      }
      if (connection.in_transaction()) run_sql(connection, end);
    } catch (const SQLite::Exception& error) {
      if (connection.in_transaction()) connection.db().tryExec("ROLLBACK");
      const Error translated = connection.translate(error);
      for (auto& request : all) {
        if (!request) continue;
        request->outcome = fail(translated);
        request->deliver();
      }
    }
  }
}

}  // namespace restante::store::sqlite
