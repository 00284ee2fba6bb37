// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "http/target.hpp"
#include "proxy/jws.hpp"
#include "proxy/keys.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>

namespace restante::api::test {

Task<jobs::TransferResult> SilentTransfers::run(jobs::TransferOrder order, jobs::TransferObserver&,
                                                std::stop_token stop) {
  if (order.probe && answer) co_return answer(order);
  while (!stop.stop_requested()) co_await sleep_for(Millis{5});
  jobs::TransferResult result;
  result.outcome = jobs::Outcome::stopped;
  co_return result;
}

boost::json::value Answer::json() const {
  return boost::json::parse(body);
}

std::string Answer::reason() const {
  const std::string type(json().at("type").as_string());
  return type.substr(type.rfind('/') + 1);
}

namespace {

template <class T>
T good(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

void good(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message);
}

}  // namespace

Place::Place(ApiLimits limits) {
  char name[] = "/tmp/restante-api-XXXXXX";
  folder = mkdtemp(name);
  store::StoreOptions where;
  where.path = folder + "/restante.db";
  where.master_key = std::string(32, 'k');
  store = good(store::open_store(where));
  const Executor control = loop.get_executor();
  accounts = accounts::make_service(control, pool.get_executor(), *store, clock, accounts::AccountLimits{});
  files::AreasOptions options;
  options.data_dir = folder;
  options.account_name = [this](AccountId id) { return accounts->snapshot()->account(id)->name; };
  options.quota_bytes = [](AccountId) { return std::optional<std::uint64_t>(); };
  areas = good(files::make_areas(control, pool.get_executor(), *store, clock, options));
  jobs = jobs::make_service(control, *store, *store, transfers, *areas, rules, clock, jobs::ServiceLimits{});
  good(run(accounts->start()));
  good(run(jobs->start()));
  ApiOptions api_options;
  api_options.place_name = "home";
  api_options.jkt = server_jkt;
  api_options.time_zone = "UTC";
  api_options.public_url = "http://127.0.0.1:8470";
  api_options.hosts.add_listener("127.0.0.1");
  api_options.limits = limits;
  api_options.mailboxes = {{MailboxAddress::Kind::mail, "box@example.org", "", ""},
                           {MailboxAddress::Kind::webdav, "https://dav.example/in/", "put", "what opens it"}};
  const auto scrub = [this] { return store->scrub(); };
  administration.reset(new Administration{*accounts,
                                          *areas,
                                          jobs.get(),
                                          server_jkt,
                                          api_options.public_url,
                                          pool.get_executor(),
                                          {},
                                          {},
                                          scrub,
                                          {}});
  links = files::make_links(control, *store, clock);
  api = make_api({control, *accounts, *jobs, *areas, clock, *administration, *links, pool.get_executor(),
                  nullptr, store.get()},
                 std::move(api_options));
}

Place::~Place() {
  auto stop = [](Place& place) -> Task<int> {
    co_await place.jobs->stop();
    co_return 0;
  };
  run(stop(*this));
  loop.restart();
  loop.poll();
  pool.join();
  api.reset();
  administration.reset();
  jobs.reset();
  links.reset();
  areas.reset();
  accounts.reset();
  store->close();
  std::filesystem::remove_all(folder);
}

std::string Place::connect(const std::string& name, accounts::Role role, const std::string& password) {
  accounts::NewUser user;
  user.name = name;
  user.role = role;
  user.password = password;
  good(run(accounts->add_user(user)));
  const auto code = good(run(accounts->new_pairing_code(name)));
  const auto key = proxy::PrivateKey::generate();
  const auto proof = proxy::sign_compact(key, fmt::format(R"({{"code":"{}","jkt":"{}"}})", code, server_jkt),
                                         "restante-enrol+jws");
  const auto answer = send("POST", "/v1/devices", "",
                           fmt::format(R"({{"code":"{}","label":"phone","jwk":{},"proof":"{}"}})", code,
                                       key.public_key().jwk(), proof));
  if (answer.status != 201) throw std::runtime_error(answer.body);
  return std::string(answer.json().at("token").as_string());
}

Browser Place::browse(const std::string& user, const std::string& password) {
  auto asked = request("POST", "/v1/session", "",
                       fmt::format(R"({{"user":"{}","password":"{}","cookie":true}})", user, password));
  asked.headers.emplace_back("Origin", "http://127.0.0.1:8470");
  const auto answer = send(std::move(asked));
  if (answer.status != 201) throw std::runtime_error(answer.body);
  const std::string& set = answer.headers.at("set-cookie");
  return {set.substr(0, set.find(';')), std::string(answer.json().at("csrf").as_string())};
}

http::Request Place::request(const std::string& method, const std::string& target, const std::string& token,
                             std::string body, const std::string& type) const {
  http::Request out;
  out.method = method;
  out.target = target;
  const auto parsed = good(http::parse_target(target));
  out.path = parsed.path;
  out.segments = parsed.segments;
  out.query = parsed.query;
  out.headers = {{"Host", "127.0.0.1:8470"}};
  if (!token.empty()) out.headers.emplace_back("Authorization", "Bearer " + token);
  if (!body.empty()) out.headers.emplace_back("Content-Type", type);
  out.body = std::move(body);
  out.peer.address = "127.0.0.1";
  out.peer.both_loopback = true;
  return out;
}

http::Response Place::begin(http::Request wanted) {
  return run(api->handle(std::move(wanted)));
}

std::optional<std::string> Place::next_piece(http::Response& response) {
  return run(std::get<http::StreamBody>(response.body).next());
}

Answer Place::send(http::Request wanted) {
  auto response = begin(std::move(wanted));
  Answer answer;
  answer.status = response.status;
  for (const auto& [name, value] : response.headers) answer.headers[ascii_lower(name)] = value;
  if (auto* text = std::get_if<std::string>(&response.body)) answer.body = *text;
  if (auto* file = std::get_if<http::FileBody>(&response.body))
    for (const auto& part : file->parts) {
      answer.body += part.before;
      std::string bytes(part.length, '\0');
      const auto got = ::pread(file->fd->get(), bytes.data(), bytes.size(), static_cast<off_t>(part.offset));
      answer.body.append(bytes, 0, got > 0 ? static_cast<std::size_t>(got) : 0);
    }
  if (std::holds_alternative<http::StreamBody>(response.body))
    while (auto piece = next_piece(response)) answer.body += *piece;
  return answer;
}

std::string Place::core(int number, const std::string& extra) const {
  const auto now = std::chrono::floor<Seconds>(clock.now()).time_since_epoch().count();
  return fmt::format(
      R"({{"v":1,"id":"00000000-0000-4000-8000-{:012x}","aud":[{{"jkt":"{}"}}],"iat":{},"exp":{},)"
      R"("what":{{"files":[{{"sources":[{{"url":"http://127.0.0.1:9/f{}.bin"}}]}}]}},)"
      R"("when":{{"start":"2126-01-01T00:00:00Z"}},"probe":false{}}})",
      number, server_jkt, now, now + 86400, number, extra);
}

std::string Place::submit(const std::string& token, int number) {
  const auto answer = send("POST", "/v1/proxies", token, core(number));
  if (answer.status != 202) throw std::runtime_error(answer.body);
  return std::string(answer.json().at("id").as_string());
}

std::string Place::publish(const std::string& user, const std::string& name, const std::string& content) {
  const auto all = accounts->snapshot()->accounts();
  const auto is_user = [&](const accounts::Account& one) { return one.name == user; };
  const auto account = std::find_if(all.begin(), all.end(), is_user)->id;
  JobId job;
  random_bytes(job.bytes.data(), job.bytes.size());
  auto incoming = good(run(areas->open_incoming(account, job, 0, 0)));
  if (::pwrite(incoming.for_worker.get(), content.data(), content.size(), 0) < 0)
    throw std::runtime_error("write");
  jobs::Publication what;
  what.account = account;
  what.job = job;
  what.wanted_name = name;
  what.size_bytes = content.size();
  jobs::PublishCommit commit = [](Tx&, const jobs::Publication&, const jobs::Published&) -> Result<void> {
    return {};
  };
  return good(run(areas->publish(what, std::move(incoming.for_sync), commit))).id.text();
}

}  // namespace restante::api::test
