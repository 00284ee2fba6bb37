// SPDX-License-Identifier: Apache-2.0
#include "transfer/engine.hpp"

#include "base/text.hpp"
#include "transfer/file_fetch.hpp"
#include "transfer/folder_look.hpp"
#include "transfer/hop_headers.hpp"

#include <algorithm>
#include <string_view>
#include <sys/epoll.h>
#include <utility>
#include <variant>

namespace restante::transfer {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds tick_time{100};
constexpr std::chrono::milliseconds idle_time{30000};
/// The connections of small requests, of which none is used twice; no credential has this domain.
constexpr const char* request_domain = "small requests";
/// Before the credential domains of file servers, whose connections are asked again and again.
constexpr const char* file_domain = "files ";

bool is_on_file_server(std::string_view url) {
  const std::string scheme = ascii_lower(url.substr(0, url.find(':')));
  return scheme == "ftp" || scheme == "ftps" || scheme == "sftp";
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::make(Options options) {
  auto trust = net::TrustStore::from_pem(options.roots_pem);
  if (!trust) return fail(trust.error());
  return std::unique_ptr<Engine>(new Engine(std::move(options), std::move(*trust)));
}

Engine::Engine(Options options, net::TrustStore trust)
    : limits_(options.limits),
      requests_per_origin_(options.requests_per_origin),
      trust_(std::move(trust)),
      channel_(std::move(options.channel)),
      connector_(std::move(options.connector), options.limits.connector_answer),
      buffers_(options.limits.buffer_bytes),
      nonces_(options.limits.remembered_nonces),
      http_versions_(options.http2, options.limits.remembered_versions),
      last_tick_(SteadyClock::now()) {
}

void Engine::run(std::vector<std::string> locks) {
  watch_channel();
  send(worker::Ready{std::move(locks)});
  while (open_) {
    poller_.wait(until_next());
    const auto now = SteadyClock::now();
    for (auto& [key, domain] : domains_) domain.multi->on_time(now);
    give_slots();
    for (auto& [id, transfer] : transfers_) transfer->on_turn(now);
    if (now - last_tick_ >= tick_time) {
      last_tick_ = now;
      for (auto& [id, transfer] : transfers_) transfer->on_tick(now);
      for (auto& [id, request] : requests_) request->on_tick(now);
      for (auto& [id, file] : files_) file.run->on_tick(now);
    }
    sweep();
    if (open_ && channel_.wants_write() != watching_writes_) watch_channel();
  }
}

void Engine::watch_channel() {
  watching_writes_ = channel_.wants_write();
  poller_.watch(channel_.fd(), EPOLLIN | (watching_writes_ ? EPOLLOUT : 0U), [this](std::uint32_t ready) {
    if ((ready & EPOLLOUT) != 0 && !channel_.flush()) open_ = false;
    if ((ready & ~std::uint32_t{EPOLLOUT}) != 0) read_channel();
  });
}

void Engine::read_channel() {
  while (open_) {
    auto received = channel_.receive();
    if (!received) {
      open_ = false;
      return;
    }
    if (!*received) return;
    take(std::move(**received));
  }
}

void Engine::take(worker::Received received) {
  auto message = worker::decode_to_worker(received.packet);
  wipe(received.packet);
  if (!message) {
    open_ = false;  // the server is of another version: it starts another worker and says so
    return;
  }
  if (auto* order = std::get_if<worker::Start>(&*message)) {
    order->order.out = std::move(received.fd);
    start(std::move(*order));
  } else if (auto* ask = std::get_if<worker::Ask>(&*message)) {
    start(std::move(*ask));
  } else if (auto* browse = std::get_if<worker::Browse>(&*message)) {
    start(std::move(*browse));
  } else if (auto* resolved = std::get_if<worker::Resolved>(&*message)) {
    const auto found = transfers_.find(resolved->transfer);
    const auto request = requests_.find(resolved->transfer);
    const auto file = files_.find(resolved->transfer);
    if (file != files_.end()) return file->second.run->on_resolved(std::move(*resolved));
    if (found != transfers_.end()) found->second->on_resolved(std::move(*resolved));
    if (request != requests_.end()) request->second->on_resolved(std::move(*resolved));
  } else if (auto* kept = std::get_if<worker::Kept>(&*message)) {
    const auto found = transfers_.find(kept->transfer);
    if (found != transfers_.end()) found->second->on_kept(std::move(*kept));
  } else if (const auto* pace = std::get_if<worker::Pace>(&*message)) {
    const auto found = transfers_.find(pace->transfer);
    const auto file = files_.find(pace->transfer);
    if (found != transfers_.end()) found->second->set_pace(pace->bytes_per_s);
    if (file != files_.end()) file->second.run->set_pace(pace->bytes_per_s);
  } else if (const auto* stop = std::get_if<worker::Stop>(&*message)) {
    const auto found = transfers_.find(stop->transfer);
    const auto request = requests_.find(stop->transfer);
    const auto file = files_.find(stop->transfer);
    if (file != files_.end()) file->second.run->stop();
    if (found != transfers_.end()) found->second->stop();
    if (request != requests_.end()) request->second->stop();
  }
}

void Engine::start(worker::Start start) {
  begin(start.transfer, std::move(start.order), Transfer::Purpose::brings);
}

bool Engine::takes(std::uint32_t id, std::uint64_t offset) {
  if (transfers_.size() + files_.size() < limits_.transfers && !transfers_.contains(id) &&
      !files_.contains(id))
    return true;
  jobs::TransferResult result;
  result.reason = Reason::busy;
  result.message = "the worker has too many transfers";
  result.transient = true;
  result.received_bytes = offset;
  send(worker::Finished{id, std::move(result)});
  return false;
}

void Engine::begin(std::uint32_t id, jobs::TransferOrder order, Transfer::Purpose purpose) {
  if (is_on_file_server(order.source.url)) return begin_at_file_server(id, std::move(order), purpose);
  if (!takes(id, order.offset)) return;
  Surroundings& around = *this;
  auto& transfer = transfers_[id];
  transfer = std::make_unique<Transfer>(around, limits_, id, std::move(order), purpose);
  transfer->begin();
}

void Engine::start(worker::Ask ask) {
  const std::uint32_t id = ask.transfer;
  if (requests_.size() >= limits_.requests || requests_.contains(id)) {
    worker::Answered busy;
    busy.transfer = id;
    busy.failure = fail(Reason::busy, "the worker has too many requests").value();
    return send(std::move(busy));
  }
  SmallRequestRun::Ways ways;
  ways.send = [this](worker::ToServer message) { send(std::move(message)); };
  ways.start = [this](const net::CurlOptions& options, net::CurlEvents& events) {
    return start_request(request_domain, options, events);
  };
  ways.open_socket = [this, id](int family, int socktype, const sockaddr* address, socklen_t length) {
    return open_socket(id, 0, family, socktype, address, length);
  };
  auto& request = requests_[id];
  request = std::make_unique<SmallRequestRun>(limits_, id, std::move(ask.request), std::move(ways));
  request->begin();
}

void Engine::start(worker::Browse browse) {
  begin(browse.transfer, std::move(browse.order), Transfer::Purpose::looks);
}

void Engine::begin_at_file_server(std::uint32_t id, jobs::TransferOrder order, Transfer::Purpose purpose) {
  if (!takes(id, order.offset)) return;
  FileRun& run = files_[id];
  run.domain = file_domain + credential_domain(order);
  FileServerRun::Ways ways;
  ways.send = [this](worker::ToServer message) { send(std::move(message)); };
  ways.start = [this, domain = run.domain](const net::CurlOptions& options, net::CurlEvents& events) {
    return start_request(domain, options, events);
  };
  ways.open_socket = [this, id](int family, int socktype, const sockaddr* address, socklen_t length) {
    return open_socket(id, 0, family, socktype, address, length);
  };
  if (purpose == Transfer::Purpose::looks)
    run.run = std::make_unique<FolderLook>(limits_, id, std::move(order), std::move(ways));
  else
    run.run = std::make_unique<FileFetch>(limits_, id, std::move(order), std::move(ways), buffers_);
  run.run->begin();
}

void Engine::send(worker::ToServer message) {
  if (!channel_.send(worker::encode(message))) open_ = false;
}

int Engine::open_socket(std::uint32_t transfer, std::uint32_t part, int family, int socktype,
                        const sockaddr* address, socklen_t length) {
  return connector_.open(transfer, part, family, socktype, address, length);
}

std::unique_ptr<net::CurlHandle> Engine::start_request(const std::string& domain,
                                                       const net::CurlOptions& options,
                                                       net::CurlEvents& events) {
  Domain& pool = domains_[domain];
  net::CurlMulti::Limits limits;
  limits.connections = std::max(limits.connections, static_cast<long>(limits_.transfers));
  limits.kept_connections = std::max(limits.kept_connections, limits.connections);
  limits.ask_again = options.ftp != nullptr;
  if (!pool.multi) pool.multi = net::make_curl_multi(poller_, trust_, limits);
  pool.used = SteadyClock::now();
  return pool.multi->start(options, events);
}

std::chrono::milliseconds Engine::until_next() const {
  const auto finished = [](const auto& entry) { return entry.second->finished(); };
  const auto hurries = [](const auto& entry) {
    return entry.second->finished() || entry.second->wants_turn();
  };
  if (std::any_of(transfers_.begin(), transfers_.end(), hurries) ||
      std::any_of(requests_.begin(), requests_.end(), finished) ||
      std::any_of(files_.begin(), files_.end(), [](const auto& one) { return one.second.finished(); }))
    return std::chrono::milliseconds(0);
  auto wait = transfers_.empty() && requests_.empty() && files_.empty() ? idle_time : tick_time;
  for (const auto& [key, domain] : domains_) {
    const auto deadline = domain.multi->deadline();
    if (!deadline) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now());
    wait = std::clamp(left, std::chrono::milliseconds(0), wait);
  }
  return wait;
}

/// In the order of their numbers, so that nobody is passed over.
void Engine::give_slots() {
  for (auto& [id, file] : files_) {
    if (!file.run->wants_slot()) continue;
    const auto busy = std::count_if(files_.begin(), files_.end(), [&](const auto& one) {
      return one.second.run->holds_slot() && one.second.run->origin() == file.run->origin();
    });
    if (busy < limits_.per_file_server) file.run->on_slot();
  }
  const auto waits = [](const auto& entry) { return entry.second->wants_slot(); };
  if (std::none_of(transfers_.begin(), transfers_.end(), waits)) return;
  std::map<std::string, int> used;
  for (const auto& [id, transfer] : transfers_) {
    if (transfer->holds_slot()) ++used[transfer->origin()];
  }
  for (auto& [id, transfer] : transfers_) {
    if (!transfer->wants_slot() || used[transfer->origin()] >= requests_per_origin_) continue;
    ++used[transfer->origin()];
    transfer->on_slot();
  }
}

void Engine::sweep() {
  std::erase_if(transfers_, [](const auto& entry) { return entry.second->finished(); });
  std::erase_if(requests_, [](const auto& entry) { return entry.second->finished(); });
  std::erase_if(files_, [](const auto& entry) { return entry.second.finished(); });
  while (domains_.size() > limits_.idle_domains) {
    auto oldest = domains_.end();
    for (auto it = domains_.begin(); it != domains_.end(); ++it) {
      const bool asks = it->first == request_domain && !requests_.empty();
      const bool lists = std::any_of(files_.begin(), files_.end(),
                                     [&](const auto& entry) { return entry.second.domain == it->first; });
      const bool in_use = asks || lists ||
                          std::any_of(transfers_.begin(), transfers_.end(),
                                      [&](const auto& entry) { return entry.second->domain() == it->first; });
      if (!in_use && (oldest == domains_.end() || it->second.used < oldest->second.used)) oldest = it;
    }
    if (oldest == domains_.end()) return;
    domains_.erase(oldest);
  }
}

}  // namespace restante::transfer
