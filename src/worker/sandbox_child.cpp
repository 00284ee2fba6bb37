// SPDX-License-Identifier: Apache-2.0
// Stands in a cage and tries one forbidden (or needed) thing: `sandbox_child LOCKS ATTEMPT`, where LOCKS is
// "none", "all", "seccomp", "landlock" or "namespaces". Built without sanitizers. Exit: 0 the attempt
// succeeded, 10 it was refused with an error (named on stderr), 20 the cage could not be made, 30 usage; a
// signal when the cage killed.
#include "worker/sandbox.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <functional>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using restante::worker::SandboxPolicy;

/// What was there before the lock: sockets and files as a worker has them.
struct Before {
  int listener = -1, other_listener = -1;  ///< 127.0.0.1
  sockaddr_in address{}, other_address{};
  int connected = -1;  ///< to `listener`
  int fresh = -1;      ///< a TCP socket that is not connected
  int file = -1;
  int epoll = -1;
  int victim = -1;  ///< another process of ours
};
Before before;

int listen_on(sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = 0;
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), length);
  ::listen(fd, 8);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  const int queue = 8;
  ::setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof queue);
  return fd;
}

void prepare() {
  before.listener = listen_on(before.address);
  before.other_listener = listen_on(before.other_address);
  before.connected = ::socket(AF_INET, SOCK_STREAM, 0);
  ::connect(before.connected, reinterpret_cast<sockaddr*>(&before.address), sizeof before.address);
  before.fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  before.file = ::memfd_create("body", 0);
  before.epoll = ::epoll_create1(0);
  int life[2];  // the victim ends when we do: its read sees the end of the pipe
  if (::pipe(life) != 0) ::_exit(20);
  before.victim = ::fork();
  if (before.victim == 0) {
    char none;
    ::close(life[1]);
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
    ::_exit(static_cast<int>(::read(life[0], &none, 1)));
  }
}

using Attempt = std::function<bool()>;  ///< true: it worked; else errno says why not

bool ok(long result) {
  return result >= 0;
}

