// SPDX-License-Identifier: Apache-2.0
#include "serve.hpp"

#include "account_rules.hpp"
#include "api/api.hpp"
#include "api/commands.hpp"
#include "api/erasure.hpp"
#include "api/submit_socket.hpp"
#include "base/log.hpp"
#include "certificates.hpp"
#include "house.hpp"
#include "http/server.hpp"
#include "installation.hpp"
#include "jobs/service.hpp"
#include "mailboxes.hpp"
#include "notices.hpp"
#include "proxy/zone.hpp"
#include "service_manager.hpp"
#include "terminal.hpp"
#include "web_app.hpp"
#include "worker/pool.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <sched.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace restante::daemon {

namespace {

constexpr std::size_t serving_threads = 2;
constexpr unsigned stop_seconds = 5;
constexpr std::chrono::minutes last_seen_interval{5};
constexpr std::chrono::minutes certificate_interval{1};
constexpr std::chrono::minutes first_look_at_store{1};
constexpr std::chrono::minutes next_look_at_store{24 * 60};
constexpr std::chrono::hours next_look_at_keys{24};
constexpr std::chrono::seconds longest_command{2};  ///< that holds the data folder while this server starts
constexpr std::chrono::milliseconds folder_asked_again{50};
constexpr std::size_t kept_descriptors = 512;  ///< for the store, partial files, workers and their sockets
constexpr std::size_t least_connections = 16;

/// Requests of the two sockets and those of the API come in through one server.
class Door final : public http::Handler {
public:
  Door(http::Handler& api, http::Handler& control, http::Handler& submits)
      : api_(api), control_(control), submits_(submits) {}
  std::uint64_t body_limit(const http::Request& head) const override { return of(head).body_limit(head); }
  Task<http::Response> handle(http::Request request) override {
    http::Handler& handler = of(request);
    return handler.handle(std::move(request));
  }

private:
  http::Handler& of(const http::Request& request) const {
    if (!request.peer.unix_socket) return api_;
    return request.peer.submits ? submits_ : control_;
  }
  http::Handler& api_;
  http::Handler& control_;
  http::Handler& submits_;
};

/// How many connections there may be so that `downloads` never lack descriptors: a connection takes two (the
/// socket, and the file it reads), a download three. Raises the soft limit of the process as far as that
/// needs and the hard limit permits (getrlimit(2)).
std::size_t affordable_connections(std::size_t wanted, int downloads) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const std::size_t kept = kept_descriptors + 3 * static_cast<std::size_t>(downloads);
  const rlim_t needed = 2 * wanted + kept;
  if (limit.rlim_cur < needed) {
    rlimit raised = limit;
    raised.rlim_cur = std::min(needed, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur >= needed) return wanted;
  const std::size_t left = limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, kept);
  const std::size_t affordable = std::max(left / 2, least_connections);
  log::warn(
      "only {} of {} connections at once: the process may open {} files; raise its limit (LimitNOFILE= of "
      "systemd, ulimit -n)",
      affordable, wanted, limit.rlim_cur);
  return affordable;
}

/// Every request gives the control loop a little to do. As a batch thread (sched(7)) it does not take the
/// processor from the thread that woke it, and finds several pieces at once when there is much: a quarter
/// more sealed requests a second on two cores (docs/benchmarks.md). Threads and processes that begin here are
/// not changed.
void do_not_preempt() {
  const sched_param none{};
  if (::sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &none) != 0)
    log::debug("the control loop keeps the usual scheduling: {}", errno_text(errno));
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "restante";
}

api::ApiOptions api_options(const Config& config, const House& house, const Certificates& certificates) {
  api::ApiOptions options;
  options.place_name = config.place_name;
  options.jkt = house.jkt();
  options.time_zone = config.time_zone;
  options.limits = config.api_limits;
  for (const auto& host : config.hosts) options.hosts.add(host);
  options.public_url = config.public_url;
  options.lan_url = config.lan_url;
  for (const auto& url : {config.public_url, config.lan_url})
    if (!url.empty()) options.hosts.add(api::authority_of(url));
  for (const auto& one : config.listen) options.hosts.add_listener(one.address);
  for (const auto& one : config.listen_open) options.hosts.add_listener(one.address);
  options.identity = &house.identity;
  options.app = web_app();
  options.authority = [&certificates] { return certificates.authority(); };
  return options;
}

http::TrustsProxy trust_of(const std::vector<net::AddressRange>& ranges) {
  if (ranges.empty()) return {};
  return [&ranges](const std::string& address) {
    const auto one = net::AddressRange::parse(address);
    return one && std::any_of(ranges.begin(), ranges.end(),
                              [&](const net::AddressRange& range) { return range.contains(one->bytes); });
  };
}

