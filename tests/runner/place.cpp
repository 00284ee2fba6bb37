// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include "accounts/records.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::jobs::test {
namespace {

std::string hex_digest(const std::string& algorithm, const std::string& bytes) {
  Hasher hasher(algorithm == "sha-512" ? "SHA512"
                : algorithm == "sha"   ? "SHA1"
                : algorithm == "md5"   ? "MD5"
                                       : "SHA256");
  hasher.update(bytes.data(), bytes.size());
  const std::string raw = hasher.finish();
  return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes(std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

void write_at(int fd, const std::string& body, Span span) {
  if (span.begin >= span.end) return;
  EXPECT_EQ(::pwrite(fd, body.data() + span.begin, span.bytes(), static_cast<off_t>(span.begin)),
            static_cast<ssize_t>(span.bytes()));
}

}  // namespace

Task<void> PokedTimer::wait_until(Instant at) {
  if (clock_.now() >= at) co_return;
  co_await signal_.wait();
}

void ScriptedTransfers::on(const std::string& url, std::vector<Script> scripts) {
  scripts_[url] = std::deque<Script>(scripts.begin(), scripts.end());
}

Task<TransferResult> ScriptedTransfers::run(TransferOrder order, TransferObserver& observer,
                                            std::stop_token stop) {
  const std::string url = order.source.url;
  asked.push_back({url, order.offset, order.if_range, order.probe, order.account, order.credentials.size(),
                   order.allow_lan, order.room_bytes, order.connections, order.have});
  const std::string origin = proxy::origin_of(url).value_or("");
  if (!order.probe) {
    started_for.push_back(order.account.value);
    most_running = std::max(most_running, ++running);
    most_running_at[origin] = std::max(most_running_at[origin], ++running_at[origin]);
    ++running_for[order.account.value];
  }
  Script script;
  if (auto& queue = scripts_[url]; !queue.empty()) {
    script = queue.front();
    if (queue.size() > 1) queue.pop_front();
  }
  TransferResult result;
  result.received_bytes = order.offset;
  result.facts.http_status = script.http_status != 0 ? script.http_status : script.retry_after ? 429 : 200;
  result.facts.final_url = url;
  result.facts.name_hint = url.substr(url.rfind('/') + 1);
  if (!script.name_hint.empty()) result.facts.name_hint = script.name_hint;
  result.facts.media_type = "application/octet-stream";
  result.facts.etag = script.etag;
  result.facts.last_modified = script.last_modified;
  result.facts.ranges = !script.ignores_ranges;
  if (script.announces_length) result.facts.total_bytes = script.body.size();
  result.reason = script.reason.value_or(Reason::incomplete);
  result.transient = script.transient;
  result.retry_after = script.retry_after;
  const bool restarts = order.offset > 0 && (script.ignores_ranges || order.if_range != script.etag);
  const bool refused = script.reason && !script.cut_at;
  if (restarts) {
    result.outcome = Outcome::restart;
    result.reason = script.reason_of_restart;
  } else if (!refused) {
    result.facts.offset = order.offset;
    if (!(script.hangs && !script.cut_at)) observer.on_response(result.facts);
    if (!order.probe) {
      std::size_t end = std::min(script.cut_at.value_or(script.body.size()), script.body.size());
      if (order.room_bytes && script.body.size() > order.offset + *order.room_bytes) {
        end = script.announces_length ? order.offset
                                      : std::min<std::size_t>(end, order.offset + *order.room_bytes);
        script.cut_at = end;
        result.reason = order.room_reason;
        result.transient = true;
      }
      if (end > order.offset) {
        if (!script.hangs || script.cut_at) {
          // As several connections do it: what is there is not written again.
          std::uint64_t from = order.offset;
          for (const Span& there : order.have) {
            write_at(order.out.get(), script.body, {from, std::min<std::uint64_t>(there.begin, end)});
            from = there.end;
          }
          write_at(order.out.get(), script.body, {from, end});
          result.received_bytes = end;
        }
      }
      PieceHasher hasher(order.offset / piece_bytes);
      const std::uint64_t from = hasher.end_bytes();
      hasher.update(std::string_view(script.body).substr(from, result.received_bytes - from));
      observer.on_pieces(hasher.report());
      if (!script.apart.empty()) {
        EXPECT_TRUE(spread(order.out.get(), script.body.size(), {}));
        for (const Span& span : script.apart) {
          write_at(order.out.get(), script.body, span);
          PieceHasher digests;
          digests.update(std::string_view(script.body).substr(span.begin, span.bytes()));
          result.apart.push_back({span.begin, digests.report()});
        }
        observer.on_apart(result.apart);
      }
      observer.on_progress(result.received_bytes, 1000);
      if (told_progress) told_progress(result.received_bytes);
    }
    result.outcome = script.cut_at                            ? Outcome::failed
                     : script.announces_length || order.probe ? Outcome::complete
                                                              : Outcome::unverified;
    if (result.outcome != Outcome::failed && computes_digests && order.offset == 0 &&
        !order.digest_algorithm.empty())
      result.digest_hex = hex_digest(order.digest_algorithm, script.body);
  }
  if (script.hangs) {
    auto woken = std::make_shared<Signal>(co_await asio::this_coro::executor);
    auto wake = [woken] { woken->notify(); };
    std::stop_callback<decltype(wake)> on_stop(stop, wake);
    while (!stop.stop_requested()) co_await woken->wait();
    result.outcome = Outcome::stopped;
  } else if (stop.stop_requested()) {
    result.outcome = Outcome::stopped;
  }
  if (!order.probe) {
    --running;
    --running_at[origin];
    --running_for[order.account.value];
  }
  co_return result;
}

Task<TransferResult> ScriptedTransfers::browse(TransferOrder order, OfferObserver& observer,
                                               std::stop_token stop) {
  const std::string url = order.source.url;
  asked.push_back(
      {url, 0, "", order.probe, order.account, order.credentials.size(), order.allow_lan, {}, 1, {}});
  TransferResult result;
  result.facts.final_url = url;
  if (const auto found = offers.find(url); found != offers.end()) {
    observer.on_offers(found->second);
    result.outcome = Outcome::complete;
    co_return result;
  }
  if (const auto script = scripts_.find(url); script != scripts_.end()) {
    result.reason = script->second.front().reason.value_or(Reason::incomplete);
    result.message = "it was refused";
    co_return result;
  }
  auto woken = std::make_shared<Signal>(co_await asio::this_coro::executor);
  auto wake = [woken] { woken->notify(); };
  std::stop_callback<decltype(wake)> on_stop(stop, wake);
  while (!stop.stop_requested()) co_await woken->wait();
  result.outcome = Outcome::stopped;
  co_return result;
}

std::string ScriptedShelf::path(JobId job, int file, int generation) const {
  return folder_ + "/" + job.text() + "." + std::to_string(file) + ".g" + std::to_string(generation);
}

Task<Result<Incoming>> ScriptedShelf::open_incoming(AccountId, JobId job, int file, int generation) {
  ++opened;
  const std::string where = path(job, file, generation);
  Incoming out;
  out.for_worker = UniqueFd(::open(where.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  out.for_sync = UniqueFd(::open(where.c_str(), O_RDWR | O_CLOEXEC));
  out.tells_holes = true;
  co_return out;
}

Task<Result<void>> ScriptedShelf::sync_data(int) {
  ++synced;
  if (refuse_next_sync) {
    Error error = *std::exchange(refuse_next_sync, std::nullopt);
    co_return fail(std::move(error));
  }
  co_return Result<void>();
}

Task<Result<void>> ScriptedShelf::discard_incoming(AccountId, JobId job, int file, int generation) {
  std::filesystem::remove(path(job, file, generation));
  co_return Result<void>();
}

Task<Result<std::string>> ScriptedShelf::digest_incoming(AccountId, JobId job, int file, int generation,
                                                         std::string algorithm) {
  co_return hex_digest(algorithm, read_file(path(job, file, generation)));
}

Result<Published> ScriptedShelf::put(const Publication& what) {
  const std::string from = path(what.job, what.file, what.generation);
  std::string bytes = read_file(from);
  std::filesystem::remove(from);
  Published out;
  random_bytes(out.id.bytes.data(), out.id.bytes.size());
  out.name = what.wanted_name;
  for (int n = 1; files.contains(out.name); ++n) out.name = what.wanted_name + " (" + std::to_string(n) + ")";
  out.size_bytes = bytes.size();
  files[out.name] = std::move(bytes);
  publications.push_back(what);
  return out;
}

Task<Result<PieceReport>> ScriptedShelf::hash_pieces(int fd, std::uint64_t base, std::uint64_t first,
                                                     std::uint64_t end_bytes) {
  PieceHasher hasher(first);
  std::string buffer(1 << 20, '\0');
  while (hasher.end_bytes() < end_bytes) {
    const auto wanted = std::min<std::uint64_t>(buffer.size(), end_bytes - hasher.end_bytes());
    const ssize_t got = ::pread(fd, buffer.data(), wanted, static_cast<off_t>(base + hasher.end_bytes()));
    if (got <= 0) break;
    hasher.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    hashed_bytes += static_cast<std::uint64_t>(got);
  }
  co_return hasher.report();
}

Task<Result<Published>> ScriptedShelf::publish(Publication what, UniqueFd sync, PublishCommit commit) {
  EXPECT_TRUE(sync);
  if (before_publish) before_publish();
  if (refuse_next_publish) {
    Error error = *std::exchange(refuse_next_publish, std::nullopt);
    co_return fail(std::move(error));
  }
  auto published = put(what);
  if (die_before_commit) {
    intents_.push_back({what, *published});
    co_return fail(Reason::storage, "the process died");
  }
  Database::Work work = [&](Tx& tx) { return commit(tx, what, *published); };
  auto done = co_await database_->write(std::move(work));
  if (!done) {
    intents_.push_back({what, *published});
    co_return fail(std::move(done.error()));
  }
  co_return published;
}

Task<Result<void>> ScriptedShelf::recover(PublishCommit commit) {
  for (const Intent& intent : intents_) {
    Database::Work work = [&](Tx& tx) { return commit(tx, intent.what, intent.published); };
    auto done = co_await database_->write(std::move(work));
    if (!done) co_return done;
  }
  intents_.clear();
  co_return Result<void>();
}

std::uint64_t ScriptedShelf::held_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& one : std::filesystem::directory_iterator(folder_)) sum += one.file_size();
  for (const auto& [name, bytes] : files) sum += bytes.size();
  return sum;
}

Task<Result<Room>> ScriptedShelf::room(AccountId) {
  // As from the disk pool: not in the same turn of the loop.
  Database::Work nothing = [](Tx&) -> Result<void> { return {}; };
  if (auto done = co_await database_->read(std::move(nothing)); !done)
    co_return fail(std::move(done.error()));
  const std::uint64_t held = held_bytes(), taken = held + filled_bytes;
  const std::uint64_t free = volume_bytes - std::min(volume_bytes, taken);
  Room room;
  room.volume_bytes = free - std::min(free, reserve_bytes);
  room.missing_bytes = reserve_bytes - std::min(free, reserve_bytes);
  if (quota_bytes) room.quota_bytes = *quota_bytes - std::min(*quota_bytes, held);
  co_return room;
}

Task<Result<void>> Mortal::write(Work work, Commit commit) {
  if (full) co_return fail(Reason::disk_full, "the store: the disk is full");
  if (dies_after_writes && (*dies_after_writes)-- <= 0) dead = true;
  if (dead) co_return fail(Reason::storage, "the process is dead");
  ++writes;
  co_return co_await real_.write(std::move(work), commit);
}

Task<Result<void>> Mortal::read(Work work) {
  if (dead) co_return fail(Reason::storage, "the process is dead");
  co_return co_await real_.read(std::move(work));
}

Place::Place() : busy(asio::make_work_guard(loop)) {
  std::string pattern = std::filesystem::temp_directory_path() / "restante-runner-XXXXXX";
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  folder = pattern;
  auto opened = store::open_store({folder + "/restante.db", std::string(32, 'k'), {}});
  if (!opened) throw std::runtime_error(opened.error().message);
  store = std::move(*opened);
  std::filesystem::create_directory(folder + "/incoming");
  shelf = std::make_unique<ScriptedShelf>(*store, folder + "/incoming");
  auto add = [&](const char* name) {
    std::function<Result<AccountId>(Tx&)> work = [&](Tx& tx) {
      accounts::Account account;
      account.name = name;
      account.created = clock.now();
      return tx.repo<accounts::AccountRecords>().insert(account);
    };
    return run(store->write_value<AccountId>(work)).value();
  };
  ana = add("ana");
  ben = add("ben");
}

Place::~Place() {
  stop();
  store->close();
  std::filesystem::remove_all(folder);
}

void Place::start() {
  stop();
  database = std::make_unique<Mortal>(*store);
  database->full = starts_with_a_full_disk;
  auto made = std::make_unique<PokedTimer>(loop.get_executor(), clock);
  timer = made.get();
  service = make_service(loop.get_executor(), *database, *store, transfers, *shelf, accounts, clock, limits,
                         std::move(made));
  shelf->use(*database);
  auto started = run(service->start());
  ASSERT_TRUE(started.has_value()) << started.error().message;
}

void Place::stop() {
  if (!service) return;
  auto body = [](Service& one) -> Task<bool> {
    co_await one.stop();
    co_return true;
  };
  run(body(*service));
  service.reset();
  timer = nullptr;
}

void Place::crash() {
  database->dead = true;
  stop();
  shelf->use(*store);
}

std::string Place::id_number(int number) {
  std::string digits = std::to_string(number);
  return "01999f3c-7a10-7c54-9a1f-" + std::string(12 - digits.size(), '0') + digits;
}

Submission Place::submission(const Wanted& wanted, AccountId account) {
  const auto now = std::chrono::floor<Seconds>(clock.now()).time_since_epoch().count();
  std::string files;
  for (std::size_t i = 0; i < wanted.urls.size(); ++i) {
    if (i > 0) files += ',';
    files += "{\"sources\":[";
    for (std::size_t s = 0; s < wanted.urls[i].size(); ++s) {
      if (s > 0) files += ',';
      files += "{\"url\":\"" + wanted.urls[i][s] + "\",\"pri\":" + std::to_string(s + 1) + "}";
    }
    files += "]" + (i == 0 ? wanted.file_members : std::string()) + "}";
  }
  std::string core = "{\"v\":1,\"id\":\"" + wanted.id + "\",\"rev\":" + std::to_string(wanted.rev);
  if (wanted.cancel) core += ",\"op\":\"cancel\"";
  core += ",\"aud\":[{\"jkt\":\"" + std::string(43, 'A') + "\"}],\"iat\":" + std::to_string(now) +
          ",\"exp\":" + std::to_string(now + 86400) + ",\"what\":{\"files\":[" + files + "]" + wanted.what +
          "}";
  if (!wanted.when.empty()) core += ",\"when\":" + wanted.when;
  if (!wanted.probe) core += ",\"probe\":false";
  core += wanted.more + "}";
  auto document = proxy::parse(core);
  if (!document) throw std::runtime_error(document.error().message + " in " + core);
  return Submission{account, DeviceId{account == ana ? std::string(43, 'D') : std::string(43, 'E')},
                    std::move(*document), core};
}

JobId Place::accept(const Wanted& wanted, AccountId account) {
  auto accepted = run(service->submit(submission(wanted, account)));
  if (!accepted) throw std::runtime_error("refused: " + accepted.error().message);
  return accepted->job.id;
}

JobView Place::view(JobId id) {
  auto found = run(service->find(ana, id));
  if (!found) found = run(service->find(ben, id));
  if (!found) throw std::runtime_error(found.error().message);
  return std::move(*found);
}

std::vector<HistoryRow> Place::history(JobId id) {
  return run(service->history(ana, id)).value();
}

std::vector<std::string> Place::causes(JobId id) {
  std::vector<std::string> out;
  for (const auto& row : history(id)) out.push_back(row.cause);
  return out;
}

JobView Place::until(JobId id, State state) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  JobView now = view(id);
  while (now.job.state != state && std::chrono::steady_clock::now() < end) {
    loop.run_one_for(std::chrono::milliseconds(20));
    now = view(id);
  }
  EXPECT_EQ(name(now.job.state), name(state)) << now.job.message;
  return now;
}

JobView Place::until(JobId id, WaitingFor what) {
  JobView now;
  auto waits = [&] {
    now = view(id);
    return now.job.state == State::waiting && now.job.waiting_for == what;
  };
  until(waits, "it waits");
  return now;
}

void Place::until(const std::function<bool()>& condition, const char* what) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition() && std::chrono::steady_clock::now() < end)
    loop.run_one_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(condition()) << what;
}

void Place::settle() {
  // Whatever the store still has to answer comes within this time; a test that expects nothing to happen
  // sees it stay so.
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  while (std::chrono::steady_clock::now() < end) loop.run_one_for(std::chrono::milliseconds(10));
}

void Place::pass(Millis time) {
  clock.advance(time);
  timer->poke();
}

}  // namespace restante::jobs::test
