// SPDX-License-Identifier: Apache-2.0
#include "worker/spawn.hpp"

#include "worker/channel.hpp"
#include "worker/messages.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace restante::worker {

namespace {

constexpr int report_fd = 5;  ///< in the child until exec: tells why exec failed

/// Everything the child needs, prepared before fork: between fork and exec only async-signal-safe calls are
/// allowed, because other threads of the server may have held locks.
struct ChildPlan {
  std::array<int, 6> sources;  ///< what becomes descriptors 0 to 5
  char** arguments;
  char** environment;
  pid_t parent;
};

[[noreturn]] void become_worker(const ChildPlan& plan) {
  const auto give_up = [](int error) {
    static_cast<void>(!::write(report_fd, &error, sizeof error));
    ::_exit(127);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();  // Ctrl-C on the server's terminal is for the server
  // First out of the way, then into place: a source may sit where another has to go.
  std::array<int, 6> high{};
  for (std::size_t i = 0; i < high.size(); ++i) high[i] = ::fcntl(plan.sources[i], F_DUPFD_CLOEXEC, 16);
  for (std::size_t i = 0; i < high.size(); ++i)
    if (high[i] < 0 || ::dup3(high[i], static_cast<int>(i), i == report_fd ? O_CLOEXEC : 0) < 0) ::_exit(127);
  if (::syscall(SYS_close_range, report_fd + 1, ~0u, 0) != 0) give_up(errno);
  if (::getppid() != plan.parent) ::_exit(127);  // the server went before the death signal was set

  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &usual, nullptr);
  usual.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.arguments[0], plan.arguments, plan.environment);
  give_up(errno);
  ::_exit(127);
}

}  // namespace

Result<Spawned> spawn_worker(const std::string& program, const std::vector<std::string>& arguments) {
  auto channel = make_channel();
  if (!channel) return fail(std::move(channel.error()));
  auto connector = make_channel();
  if (!connector) return fail(std::move(connector.error()));
  for (int fd : {connector->first.get(), connector->second.get()})
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const timeval patience{5, 0};
  ::setsockopt(connector->second.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

  int errors[2], report[2];
  if (::pipe2(errors, O_CLOEXEC) != 0) return fail_errno(Reason::internal, "pipe", errno);
  const UniqueFd errors_write(errors[1]);
  UniqueFd errors_read(errors[0]);
  if (::pipe2(report, O_CLOEXEC) != 0) return fail_errno(Reason::internal, "pipe", errno);
  UniqueFd report_write(report[1]);
  const UniqueFd report_read(report[0]);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno(Reason::internal, "open /dev/null", errno);
  ::fcntl(errors_read.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string zone = "TZ=UTC", language = "LANG=C";
  std::array<char*, 3> environment{zone.data(), language.data(), nullptr};
  const ChildPlan plan{{null.get(), null.get(), errors_write.get(), channel->second.get(),
                        connector->second.get(), report_write.get()},
                       argv.data(),
                       environment.data(),
                       ::getpid()};

  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(Reason::internal, "starting " + program, errno);
  if (pid == 0) become_worker(plan);
  Spawned out;
  out.pid = pid;
  out.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  report_write.reset();
  int error = out.pidfd ? 0 : errno;
  ssize_t told;
  do told = ::read(report_read.get(), &error, sizeof error);  // ends with exec: the descriptor closes then
  while (told < 0 && errno == EINTR);
  if (!out.pidfd || told > 0) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno(Reason::internal, "starting " + program, error);
  }
  out.channel = std::move(channel->first);
  out.connector = std::move(connector->first);
  out.errors = std::move(errors_read);
  return out;
}

void kill_worker(int pidfd) {
  ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
}

std::string reap(int pidfd) {
  siginfo_t info{};
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED) != 0)
    return "unknown (" + errno_text(errno) + ")";
  if (info.si_code == CLD_EXITED) return "exit " + std::to_string(info.si_status);
  return "signal " + std::to_string(info.si_status) + " (" + ::strsignal(info.si_status) + ")";
}

}  // namespace restante::worker
