// SPDX-License-Identifier: Apache-2.0
// A worker that does what a test wants: the order's URL is its script, argv[1] how it starts ("normal",
// "never-ready", "exit-at-start"). Speaks the real protocol over the real channels; fetches nothing.
#include "worker/channel.hpp"
#include "worker/messages.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

extern char** environ;

namespace restante::worker {
namespace {

/// "connect:HOST:PORT" asks for the host's addresses; each is then asked for as a socket.
struct Job {
  Start start;
  UniqueFd file;
};

class FakeWorker {
public:
  explicit FakeWorker(std::string mode) : mode_(std::move(mode)) {}

  int run() {
    if (mode_ == "exit-at-start") return 3;
    if (mode_ != "never-ready") say(Ready{{"none: a fake"}});
    for (;;) {
      pollfd one{channel_.fd(), POLLIN, 0};
      ::poll(&one, 1, -1);
      for (;;) {
        auto received = channel_.receive();
        if (!received) return 0;
        if (!*received) break;
        auto message = decode_to_worker((**received).packet);
        if (!message) return 4;
        if (auto* start = std::get_if<Start>(&*message))
          begin({std::move(*start), std::move((**received).fd)});
        if (auto* stop = std::get_if<Stop>(&*message)) halt(stop->transfer);
        if (auto* ask = std::get_if<Ask>(&*message)) begin(*ask);
        if (auto* browse = std::get_if<Browse>(&*message)) begin(std::move(*browse));
        if (auto* resolved = std::get_if<Resolved>(&*message)) {
          if (asks_.contains(resolved->transfer))
            go_on(asks_[resolved->transfer], *resolved);
          else
            go_on(*resolved);
        }
      }
    }
  }

private:
  void say(ToServer message) {
    if (!channel_.send(encode(message))) std::_Exit(5);
  }

  void finish(const Job& job, jobs::Outcome outcome, std::uint64_t bytes, std::string message) {
    Finished finished;
    finished.transfer = job.start.transfer;
    finished.result.outcome = outcome;
    finished.result.received_bytes = bytes;
    finished.result.message = std::move(message);
    finished.result.facts.name_hint = "a.bin";
    say(std::move(finished));
    jobs_.erase(finished.transfer);
  }

  void write(const Job& job, std::size_t bytes) {
    const std::string body(bytes, 'x');
    if (::pwrite(job.file.get(), body.data(), bytes, static_cast<off_t>(job.start.order.offset)) < 0)
      std::_Exit(6);
  }

  void begin(Browse browse) {
    const std::string script = browse.order.source.url;
    Offered offered;
    offered.transfer = browse.transfer;
    jobs::Offer offer;
    offer.name = script == "offer-evil" ? "../evil" : "a.bin";
    offer.url = "http://example.org/a.bin";
    offered.offers.offers = {offer};
    do say(offered);
    while (script == "offer-flood");
    Finished finished;
    finished.transfer = browse.transfer;
    finished.result.outcome = jobs::Outcome::complete;
    say(std::move(finished));
  }

