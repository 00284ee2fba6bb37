// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"

#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace restante::test {

namespace {

constexpr int answer_time_ms = 30000;

pid_t spawn(const std::vector<std::string>& arguments, const std::vector<std::pair<int, int>>& descriptors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // First to numbers out of the way: one's target may be another's source.
  for (const auto& [from, to] : descriptors) posix_spawn_file_actions_adddup2(&actions, from, to + 100);
  for (const auto& [from, to] : descriptors) {
    posix_spawn_file_actions_adddup2(&actions, to + 100, to);
    posix_spawn_file_actions_addclose(&actions, to + 100);
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + arguments[0] + ": " + std::strerror(error));
  return child;
}

void wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
}

/// As the server keeps it: of one that grew in several places the good beginning, unless more is told.
std::string read_file(int fd, const jobs::TransferResult& result) {
  struct stat about{};
  ::fstat(fd, &about);
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  if (::pread(fd, bytes.data(), bytes.size(), 0) != about.st_size) throw std::runtime_error("short read");
  const bool spread = bytes.size() >= result.received_bytes + stretch_align_bytes;
  if (spread && result.apart.empty() && layout_of(fd, jobs::most_spans).sparse)
    bytes.resize(result.received_bytes);
  return bytes;
}

int connect_to(const worker::ConnectRequest& request, int& error) {
  sockaddr_storage address{};
  std::memcpy(&address, request.address, sizeof request.address);
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
  const bool loopback = request.family == AF_INET && (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  error = loopback ? 0 : EACCES;
  if (!loopback) return -1;
  const int fd = ::socket(request.family, request.socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), request.address_length) != 0 &&
      errno != EINPROGRESS) {
    error = errno;
    ::close(fd);
    return -1;
  }
  return fd;
}

/// Another build of the worker may be tested: sanitizers keep it out of its cage.
std::string worker_program() {
  const char* chosen = std::getenv("RESTANTE_TRANSFER");
  return chosen != nullptr ? chosen : TRANSFER_PROGRAM;
}

}  // namespace

std::string content(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7 + (i >> 8) * 13) & 0xFF);
  return bytes;
}

ContentServer::ContentServer(std::vector<std::string> options) {
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe");
  std::vector<std::string> arguments{"/usr/bin/python3", CONTENT_SERVER_PROGRAM};
  arguments.insert(arguments.end(), options.begin(), options.end());
  child_ = spawn(arguments, {{in[0], 0}, {out[1], 1}});
  ::close(in[0]);
  ::close(out[1]);
  input_.reset(in[1]);
  const UniqueFd output(out[0]);
  std::string line;
  for (char c = 0; ::read(output.get(), &c, 1) == 1 && c != '\n';) line += c;
  const boost::json::value said = boost::json::parse(line);
  const auto text = [&said](const char* name) { return std::string(said.at(name).as_string()); };
  http = text("http");
  other = text("other");
  https = text("https");
  http2 = text("http2");
  both = text("both");
  ca_file = text("ca");
}

ContentServer::~ContentServer() {
  input_.reset();
  wait_for(child_);
}

WorkerDriver::WorkerDriver(const std::string& ca_file, std::function<void(int)> socket_made,
                           const std::string& http2)
    : socket_made_(std::move(socket_made)) {
  auto channel = worker::make_channel().value();
  std::array<int, 2> connector{};
  ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, connector.data());
  connector_.reset(connector[0]);
  const UniqueFd theirs(connector[1]);
  child_ = spawn({worker_program(), ca_file, http2, "256", "6"},
                 {{channel.second.get(), worker::channel_fd}, {theirs.get(), worker::connector_fd}});
  channel.second.reset();
  channel_ = std::make_unique<worker::WorkerChannel>(std::move(channel.first));
  connector_thread_ = std::thread(&WorkerDriver::serve_connector, this, connector_.get());
  locks_ = std::get<worker::Ready>(next_message()).locks;
}