const std::map<std::string, Attempt>& attempts() {
  static const std::map<std::string, Attempt> all{
      // Needed: these must work in the cage.
      {"write", [] { return ok(::write(2, "", 0)); }},
      {"pwrite", [] { return ::pwrite(before.file, "x", 1, 1000) == 1; }},
      {"punch",
       [] {
         const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
         return ok(::fallocate(before.file, mode, 4096, 4096));
       }},
      {"send", [] { return ::send(before.connected, "x", 1, MSG_NOSIGNAL) == 1; }},
      {"recv",
       [] {
         char c;
         return ::recv(before.connected, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
       }},
      {"epoll",
       [] {
         epoll_event event{};
         event.events = EPOLLOUT;
         return ok(::epoll_ctl(before.epoll, EPOLL_CTL_ADD, before.connected, &event)) &&
                ::epoll_wait(before.epoll, &event, 1, 1000) == 1;
       }},
      {"nodelay",
       [] {
         const int on = 1;
         return ok(::setsockopt(before.connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) &&
                ok(::setsockopt(before.connected, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
       }},
      {"memory",
       [] {
         void* p = std::malloc(64 << 20);
         if (p != nullptr) std::memset(p, 1, 64 << 20);
         std::free(p);
         return p != nullptr;
       }},
      {"sleep",
       [] {
         const timespec t{0, 1000};
         return ::clock_nanosleep(CLOCK_MONOTONIC, 0, &t, nullptr) == 0;
       }},
      // Forbidden.
      {"open", [] { return ok(::open("/etc/passwd", O_RDONLY)); }},
      {"stat",
       [] {
         struct stat s;
         return ok(::stat("/etc/passwd", &s));
       }},
      {"create", [] { return ok(::open("/tmp", O_TMPFILE | O_WRONLY, 0600)); }},
      {"proc",
       [] { return ok(::open(("/proc/" + std::to_string(before.victim) + "/environ").c_str(), O_RDONLY)); }},
      {"chdir", [] { return ok(::chdir("/")); }},
      {"socket", [] { return ok(::socket(AF_INET, SOCK_STREAM, 0)); }},
      {"unix-socket", [] { return ok(::socket(AF_UNIX, SOCK_DGRAM, 0)); }},
      {"raw-socket", [] { return ok(::socket(AF_NETLINK, SOCK_RAW, 0)); }},
      {"connect",
       [] {
         // What counts is where the socket is afterwards.
         ::connect(before.fresh, reinterpret_cast<sockaddr*>(&before.other_address),
                   sizeof before.other_address);
         const int error = errno;
         sockaddr_in peer{};
         socklen_t length = sizeof peer;
         const bool there = ok(::getpeername(before.fresh, reinterpret_cast<sockaddr*>(&peer), &length));
         if (!there) errno = error;
         return there;
       }},
      {"disconnect",
       [] {
         sockaddr none{};
         none.sa_family = AF_UNSPEC;
         ::connect(before.connected, &none, sizeof none);
         const int error = errno;
         sockaddr_in peer{};
         socklen_t length = sizeof peer;
         const bool detached =
             !ok(::getpeername(before.connected, reinterpret_cast<sockaddr*>(&peer), &length));
         errno = error;
         return detached;
       }},
      {"fastopen-sendto",
       [] {
         return ok(::sendto(before.fresh, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                            reinterpret_cast<sockaddr*>(&before.other_address), sizeof before.other_address));
       }},
      {"fastopen-sendmsg",
       [] {
         char byte = 'x';
         iovec part{&byte, 1};
         msghdr message{};
         message.msg_name = &before.other_address;
         message.msg_namelen = sizeof before.other_address;
         message.msg_iov = &part;
         message.msg_iovlen = 1;
         return ok(::sendmsg(before.fresh, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
       }},
      {"fastopen-option",
       [] {
         const int on = 1;
         return ok(::setsockopt(before.fresh, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on));
       }},
      {"other-option",
       [] {
         const int on = 1;
         return ok(::setsockopt(before.fresh, IPPROTO_IP, IP_TTL, &on, sizeof on));
       }},
      {"reuse-option",
       [] {
         const int on = 1;
         return ok(::setsockopt(before.fresh, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
       }},
      {"sendto-address",
       [] {
         return ok(::sendto(before.connected, "x", 1, MSG_NOSIGNAL,
                            reinterpret_cast<sockaddr*>(&before.other_address), sizeof before.other_address));
       }},
      {"sendmmsg",
       [] {
         char byte = 'x';
         iovec part{&byte, 1};
         mmsghdr message{};
         message.msg_hdr.msg_iov = &part;
         message.msg_hdr.msg_iovlen = 1;
         return ok(::sendmmsg(before.connected, &message, 1, MSG_NOSIGNAL));
       }},
      {"bind",
       [] {
         sockaddr_in any{};
         any.sin_family = AF_INET;
         any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
         return ok(::bind(before.fresh, reinterpret_cast<sockaddr*>(&any), sizeof any));
       }},
      {"listen", [] { return ok(::listen(before.fresh, 1)); }},
      {"accept",
       [] {
         pollfd one{before.listener, POLLIN, 0};
         ::poll(&one, 1, 1000);
         return ok(::accept(before.listener, nullptr, nullptr));
       }},
      {"exec",
       [] {
         char name[] = "/bin/true";
         char* arguments[] = {name, nullptr};
         char* none[] = {nullptr};
         return ok(::execve(name, arguments, none));  // /bin/true ends with 0 as well
       }},
      {"fork",
       [] {
         const pid_t child = ::fork();
         if (child == 0) ::_exit(0);
         return child > 0;
       }},
      {"clone3",
       [] {
         ::syscall(SYS_clone3, nullptr, 0);
         return errno == EINVAL;
       }},
      {"ptrace", [] { return ok(::ptrace(PTRACE_SEIZE, before.victim, nullptr, nullptr)); }},
      {"read-other",
       [] {
         char c;
         iovec to{&c, 1}, from{&c, 1};
         return ok(::syscall(SYS_process_vm_readv, before.victim, &to, 1L, &from, 1L, 0L));
       }},
      {"kill", [] { return ok(::kill(before.victim, SIGTERM)); }},
      {"tgkill", [] { return ok(::syscall(SYS_tgkill, before.victim, before.victim, SIGTERM)); }},
      {"pidfd", [] { return ok(::syscall(SYS_pidfd_open, before.victim, 0)); }},
      {"map-code",
       [] {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                MAP_FAILED;
       }},
      {"map-file",
       [] {
         return ok(::ftruncate(before.file, 4096)) &&
                ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, before.file, 0) != MAP_FAILED;
       }},
      {"make-code",
       [] {
         void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return ok(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
       }},
      {"fallocate", [] { return ok(::fallocate(before.file, 0, 0, 4096)); }},
      {"fsync", [] { return ok(::fsync(before.file)); }},
      {"dup", [] { return ok(::dup(before.file)); }},
      {"fcntl-dup", [] { return ok(::fcntl(before.file, F_DUPFD, 100)); }},
      {"io-uring",
       [] {
         char p[256] = {};
         return ok(::syscall(SYS_io_uring_setup, 4, p));
       }},
      {"unshare", [] { return ok(::unshare(CLONE_NEWUSER)); }},
      {"prctl", [] { return ok(::syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0)); }},
      {"rlimit",
       [] {
         const rlimit r{64, 64};
         return ok(::setrlimit(RLIMIT_NOFILE, &r));
       }},
      {"x32", [] { return ok(::syscall(0x40000000 | SYS_getpid)); }},
      {"keyring", [] { return ok(::syscall(SYS_add_key, "user", "k", "v", 1, -2)); }},
  };
  return all;
}

bool cage(const std::string& locks) {
  using namespace restante::worker;
  if (locks == "none") return true;
  if (locks == "seccomp") return forbid_new_privileges() && filter_system_calls();
  if (locks == "landlock") return forbid_new_privileges() && forbid_paths().value_or(false);
  if (locks == "namespaces") return leave_namespaces();
  if (locks != "all") return false;
  auto locked = lock_down(SandboxPolicy{});
  if (!locked) {
    std::fprintf(stderr, "%s\n", locked.error().message.c_str());
    return false;
  }
  for (const auto& lock : *locked) std::fprintf(stderr, "%s ", lock.c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 30;
  const auto found = attempts().find(argv[2]);
  if (found == attempts().end()) return 30;
  prepare();
  if (!cage(argv[1])) return 20;
  if (found->second()) ::_exit(0);
  std::fprintf(stderr, "errno %d\n", errno);
  ::_exit(10);
}