/// The running server: every part in the order in which they lean on each other, the last one stopped first.
class Serving {
public:
  Serving(const Config& config, House& house, const net::AddressGuard& guard, notify::MailOptions mail,
          const MailboxPlan& mailboxes)
      : config_(config),
        house_(house),
        executor_(house.loop.get_executor()),
        certificates_(config, house.identity, house.dir, house.clock) {
    worker::PoolOptions pool;
    pool.program = config.worker_program;
    pool.addresses.allow = config.address_guard_allow;
    pool.guard = guard;
    pool.ca_bundle = config.worker_ca_bundle;
    pool.http2 = config.worker_http2;
    pool.max_workers = config.max_workers;
    pool.connections_at = [&config](const std::string& server) {
      const auto rule = jobs::rule_for(config.job_limits.rates, server);
      const auto& rules = config.job_limits.rates.servers;
      return (rule ? rules[static_cast<std::size_t>(*rule)].connections : std::nullopt)
          .value_or(std::max(config.connections_per_server, config.job_limits.running_per_origin));
    };
    pool.transfers_per_worker =
        std::max(pool.transfers_per_worker, static_cast<std::size_t>(config.job_limits.running_per_account));
    pool.transfers_per_origin = config.job_limits.running_per_origin;
    pool.queued = std::max(pool.queued, static_cast<std::size_t>(config.job_limits.running_at_once));
    pool_ = worker::make_pool(executor_, resolver_pool_.get_executor(), std::move(pool));
    rules_ = std::make_unique<AccountRules>(*house.accounts);
    notices_ = std::make_unique<Notices>(house, config, std::move(mail), *pool_, *rules_);
    auto limits = config.job_limits;
    limits.time_zone = config.time_zone;
    jobs_ = jobs::make_service(executor_, *house.store, *house.store, *pool_, *house.areas, *rules_,
                               house.clock, limits, nullptr, &notices_->service());
    house.areas->tell_changes([this](AccountId account) { jobs_->files_changed(account); });
    administration_ = std::make_unique<api::Administration>(house.administration());
    administration_->jobs = jobs_.get();
    administration_->tell_of_end = [this](const accounts::Account& account) {
      return notices_->tell_of_end(account, house_.accounts->guest_limits().grace);
    };
    administration_->end_telling = [this](AccountId account) { pool_->forget(account); };
    auto options = api_options(config, house, certificates_);
    options.condition = [this] { return condition(); };
    options.mailboxes = mailboxes.told;
    receiver_ = intake::make_receiver({house.disk_pool.get_executor(), *house.accounts, *jobs_, *house.keys,
                                       house.clock, house.jkt(), config.api_limits.submit_per_minute});
    mailboxes_ = std::make_unique<Mailboxes>(mailboxes, *receiver_,
                                             [this](const accounts::Principal& sender, const Error& why) {
                                               group_.spawn(notices_->tell_refused(sender.account, why));
                                             });
    api_ = api::make_api({executor_, *house.accounts, *jobs_, *house.areas, house.clock, *administration_,
                          *house.links, house.hash_pool.get_executor(), &notices_->service(),
                          house.store.get(), house.keys.get(), receiver_.get()},
                         std::move(options));
    control_ = api::make_control(executor_, *administration_);
    submits_ = api::make_submit_socket(executor_, *receiver_);
    door_ = std::make_unique<Door>(*api_, *control_, *submits_);
  }

  Task<Result<void>> run() {
    auto started = co_await start();
    Result<void> outcome = started;
    if (started) {
      boost::asio::signal_set signals(executor_, SIGTERM, SIGINT);
      tell_service_manager("READY=1");
      boost::system::error_code ignored;
      co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      log::info("stopping: what is under way goes on at the next start");
      ::alarm(stop_seconds);  // whatever hangs, the promise of DESIGN.md §4 holds
      tell_service_manager("STOPPING=1");
    }
    co_await stop();
    co_return outcome;
  }

private:
  Task<Result<void>> start() {
    auto accounts = co_await house_.start();
    if (!accounts) co_return accounts;
    auto jobs = co_await jobs_->start();
    if (!jobs) co_return jobs;
    jobs_started_ = true;
    auto opened = open_doors();
    if (!opened) co_return opened;
    group_.spawn(save_last_seen());
    group_.spawn(look_at_store());
    group_.spawn(look_at_certificates());
    group_.spawn(reload_on_signal());
    group_.spawn(house_.areas->housekeeping());
    group_.spawn(house_.areas->watching());
    group_.spawn(house_.links->housekeeping());
    group_.spawn(api::keep_stays(*administration_, house_.clock));
    group_.spawn(rotate_keys());
    const std::string drop = config_.drop_path.empty() ? house_.dir + "/drop" : config_.drop_path;
    // A stick or a share that is not there must not keep the place from its other work.
    if (auto dropped = mailboxes_->open_drop_folder(drop, executor_); !dropped)
      log::error("the drop folder is not looked at until the next start: {}; {}", dropped.error().message,
                 dropped.error().remedy());
    mailboxes_->start(group_);
    group_.spawn(greet());
    co_return Result<void>();
  }