  void begin(Job job) {
    const std::uint32_t id = job.start.transfer;
    const std::string script = job.start.order.source.url;
    const Job& kept = jobs_[id] = std::move(job);
    Responded responded;
    responded.transfer = id;
    responded.facts.http_status = 200;
    responded.facts.final_url = "http://example.org/\n\x1b[31m";
    responded.facts.name_hint = "a.bin";
    if (script == "finish") {
      say(responded);
      write(kept, 1000);
      say(Progress{id, kept.start.order.offset + 1000, 5});
      finish(kept, jobs::Outcome::complete, kept.start.order.offset + 1000, "");
    } else if (script == "stall" || script == "deaf") {
      write(kept, 500);
      say(responded);
      say(Progress{id, kept.start.order.offset + 500, 5});
    } else if (script == "die") {
      write(kept, 500);
      say(Progress{id, 500, 5});
      std::raise(SIGKILL);
    } else if (script == "offer-unasked") {
      say(Offered{id, {}});
    } else if (script == "exit") {
      std::_Exit(7);
    } else if (script == "rubbish") {
      static_cast<void>(!channel_.send("{\"type\":\"surprise\"}"));
    } else if (script == "foreign") {
      say(Progress{id + 1000, 1, 1});
    } else if (script == "overclaim") {
      finish(kept, jobs::Outcome::complete, 1u << 30, "");
    } else if (script == "overclaim-progress") {
      write(kept, 500);
      say(Progress{id, 501, 5});
    } else if (script == "responded-again") {
      say(responded);
      say(responded);
    } else if (script == "overdraw") {
      if (::ftruncate(kept.file.get(), 64 * 1048576) != 0) std::_Exit(6);
    } else if (script == "overclaim-pieces") {
      write(kept, 500);
      say(Progress{id, 500, 5, {0, 501, std::string(16, 'x')}});
    } else if (script == "odd-pieces") {
      write(kept, 500);
      say(Progress{id, 500, 5, {0, 500, std::string(15, 'x')}});
    } else if (script == "ready-again") {
      say(Ready{});
    } else if (script == "descriptor") {
      static_cast<void>(!channel_.send(encode(ToServer(Progress{id, 0, 0})), UniqueFd(::dup(0))));
    } else if (script == "flood") {
      const std::string packet = encode(ToServer(Progress{id, 0, 0}));
      while (::send(channel_fd, packet.data(), packet.size(), MSG_NOSIGNAL) > 0 || errno == EAGAIN) {
        pollfd one{channel_fd, POLLOUT, 0};
        ::poll(&one, 1, -1);
      }
    } else if (script == "progress") {
      for (int i = 0; i < 100; ++i) say(Progress{id, 0, static_cast<std::uint64_t>(i)});
      finish(kept, jobs::Outcome::complete, 0, "");
    } else if (script == "surroundings") {
      finish(kept, jobs::Outcome::complete, 0, surroundings());
    } else if (script == "complain") {
      std::fprintf(stderr, "a line of \x1b[31mtext\n");
      finish(kept, jobs::Outcome::complete, 0, "");
    } else if (script.starts_with("connect:")) {
      const auto colon = script.rfind(':');
      say(Resolve{id, 0, "http", script.substr(8, colon - 8),
                  static_cast<std::uint16_t>(std::atoi(script.c_str() + colon + 1))});
    } else {
      std::_Exit(8);
    }
  }

  // ---- small requests: the path of the URL is the script

  static bool does(const Ask& ask, std::string_view script) {
    return ask.request.url.find(script) != std::string::npos;
  }

  void begin(const Ask& ask) {
    asks_[ask.transfer] = ask;
    Resolve asked{ask.transfer, 1, "http", "127.0.0.1", 0};
    const std::string& url = ask.request.url;  // http://127.0.0.1:PORT/script
    const auto slash = url.find('/', 7);
    asked.host = url.substr(7, url.rfind(':') - 7);
    asked.port = static_cast<std::uint16_t>(std::atoi(url.c_str() + url.rfind(':') + 1));
    if (does(ask, "other-host")) asked.host = "127.0.0.9";
    if (does(ask, "unresolved")) return answer(ask, 200);
    if (slash == std::string::npos) std::_Exit(9);
    say(asked);
    if (does(ask, "resolve-twice")) say(Resolve{ask.transfer, 2, "http", asked.host, asked.port});
  }

  void answer(const Ask& ask, int status, std::string body = "") {
    Answered answered;
    answered.transfer = ask.transfer;
    answered.answer.emplace();
    answered.answer->status = status;
    answered.answer->body = std::move(body);
    if (does(ask, "both")) answered.failure.emplace();
    say(std::move(answered));
  }

  void refuse(const Ask& ask, Reason reason, std::string message) {
    Answered answered;
    answered.transfer = ask.transfer;
    answered.failure = fail(reason, std::move(message)).value();
    say(std::move(answered));
  }