WorkerDriver::~WorkerDriver() {
  channel_.reset();
  wait_for(child_);
  ::shutdown(connector_.get(), SHUT_RDWR);
  connector_thread_.join();
}

void WorkerDriver::serve_connector(int channel) const {
  worker::ConnectRequest request;
  while (::recv(channel, &request, sizeof request, 0) == ssize_t(sizeof request)) {
    worker::ConnectAnswer answer;
    answer.sequence = request.sequence;
    const UniqueFd fd(connect_to(request, answer.error));
    if (fd && socket_made_) socket_made_(fd.get());
    iovec part{&answer, sizeof answer};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      const int number = fd.get();
      std::memcpy(CMSG_DATA(header), &number, sizeof number);
    }
    ::sendmsg(channel, &message, MSG_NOSIGNAL);
  }
}

worker::ToServer WorkerDriver::next_message() {
  while (true) {
    auto received = channel_->receive();
    if (!received) throw std::runtime_error("the worker: " + received.error().message);
    if (*received) return worker::decode_to_server((**received).packet).value();
    pollfd wanted{channel_->fd(), POLLIN, 0};
    if (::poll(&wanted, 1, answer_time_ms) <= 0) throw std::runtime_error("the worker says nothing");
  }
}

void WorkerDriver::send(const worker::ToWorker& message, UniqueFd fd) {
  if (!channel_->send(worker::encode(message), std::move(fd)))
    throw std::runtime_error("the worker has gone");
}

void WorkerDriver::start(std::uint32_t id, jobs::TransferOrder order, const std::string& held,
                         UniqueFd& kept) {
  UniqueFd file;
  if (order.out) {
    file = std::move(order.out);
  } else if (!order.probe) {
    kept.reset(::memfd_create("partial", MFD_CLOEXEC));
    if (::pwrite(kept.get(), held.data(), held.size(), 0) != ssize_t(held.size()))
      throw std::runtime_error("pwrite");
    file.reset(::dup(kept.get()));
    order.offset = held.size();
  }
  // Everything that one connection brings, several may be allowed to bring.
  if (const char* most = std::getenv("RESTANTE_CONNECTIONS"); most != nullptr && order.connections == 1)
    order.connections = std::atoi(most);
  send(worker::Start{id, std::move(order)}, std::move(file));
}

void WorkerDriver::resolve(const worker::Resolve& question) {
  worker::Resolved answer;
  answer.transfer = question.transfer;
  answer.hop = question.hop;
  answer.part = question.part;
  const auto found = hosts.find(question.host);
  if (found != hosts.end()) {
    answer.addresses = found->second;
  } else {
    answer.refused = fail(Reason::dns, question.host + " is not known").value();
  }
  send(std::move(answer));
}

Fetched WorkerDriver::fetch(jobs::TransferOrder order, const std::string& held, const Watch& each) {
  const std::uint32_t id = next_id_++;
  UniqueFd kept;
  Fetched out;
  start(id, std::move(order), held, kept);
  while (true) {
    worker::ToServer message = next_message();
    if (each && !each(message)) send(worker::Stop{id});
    if (const auto* question = std::get_if<worker::Resolve>(&message)) {
      out.resolved.push_back(question->scheme + "://" + question->host + ":" +
                             std::to_string(question->port));
      resolve(*question);
    } else if (const auto* responded = std::get_if<worker::Responded>(&message)) {
      out.responded.push_back(responded->facts);
    } else if (const auto* progress = std::get_if<worker::Progress>(&message)) {
      out.progress.push_back(progress->received_bytes);
      for (const SpanReport& span : progress->apart) out.apart.push_back(span);
    } else if (auto* finished = std::get_if<worker::Finished>(&message)) {
      out.result = std::move(finished->result);
      if (kept) out.file = read_file(kept.get(), out.result);
      return out;
    }
  }
}