  Result<void> open_doors() {
    auto pair = certificates_.begin();
    if (!pair) return fail(pair.error());
    http::ServerOptions options;
    options.certificate = std::move(*pair);
    options.limits.connections =
        affordable_connections(config_.connections, config_.job_limits.running_at_once);
    options.threads = serving_threads;
    options.trusts_proxy = trust_of(config_.trusted_proxies);
    server_ = http::make_server(*door_, std::move(options));
    std::vector<http::Bound> bound;
    for (const auto& one : config_.listen) {
      auto listening = server_->listen({one.address, one.port, needs_tls(config_, one.address)});
      if (!listening) return fail(listening.error());
      bound.push_back(*listening);
    }
    for (const auto& one : config_.listen_open) {
      auto listening = server_->listen({one.address, one.port, false, true});
      if (!listening) return fail(listening.error());
      log::info("an open door for people who do not trust this place yet: http://{}:{}/trust",
                url_host(listening->address), listening->port);
    }
    const http::Bound& first = bound.front();
    administration_->base_url = base_url(config_, first.address, first.port, first.tls);
    api_->listening_on(administration_->base_url);
    notices_->service().listening_on(administration_->base_url);
    notices_->service().start();
    if (auto control = server_->listen({house_.dir + "/control.sock", 0, false}); !control)
      return fail(control.error());
    if (auto submits = server_->listen({house_.dir + "/submit.sock", 0, false, false, true}); !submits)
      return fail(submits.error());
    server_->start();
    for (const auto& one : bound)
      log::info("listening on {}://{}:{}", one.tls ? "https" : "http", url_host(one.address), one.port);
    if (!house_.accounts->snapshot()->set_up())
      log::info("there is no user yet: `restanted setup`, or `restanted user add NAME`");
    return {};
  }

  /// Whoever sits at the terminal may set the place up. The code goes there and nowhere else, never into a
  /// log.
  Task<void> greet() {
    if (house_.accounts->snapshot()->set_up() || ::isatty(STDERR_FILENO) == 0) co_return;
    auto setup_code = co_await house_.accounts->new_setup_code();
    if (!setup_code) co_return;
    const std::string url = api::setup_url(administration_->base_url, *setup_code);
    std::cerr << "\nNobody uses this place yet. Open this address to begin; it works once, for an hour:\n\n  "
              << url << "\n\n";
    show_qr(url);
  }

  api::Condition condition() const {
    using Mail = api::Condition::Mail;
    api::Condition out;
    out.workers = pool_->workers();
    if (notices_->mail().sends()) out.mail = notices_->mail().failing() ? Mail::failing : Mail::ok;
    out.mailbox = mailboxes_->condition();
    out.certificate_until = certificates_.until();
    out.store_faults = store_faults_;
    return out;
  }

  Task<void> stop() {
    api_->close();
    mailboxes_->stop();
    if (jobs_started_) co_await jobs_->stop();
    if (server_) {
      auto stop_server = [this] { server_->stop(); };
      co_await offload(resolver_pool_.get_executor(), stop_server);
    }
    co_await notices_->stop();
    co_await pool_->stop();
    co_await group_.stop();
    if (jobs_started_) {
      auto counted = co_await house_.areas->traffic().save();
      if (!counted) log::warn("the traffic of the last minute is not stored: {}", counted.error().message);
      auto saved = co_await house_.accounts->save_last_seen();
      if (!saved) log::warn("when devices were last seen is not stored: {}", saved.error().message);
    }
  }

  /// Names, files and time make another certificate; connections that are there go on with the old one.
  void renew_certificate(Certificates::Again again) {
    auto fresh = certificates_.renewed(again);
    if (fresh && !*fresh) return;
    Result<void> done = fresh ? server_->replace_certificate(**fresh) : fail(std::move(fresh.error()));
    if (done)
      log::info("tls: another certificate is shown from now on");
    else
      log::error("tls: {}; the certificate that was shown before stays", done.error().message);
  }

