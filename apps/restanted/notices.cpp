// SPDX-License-Identifier: Apache-2.0
#include "notices.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "data_dir.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

namespace restante::daemon {

namespace {

constexpr mode_t others = S_IRWXG | S_IRWXO;
constexpr int refusals_per_hour = 5;  ///< that an account is told of

}  // namespace

Result<std::string> password_in(const std::string& path, std::string_view where) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0)
    return fail(Reason::storage, path + " cannot be read: " + errno_text(errno),
                fmt::format("see {}", where));
  if ((found.st_mode & others) != 0)
    return fail(Reason::storage, path + " holds a password and may be read by others", "chmod 600 " + path);
  auto content = read_whole(path);
  if (!content)
    return fail(Reason::storage, path + " cannot be read: " + errno_text(content.error()),
                fmt::format("see {}", where));
  return content->substr(0, content->find_first_of("\r\n"));
}

Result<notify::MailOptions> mail_options(const Config& config) {
  notify::MailOptions out;
  out.from = config.mail_from;
  out.server = config.mail;
  if (out.server.url.empty()) return out;
  if (!config.mail_password_file.empty()) {
    auto password = password_in(config.mail_password_file);
    if (!password) return fail(std::move(password.error()));
    out.server.password = std::move(*password);
  }
  return out;
}

Notices::Notices(House& house, const Config& config, notify::MailOptions mail, notify::Requests& requests,
                 const jobs::AccountRules& rules)
    : clock_(house.clock),
      database_(*house.store),
      mail_(mail_pool_.get_executor(), std::move(mail), [this] { return service_->place(); }),
      webhook_(requests, rules, house.clock, {}),
      ntfy_(requests, rules, house.clock, {}) {
  notify::ServiceParts parts{
      house.loop.get_executor(),
      *house.store,
      *house.store,
      house.clock,
      {{notify::Kind::mail, &mail_}, {notify::Kind::webhook, &webhook_}, {notify::Kind::ntfy, &ntfy_}}};
  service_ = notify::make_service(std::move(parts), {config.place_name, config.public_url, config.lan_url});
}

Task<void> Notices::stop() {
  mail_.stop();
  co_await service_->stop();
}

Task<void> Notices::tell_refused(AccountId account, Error why) {
  Told& told = refusals_[account];
  const Instant now = clock_.now();
  if (now < told.since || now - told.since >= std::chrono::hours(1)) told = {now, 0};
  if (++told.count > refusals_per_hour) co_return;
  notify::Facts facts;
  facts.event = notify::Event::request_refused;
  facts.at = now;
  facts.reason = why.reason;
  facts.detail = std::move(why.message);
  Database::Work work = [this, account, facts](Tx& tx) { return service_->tell_in(tx, account, facts); };
  auto written = co_await database_.write(std::move(work));
  if (written)
    service_->poke();
  else
    log::warn("the refusal of a request is not told: {}", written.error().message);
}

Database::Work Notices::tell_of_end(const accounts::Account& account, Seconds grace) {
  notify::Facts facts;
  facts.event = notify::Event::stay_ending;
  facts.at = clock_.now();
  if (account.valid_until) facts.until = *account.valid_until + grace;
  return [this, id = account.id, facts](Tx& tx) { return service_->tell_in(tx, id, facts); };
}

}  // namespace restante::daemon