  void go_on(const Ask& ask, const Resolved& resolved) {
    if (resolved.refused) return refuse(ask, resolved.refused->reason, resolved.refused->message);
    const auto port =
        static_cast<std::uint16_t>(std::atoi(ask.request.url.c_str() + ask.request.url.rfind(':') + 1));
    if (does(ask, "/stall") || does(ask, "/deaf")) return;
    if (does(ask, "/die")) std::raise(SIGKILL);
    if (does(ask, "/huge")) return answer(ask, 200, std::string(ask.request.answer_bytes + 1, 'x'));
    if (does(ask, "/status")) return answer(ask, 0);
    if (does(ask, "/quota")) return refuse(ask, Reason::quota, "no");
    if (does(ask, "/words")) return refuse(ask, Reason::tls, "\x1b[31mred\nline");
    answer(ask, 207,
           connect(ask.transfer, resolved.addresses.at(0), port) + " " +
               connect(ask.transfer, "127.0.0.77", port));
    if (does(ask, "/twice")) answer(ask, 200);
  }

  void halt(std::uint32_t id) {
    const auto ask = asks_.find(id);
    if (ask != asks_.end() && !does(ask->second, "/deaf")) refuse(ask->second, Reason::cancelled, "stopped");
    const auto job = jobs_.find(id);
    if (job == jobs_.end() || job->second.start.order.source.url == "deaf") return;
    finish(job->second, jobs::Outcome::stopped, job->second.start.order.offset + 500, "");
  }

  void go_on(const Resolved& resolved) {
    const auto& job = jobs_[resolved.transfer];
    if (resolved.refused)
      return finish(
          job, jobs::Outcome::failed, 0,
          "refused: " + std::string(code(resolved.refused->reason)) + " " + resolved.refused->message);
    const std::string& script = job.start.order.source.url;
    const auto port = static_cast<std::uint16_t>(std::atoi(script.c_str() + script.rfind(':') + 1));
    std::string told;
    for (const auto& address : resolved.addresses)
      told += address + "=" + connect(resolved.transfer, address, port) + " ";
    told += "elsewhere=" + connect(resolved.transfer, "127.0.0.77", port) + " ";
    told += "foreign=" + connect(resolved.transfer + 1, resolved.addresses.front(), port);
    finish(job, jobs::Outcome::complete, 0, told);
  }

  /// "ok" if bytes came from there, else the errno.
  std::string connect(std::uint32_t transfer, const std::string& address, std::uint16_t port) {
    ConnectRequest request;
    request.sequence = ++sequence_;
    request.transfer = transfer;
    request.family = AF_INET;
    request.socktype = SOCK_STREAM;
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &in.sin_addr);
    request.address_length = sizeof in;
    std::memcpy(request.address, &in, sizeof in);
    ::send(connector_fd, &request, sizeof request, MSG_NOSIGNAL);
    ConnectAnswer answer;
    iovec part{&answer, sizeof answer};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(connector_fd, &message, 0) != sizeof answer || answer.sequence != sequence_)
      return "no answer";
    if (answer.error != 0) return std::to_string(answer.error);
    UniqueFd fd;
    if (const auto* header = CMSG_FIRSTHDR(&message)) {
      int raw;
      std::memcpy(&raw, CMSG_DATA(header), sizeof raw);
      fd.reset(raw);
    }
    pollfd one{fd.get(), POLLIN, 0};
    char byte = 0;
    return ::poll(&one, 1, 5000) == 1 && ::recv(fd.get(), &byte, 1, 0) == 1 ? "ok" : "silent";
  }

  static std::string surroundings() {
    std::string out = "fds:";
    DIR* folder = ::opendir("/proc/self/fd");
    const int own = ::dirfd(folder);
    std::map<int, bool> open;
    while (const dirent* entry = ::readdir(folder))
      if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != own) open[std::atoi(entry->d_name)] = true;
    ::closedir(folder);
    for (const auto& [fd, yes] : open) out += " " + std::to_string(fd);
    out += " env:";
    for (char** one = environ; *one != nullptr; ++one) out += std::string(" ") + *one;
    return out;
  }

  std::string mode_;
  WorkerChannel channel_{UniqueFd(channel_fd)};
  std::map<std::uint32_t, Job> jobs_;
  std::map<std::uint32_t, Ask> asks_;
  std::uint32_t sequence_ = 0;
};

}  // namespace
}  // namespace restante::worker

int main(int argc, char** argv) {
  restante::worker::FakeWorker worker(argc > 1 ? argv[1] : "normal");
  return worker.run();
}