  Task<void> look_at_certificates() {
    for (;;) {
      co_await sleep_for(certificate_interval);
      renew_certificate(Certificates::Again::no);
    }
  }

  /// SIGHUP: whoever wrote new files need not wait for the next look; or the terminal is gone.
  Task<void> reload_on_signal() {
    for (;;) {
      co_await hangups_.async_wait(asio::use_awaitable);
      if (ends_with_terminal_ && !has_terminal()) ::raise(SIGTERM);
      renew_certificate(Certificates::Again::yes);
    }
  }

  /// What the disk has damaged is told before somebody misses it.
  Task<void> look_at_store() {
    for (auto pause = first_look_at_store;; pause = next_look_at_store) {
      co_await sleep_for(pause);
      auto look = [store = house_.store.get()] { return store->check(); };
      const auto faults = co_await offload(house_.disk_pool.get_executor(), look);
      for (const auto& fault : faults) log::error("{}; see `restanted check`", fault);
      store_faults_ = faults.size();
    }
  }

  Task<void> rotate_keys() {
    for (;;) {
      co_await sleep_for(next_look_at_keys);
      auto rotate = [this] { return house_.keys->rotate(house_.clock.now()); };
      const auto rotated = co_await offload(house_.disk_pool.get_executor(), rotate);
      if (!rotated)
        log::error("the keys of this place are as they were: {}", rotated.error().message);
      else if (*rotated)
        log::info(
            "requests are sealed with a new key from now on; the old ones still open what was sealed before");
    }
  }

  Task<void> save_last_seen() {
    for (;;) {
      co_await sleep_for(last_seen_interval);
      auto saved = co_await house_.accounts->save_last_seen();
      if (!saved) log::warn("when devices were last seen is not stored: {}", saved.error().message);
    }
  }

  const Config& config_;
  House& house_;
  Executor executor_;
  Certificates certificates_;
  const bool ends_with_terminal_ = ends_with_terminal();  ///< asked before SIGHUP is ours
  boost::asio::signal_set hangups_{executor_, SIGHUP};
  asio::thread_pool resolver_pool_{4};
  std::unique_ptr<worker::Pool> pool_;
  std::unique_ptr<AccountRules> rules_;
  std::unique_ptr<Notices> notices_;
  std::unique_ptr<jobs::Service> jobs_;
  std::unique_ptr<intake::Receiver> receiver_;
  std::unique_ptr<Mailboxes> mailboxes_;
  std::unique_ptr<api::Administration> administration_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Handler> control_, submits_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<http::Server> server_;
  TaskGroup group_{executor_, "server"};
  bool jobs_started_ = false;
  std::size_t store_faults_ = 0;  ///< of the last look
};

/// A command that found no server (`restanted receive` of a mail server's pipe) holds the folder for a
/// moment.
Result<std::unique_ptr<House>> open_house(const Config& config, const std::string& dir) {
  const auto until = std::chrono::steady_clock::now() + longest_command;
  for (;;) {
    auto house = House::open(config, dir);
    if (house || house.error().reason != Reason::in_use || std::chrono::steady_clock::now() > until)
      return house;
    std::this_thread::sleep_for(folder_asked_again);
  }
}

void stopped_too_slowly(int) {
  static constexpr char text[] = "restanted: something did not stop in time; ended without it\n";
  static_cast<void>(!::write(2, text, sizeof text - 1));
  ::_exit(0);
}

}  // namespace

Result<void> serve(const Config& given, const std::string& dir, const net::AddressGuard& guard) {
  Config config = given;
  if (config.place_name.empty()) config.place_name = host_name();
  if (config.time_zone.empty()) config.time_zone = proxy::system_zone();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGALRM, stopped_too_slowly);
  auto program = find_worker_program(config.worker_program);
  if (!program) return fail(program.error());
  config.worker_program = std::move(*program);
  const auto rights = OwnerRights::take(dir, OwnerRights::Until::forever);
  if (!rights) return fail(rights.error());
  auto mail = mail_options(config);
  if (!mail) return fail(mail.error());
  auto mailboxes = mailbox_plan(config.mailbox);
  if (!mailboxes) return fail(mailboxes.error());
  auto house = open_house(config, dir);
  if (!house) return fail(house.error());
  Result<void> outcome;
  {
    Serving serving(config, **house, guard, std::move(*mail), *mailboxes);
    auto ended = asio::co_spawn((*house)->loop, serving.run(), asio::use_future);
    do_not_preempt();
    (*house)->loop.run();
    outcome = ended.get();
  }
  return outcome;
}

}  // namespace restante::daemon
