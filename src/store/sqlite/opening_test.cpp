// SPDX-License-Identifier: Apache-2.0
#include "jobs/replay_records.hpp"
#include "store/child.hpp"
#include "store/sqlite/schema.hpp"
#include "store/test_support.hpp"

#include <SQLiteCpp/Column.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace restante::store {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using testing::AllOf;
using testing::HasSubstr;

/// "" when it opens; else message and hint in one text.
std::string open_error(const std::string& path, char key = 'k') {
  auto store = open_store({path, test::key_of(key), {}});
  if (store) return "";
  EXPECT_EQ(store.error().reason, Reason::storage);
  EXPECT_FALSE(store.error().hint.empty());
  return store.error().message + " | " + store.error().hint;
}

void put_bytes(const std::string& path, std::size_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
}

void make_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A closed store with some hundred jobs.
void fill(const Folder& folder) {
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");
  ASSERT_TRUE(test::write(*store, [&](Tx& tx) -> Result<void> {
    for (int i = 0; i < 300; ++i)
      if (!test::jobs_of(tx).insert(test::some_job(i, ada))) return fail(Reason::internal, "arrange");
    return {};
  }));
  store->close();
}

TEST(Opening, MakesAFileThatOnlyItsOwnerMayRead) {
  Folder folder;

  test::open_in(folder)->close();

  struct stat facts{};
  ASSERT_EQ(::stat((folder / "restante.db").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST(Opening, AMissingFolderIsNamed) {
  Folder folder;

  EXPECT_THAT(open_error(folder / "none/restante.db"),
              AllOf(HasSubstr(folder / "none"), HasSubstr("--data")));
}

TEST(Opening, AFileInPlaceOfTheFolderIsNamed) {
  Folder folder;
  make_file(folder / "data", "text");

  EXPECT_THAT(open_error(folder / "data/restante.db"),
              AllOf(HasSubstr(folder / "data"), HasSubstr("--data")));
}

TEST(Opening, AFolderInPlaceOfTheFileIsNamed) {
  Folder folder;
  fs::create_directory(folder / "restante.db");

  EXPECT_THAT(open_error(folder / "restante.db"), AllOf(HasSubstr("is not a file"), HasSubstr("move away")));
}

TEST(Opening, AFolderThatMayNotBeWrittenIsNamed) {
  Folder folder;
  fs::permissions(folder.path(), fs::perms(0555));  // of nobody, or of the plain user who runs the test

  const std::string text = test::in_child_as_nobody([&] { return open_error(folder / "restante.db"); });

  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_THAT(text, AllOf(HasSubstr("cannot write in the data folder " + folder.path()),
                          HasSubstr("Permission denied"), HasSubstr("make it writable")));
}

TEST(Opening, AFileThatMayNotBeReadIsNamed) {
  Folder folder;
  fill(folder);
  fs::permissions(folder.path(), fs::perms(0777));
  if (::geteuid() != 0)
    fs::permissions(folder / "restante.db", fs::perms::none);  // a plain user stays who they are

  const std::string text = test::in_child_as_nobody([&] { return open_error(folder / "restante.db"); });

  EXPECT_THAT(
      text, AllOf(HasSubstr("cannot write the store"), HasSubstr("Permission denied"), HasSubstr("belong")));
}

TEST(Opening, SomethingThatIsNoDatabaseIsLeftAsItIs) {
  for (const std::size_t size : {5u, 20000u}) {
    Folder folder;
    const std::string text(size, 'x');
    make_file(folder / "restante.db", text);

    EXPECT_THAT(open_error(folder / "restante.db"),
                AllOf(HasSubstr("it is not a database"), HasSubstr("--data")));

    EXPECT_EQ(test::bytes_of_file(folder / "restante.db"), text);
  }
}

TEST(Opening, TheDatabaseOfAnotherProgramIsLeftAsItIs) {
  Folder folder;
  SQLite::Database(folder / "restante.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE x (y)");
  const std::string before = test::bytes_of_file(folder / "restante.db");

  EXPECT_THAT(open_error(folder / "restante.db"), AllOf(HasSubstr("another program"), HasSubstr("--data")));

  EXPECT_EQ(test::bytes_of_file(folder / "restante.db"), before);
}

TEST(Opening, ANewerStoreIsRefusedNamingBothVersions) {
  Folder folder;
  fill(folder);
  SQLite::Database(folder / "restante.db", SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 77");

  EXPECT_THAT(
      open_error(folder / "restante.db"),
      AllOf(HasSubstr("version 77"), HasSubstr("up to " + std::to_string(sqlite::migrations().size())),
            HasSubstr("before-v")));
}

TEST(Opening, AnotherMasterKeyIsRefused) {
  Folder folder;
  fill(folder);

  EXPECT_THAT(open_error(folder / "restante.db", 'w'), AllOf(HasSubstr("master key"), HasSubstr("backup")));
  EXPECT_EQ(open_error(folder / "restante.db"), "");
}

TEST(Opening, ATruncatedFileIsDamaged) {
  Folder folder;
  fill(folder);
  fs::resize_file(folder / "restante.db", 3 * 4096);

  EXPECT_THAT(open_error(folder / "restante.db"), AllOf(HasSubstr("it is damaged"), HasSubstr("restore")));
}

TEST(Opening, ADamagedSchemaIsDamaged) {
  Folder folder;
  fill(folder);
  put_bytes(folder / "restante.db", 100, std::string(300, '\xee'));

  EXPECT_THAT(open_error(folder / "restante.db"), AllOf(HasSubstr("it is damaged"), HasSubstr("restore")));
}

TEST(Opening, DamageInsideIsFoundByCheckAndToldByTheReadThatMeetsIt) {
  Folder folder;
  fill(folder);
  const auto size = fs::file_size(folder / "restante.db");
  Folder without_rows;
  test::open_in(without_rows)->close();
  for (std::size_t page = fs::file_size(without_rows / "restante.db") / 4096; page * 4096 < size; ++page)
    put_bytes(folder / "restante.db", page * 4096, std::string(64, '\xee'));
  auto store = test::open_in(folder);

  const auto faults = store->check();
  bool told = false;
  for (int i = 0; i < 300; ++i) {
    auto done = test::read(*store, [&](Tx& tx) -> Result<void> {
      auto job = test::jobs_of(tx).find(test::job_id(i));
      if (!job) return fail(job.error());
      return {};
    });
    if (done) continue;
    told = true;
    EXPECT_EQ(done.error().reason, Reason::storage);
    EXPECT_THAT(done.error().message, HasSubstr("it is damaged"));
  }

  ASSERT_FALSE(faults.empty());
  EXPECT_THAT(faults[0], HasSubstr("restante.db"));
  EXPECT_TRUE(told);
}

TEST(Migrating, KeepsACopyOfTheStoreAsItWasBefore) {
  Folder folder;
  fill(folder);
  const auto known = sqlite::migrations();
  const int now = static_cast<int>(known.size());
  std::vector<const char*> steps(known.begin(), known.end()), good = steps;
  steps.push_back("CREATE TABLE extra (x) STRICT_OFF; ");
  good.push_back("CREATE TABLE extra (x); DELETE FROM jobs");
  sqlite::Connection connection(folder / "restante.db", sqlite::Connection::Mode::read_write, 1024);

  auto failed = sqlite::migrate(connection, steps);
  const auto version_after_failure = connection.db().execAndGet("PRAGMA user_version").getInt();
  auto done = sqlite::migrate(connection, good);

  EXPECT_FALSE(failed);
  EXPECT_EQ(version_after_failure, now);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(connection.db().execAndGet("PRAGMA user_version").getInt(), now + 1);
  EXPECT_EQ(connection.db().execAndGet("SELECT count(*) FROM jobs").getInt(), 0);
  const std::string copy = folder / ("restante.db.before-v" + std::to_string(now + 1));
  SQLite::Database before(copy);
  EXPECT_EQ(before.execAndGet("PRAGMA user_version").getInt(), now);
  EXPECT_EQ(before.execAndGet("SELECT count(*) FROM jobs").getInt(), 300);
  EXPECT_FALSE(fs::exists(copy + ".unfinished"));
}

TEST(Migrating, AStoreWithoutPiecesKeepsItsPartialFiles) {
  Folder folder;
  make_file(folder / "restante.db", "");
  {
    sqlite::Connection connection(folder / "restante.db", sqlite::Connection::Mode::read_write, 1024);
    ASSERT_TRUE(sqlite::migrate(connection, sqlite::migrations().first(1)));
    connection.execute(
        "INSERT INTO accounts VALUES (1, 'ada', 'user', NULL, NULL, 0, 0);"
        "INSERT INTO origins VALUES (1, 'device');"
        "INSERT INTO jobs VALUES (1, x'00112233445566778899aabbccddeeff', 1, 1, 1, 0, 0, 0, 0, NULL, NULL, "
        "0, "
        "1, 1, NULL, NULL, NULL, 'p', 'n', zeroblob(32), '{}', NULL);"
        "INSERT INTO job_files VALUES (1, 0, 1, NULL, 'a', NULL, 9, 0, 2, 7, 5, 'boot', '\"e\"', NULL, 9, 1, "
        "NULL, 1, NULL);");
  }

  auto store = test::open_in(folder);
  const JobId id = *JobId::parse("00112233445566778899aabbccddeeff");
  const auto rows =
      test::get<std::vector<jobs::FileRow>>(*store, [&](Tx& tx) { return test::jobs_of(tx).files(id); });
  const auto pieces = test::get<Pieces>(*store, [&](Tx& tx) { return test::jobs_of(tx).pieces(id, 0, 2); });

  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].checkpoint.synced_bytes, 5u);
  EXPECT_FALSE(rows[0].checkpoint.relinked);
  EXPECT_EQ(rows[0].wasted_bytes, 0u);
  EXPECT_FALSE(rows[0].old);
  EXPECT_EQ(pieces.count(), 0u);
  EXPECT_TRUE(fs::exists(folder / ("restante.db.before-v" + std::to_string(sqlite::migrations().size()))));
}

TEST(Migrating, AStoreWithoutMemoryOfDocumentsGetsOne) {
  Folder folder;
  make_file(folder / "restante.db", "");
  {
    sqlite::Connection connection(folder / "restante.db", sqlite::Connection::Mode::read_write, 1024);
    ASSERT_TRUE(sqlite::migrate(connection, sqlite::migrations().first(10)));
    connection.execute("INSERT INTO accounts (id, name, role, created, lan) VALUES (1, 'ada', 'user', 0, 0)");
  }

  auto store = test::open_in(folder);
  jobs::Replay replay;
  replay.id = test::job_id(1);
  replay.account = AccountId{1};
  ASSERT_TRUE(test::write(*store, [&](Tx& tx) { return tx.repo<jobs::ReplayRecords>().save(replay); }));

  EXPECT_TRUE(test::get<std::optional<jobs::Replay>>(
      *store, [](Tx& tx) { return tx.repo<jobs::ReplayRecords>().find(test::job_id(1)); }));
  const auto newest = std::to_string(sqlite::migrations().size());
  EXPECT_TRUE(fs::exists(folder / ("restante.db.before-v" + newest)));
}

TEST(Migrating, ANewStoreNeedsNoCopy) {
  Folder folder;

  test::open_in(folder)->close();

  EXPECT_FALSE(fs::exists(folder / "restante.db.before-v1"));
}

TEST(Copying, GivesAWholeStoreWhileWritesGoOn) {
  Folder folder;
  fill(folder);
  auto store = test::open_in(folder);

  auto copied = store->copy_to(folder / "copy.db");
  auto again = store->copy_to(folder / "copy.db");

  ASSERT_TRUE(copied) << copied.error().message;
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("copy.db"));
  auto copy = open_store({folder / "copy.db", test::key_of('k'), {}});
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_TRUE((*copy)->check().empty());
  EXPECT_TRUE(test::get<std::optional<jobs::Job>>(
      **copy, [](Tx& tx) { return test::jobs_of(tx).find(test::job_id(299)); }));
  struct stat facts{};
  ASSERT_EQ(::stat((folder / "copy.db").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace restante::store
