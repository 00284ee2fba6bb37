// SPDX-License-Identifier: Apache-2.0
#include "house.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "certificates.hpp"
#include "mailboxes.hpp"
#include "notices.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::daemon {

Result<std::unique_ptr<House>> House::open(const Config& config, const std::string& dir) {
  if (auto made = make_data_dir(dir); !made) return fail(made.error());
  auto lock = DataLock::take(dir);
  if (!lock) return fail(lock.error());
  const std::string database = dir + "/restante.db";
  const bool fresh = ::access(database.c_str(), F_OK) != 0;
  auto master_key = store::load_master_key(dir + "/keys/master.key", fresh);
  if (!master_key) return fail(master_key.error());
  auto identity = load_identity(dir);
  if (!identity) return fail(identity.error());
  store::StoreOptions where;
  where.path = database;
  where.master_key = *master_key;
  auto opened = store::open_store(std::move(where));
  wipe(*master_key);
  if (!opened) return fail(opened.error());

  std::unique_ptr<House> house(new House(dir, std::move(*lock), std::move(*identity)));
  auto keys = intake::KeyRing::open(dir + "/keys/encryption", house->identity, house->clock.now());
  if (!keys) return fail(keys.error());
  house->keys = std::move(*keys);
  house->store = std::move(*opened);
  if (!config.mail.url.empty())
    house->check_mail_ = [config]() -> Result<void> {
      auto mail = mail_options(config);
      if (!mail) return fail(std::move(mail.error()));
      return net::try_mail_server(mail->server);
    };
  if (!config.mailbox.imap.url.empty() || !config.mailbox.webdav.url.empty())
    house->check_mailboxes_ = [config]() -> Result<void> {
      const auto plan = mailbox_plan(config.mailbox);
      if (!plan) return fail(plan.error());
      return try_mailboxes(*plan);
    };
  if (!config.tls_certificate.empty()) house->check_tls_ = [config] { return check_tls_files(config); };
  const Executor loop = house->loop.get_executor();
  house->accounts = accounts::make_service(loop, house->hash_pool.get_executor(), *house->store, house->clock,
                                           config.account_limits);
  files::AreasOptions options;
  options.data_dir = dir;
  options.areas_path = config.areas_path;
  options.account_name = [accounts = house->accounts.get()](AccountId id) {
    const auto account = accounts->snapshot()->account(id);
    return account ? account->name : std::string();
  };
  options.quota_bytes = [accounts = house->accounts.get()](AccountId id) {
    const auto account = accounts->snapshot()->account(id);
    return account ? account->quota_bytes : std::optional<std::uint64_t>();
  };
  options.accounts = [accounts = house->accounts.get()] {
    std::vector<AccountId> out;
    for (const auto& account : accounts->snapshot()->accounts()) out.push_back(account.id);
    return out;
  };
  options.traffic_bytes = [accounts = house->accounts.get()](AccountId id) {
    const auto account = accounts->snapshot()->account(id);
    return account ? account->traffic_bytes : std::optional<std::uint64_t>();
  };
  options.files = config.area_files;
  options.folders = config.area_folders;
  options.trash_keep = config.trash_keep;
  auto areas = files::make_areas(loop, house->disk_pool.get_executor(), *house->store, house->clock,
                                 std::move(options));
  if (!areas) return fail(areas.error());
  house->areas = std::move(*areas);
  house->links = files::make_links(loop, *house->store, house->clock);
  return house;
}

House::~House() {
  hash_pool.join();
  disk_pool.join();
  links.reset();
  areas.reset();
  accounts.reset();
  if (store) store->close();
}

Task<Result<void>> House::start() {
  auto started = accounts->start();
  auto outcome = co_await std::move(started);
  if (!outcome) co_return outcome;
  co_return co_await areas->traffic().start();
}

namespace {

/// The copies that were made before the store was migrated hold what was erased since.
Result<void> remove_old_copies(const std::string& dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    if (!entry.path().filename().string().starts_with("restante.db.before-v")) continue;
    if (::unlink(entry.path().c_str()) != 0 && errno != ENOENT)
      return fail_errno(Reason::storage, "remove " + entry.path().string(), errno);
    log::info("{} is removed: it held what has been erased", entry.path().string());
  }
  return {};
}

}  // namespace

Task<Result<void>> House::scrub_store() {
  std::function<Result<bool>(Tx&)> ask = [](Tx& tx) -> Result<bool> {
    auto wanted = tx.repo<accounts::AccountRecords>().setting(accounts::scrub_setting);
    if (!wanted) return fail(wanted.error());
    return wanted->value_or("") == "1";
  };
  auto wanted = co_await store->read_value<bool>(ask);
  if (!wanted) co_return fail(wanted.error());
  if (!*wanted) co_return Result<void>();
  auto scrubbed = co_await store->scrub();
  if (!scrubbed) co_return scrubbed;
  auto remove = [this] { return remove_old_copies(dir); };
  auto removed = co_await offload(disk_pool.get_executor(), remove);
  if (!removed) co_return removed;
  Database::Work done = [](Tx& tx) {
    return tx.repo<accounts::AccountRecords>().save_setting(accounts::scrub_setting, "0");
  };
  co_return co_await store->write(done);
}

api::Administration House::administration() {
  auto copy = [this]() -> Result<std::string> {
    const std::string path = fmt::format("{}/backup-{}.db", dir, random_token().substr(0, 12));
    if (auto done = store->copy_to(path); !done) return fail(done.error());
    ::chmod(path.c_str(), 0600);
    return path;
  };
  auto check = [this] { return store->check(); };
  auto scrub = [this] { return scrub_store(); };
  auto tell = [](const accounts::Account&) -> Database::Work { return [](Tx&) { return Result<void>(); }; };
  api::Administration out{*accounts, *areas, nullptr, jkt(), "", disk_pool.get_executor(),
                          copy,      check,  scrub,   tell};
  out.check_mail = check_mail_;
  out.check_mailboxes = check_mailboxes_;
  out.check_tls = check_tls_;
  out.renew_keys = [this] { return keys->renew(clock.now()); };
  out.keys_made = [this] { return keys->newest_made(); };
  return out;
}

bool needs_tls(const Config& config, const std::string& address) {
  return !config.tls_certificate.empty() || !is_loopback(address);
}

std::string base_url(const Config& config, const std::string& address, std::uint16_t port, bool tls) {
  if (!config.public_url.empty()) return config.public_url;
  std::string host = address;
  if (host == "0.0.0.0" || host == "::") {
    const auto own = api::interface_addresses();
    host = own.empty() ? "127.0.0.1" : own.front();
  }
  return fmt::format("{}://{}:{}", tls ? "https" : "http", url_host(host), port);
}

}  // namespace restante::daemon