std::vector<Fetched> WorkerDriver::fetch_all(std::vector<jobs::TransferOrder> orders) {
  const std::uint32_t first = next_id_;
  std::vector<Fetched> all(orders.size());
  std::vector<UniqueFd> kept(orders.size());
  for (std::size_t i = 0; i < orders.size(); ++i) start(next_id_++, std::move(orders[i]), {}, kept[i]);
  for (std::size_t left = all.size(); left > 0;) {
    worker::ToServer message = next_message();
    if (const auto* question = std::get_if<worker::Resolve>(&message)) {
      all.at(question->transfer - first).resolved.push_back(question->host);
      resolve(*question);
    } else if (auto* finished = std::get_if<worker::Finished>(&message)) {
      Fetched& one = all.at(finished->transfer - first);
      one.result = std::move(finished->result);
      one.file = read_file(kept.at(finished->transfer - first).get(), one.result);
      --left;
    }
  }
  return all;
}

void WorkerDriver::fetch_many(
    std::size_t count, std::size_t at_once,
    const std::function<std::pair<jobs::TransferOrder, std::string>(std::size_t)>& next,
    const std::function<void(std::size_t, const Fetched&)>& done) {
  const std::uint32_t first = next_id_;
  std::map<std::uint32_t, UniqueFd> kept;
  std::size_t begun = 0;
  const auto begin = [&] {
    auto [order, held] = next(begun++);
    const std::uint32_t id = next_id_++;
    start(id, std::move(order), held, kept[id]);
  };
  while (begun < std::min(count, at_once)) begin();
  for (std::size_t left = count; left > 0;) {
    worker::ToServer message = next_message();
    if (const auto* question = std::get_if<worker::Resolve>(&message)) {
      resolve(*question);
    } else if (auto* finished = std::get_if<worker::Finished>(&message)) {
      Fetched one;
      one.result = std::move(finished->result);
      one.file = read_file(kept.at(finished->transfer).get(), one.result);
      kept.erase(finished->transfer);
      done(finished->transfer - first, one);
      --left;
      if (begun < count) begin();
    }
  }
}

void WorkerDriver::flow(std::size_t parallel, const std::function<std::optional<Wanted>()>& next,
                        const std::function<void(std::size_t tag, Fetched fetched)>& done) {
  struct UnderWay {
    std::size_t tag = 0;
    UniqueFd kept;
    Fetched fetched;
  };
  std::map<std::uint32_t, UnderWay> all;
  while (true) {
    while (all.size() < parallel) {
      auto wanted = next();
      if (!wanted) break;
      const std::uint32_t id = next_id_++;
      UnderWay& one = all[id];
      one.tag = wanted->tag;
      start(id, std::move(wanted->order), wanted->held, one.kept);
    }
    if (all.empty()) return;
    worker::ToServer message = next_message();
    if (const auto* question = std::get_if<worker::Resolve>(&message)) {
      resolve(*question);
    } else if (const auto* responded = std::get_if<worker::Responded>(&message)) {
      all.at(responded->transfer).fetched.responded.push_back(responded->facts);
    } else if (auto* finished = std::get_if<worker::Finished>(&message)) {
      auto one = all.extract(finished->transfer);
      one.mapped().fetched.result = std::move(finished->result);
      one.mapped().fetched.file = read_file(one.mapped().kept.get(), one.mapped().fetched.result);
      done(one.mapped().tag, std::move(one.mapped().fetched));
    }
  }
}

std::uint64_t WorkerDriver::memory_pss_bytes() const {
  std::ifstream rollup("/proc/" + std::to_string(child_) + "/smaps_rollup");
  for (std::string word; rollup >> word;) {
    std::uint64_t kib = 0;
    if (word == "Pss:" && rollup >> kib) return kib * 1024;
  }
  return 0;
}

std::chrono::microseconds WorkerDriver::cpu_time() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(child_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_nsec / 1000);
}

}  // namespace restante::test
