// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox.hpp"

#include "base/fd.hpp"

#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <initializer_list>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define RESTANTE_SANITIZER_BUILD 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESTANTE_SANITIZER_BUILD 1
#endif

namespace restante::worker {

bool leave_namespaces() {
  // No user is mapped in the new user namespace: nothing in there is worth being root for.
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                   CLONE_NEWCGROUP) == 0;
}

bool leave_root() {
  // An empty file system over some folder that exists everywhere becomes the root, and the old one goes
  // (pivot_root(2): "pivot_root(".", ".")"). Nothing here is seen outside of our own mount namespace.
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", "/usr", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=555") ==
             0 &&
         ::chdir("/usr") == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0 &&
         ::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0;
}

bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capset, &header, none) == 0;
}

Result<void> limit_resources(const SandboxPolicy& policy) {
  const auto set = [](auto resource, rlim_t value) {
    const rlimit limit{value, value};
    return ::setrlimit(resource, &limit) == 0;
  };
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t most = std::min<rlim_t>(policy.max_open_files, files.rlim_max);
  // Private memory is limited far above what transfers need, which have budgets of their own: it is there for
  // a worker that was taken over.
  if (!set(RLIMIT_NOFILE, most) || !set(RLIMIT_DATA, policy.max_memory_bytes) || !set(RLIMIT_CORE, 0) ||
      !set(RLIMIT_MEMLOCK, 0) || !set(RLIMIT_MSGQUEUE, 0))
    return fail_errno(Reason::internal, "limiting the worker's resources", errno);
  return {};
}

Result<void> forbid_new_privileges(const OpenLocks& open) {
  // Not dumpable: other processes of the same user can neither trace it nor read its memory.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_DUMPABLE, open.dumpable ? 1 : 0, 0, 0, 0) != 0)
    return fail_errno(Reason::internal, "no_new_privs", errno);
  return {};
}

Result<bool> forbid_paths() {
  // Debian 12's header ends at ABI 2; later kernels take a longer structure (landlock(7)).
  struct {
    std::uint64_t handled_access_fs, handled_access_net, scoped;
  } rules{};
  constexpr unsigned version_flag = 1;
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, version_flag);
  if (abi < 1 && (errno == ENOSYS || errno == EOPNOTSUPP)) return false;
  if (abi < 1) return fail_errno(Reason::internal, "Landlock", errno);
  rules.handled_access_fs = (1u << 13) - 1;               // execute ... make_sym
  if (abi >= 2) rules.handled_access_fs |= 1u << 13;      // refer
  if (abi >= 3) rules.handled_access_fs |= 1u << 14;      // truncate
  if (abi >= 5) rules.handled_access_fs |= 1u << 15;      // ioctl_dev
  if (abi >= 4) rules.handled_access_net = 1u | 1u << 1;  // bind_tcp, connect_tcp
  if (abi >= 6) rules.scoped = 1u | 1u << 1;              // abstract unix sockets, signals
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0)));
  if (!ruleset || ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return fail_errno(Reason::internal, "Landlock", errno);
  return true;
}

namespace {

/// A libseccomp filter under construction; remembers the first error.
class Filter {
public:
  explicit Filter(const std::vector<int>& open)
      : context_(seccomp_init(SCMP_ACT_KILL_PROCESS)), open_(open) {}
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void allow(std::initializer_list<int> calls) {
    for (int call : calls) add(SCMP_ACT_ALLOW, call, {});
  }
  void answer(int error, std::initializer_list<int> calls) {
    for (int call : calls) add(SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, {});
  }
  void allow_if(int call, std::initializer_list<scmp_arg_cmp> when) { add(SCMP_ACT_ALLOW, call, when); }
  void answer_if(int error, int call, std::initializer_list<scmp_arg_cmp> when) {
    add(SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, when);
  }

  /// 0, or the errno.
  int load() {
    if (context_ == nullptr) return ENOMEM;
    for (int call : std::exchange(open_, {})) add(SCMP_ACT_ALLOW, call, {});
    // All threads; calls of other ABIs (32 bit, x32) end the process as well.
    keep(seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1));
    keep(seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    if (error_ == 0) keep(seccomp_load(context_));
    return error_;
  }

private:
  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> when) {
    if (context_ == nullptr || call < 0) return;  // a call that this machine does not have needs no rule
    if (std::find(open_.begin(), open_.end(), call) != open_.end()) return;
    keep(seccomp_rule_add_array(context_, action, call, static_cast<unsigned>(when.size()), when.begin()));
  }
  void keep(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }

  scmp_filter_ctx context_;
  std::vector<int> open_;
  int error_ = 0;
};

constexpr scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
constexpr scmp_arg_cmp at_least(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_GE, value, 0};
}
/// (argument & mask) == value
constexpr scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// Of one level's socket options only `wanted` may be set; the others answer EPERM, which libcurl lives with.
/// seccomp has no "else", so they are named one by one; kernels know fewer than 128 in each level.
void only_these_options(Filter& filter, int level, std::initializer_list<int> wanted) {
  constexpr int options = 128;
  const auto l = static_cast<std::uint64_t>(level);
  for (int option = 0; option < options; ++option) {
    const auto o = static_cast<std::uint64_t>(option);
    const bool keep = std::find(wanted.begin(), wanted.end(), option) != wanted.end();
    if (keep)
      filter.allow_if(SCMP_SYS(setsockopt), {equals(1, l), equals(2, o)});
    else
      filter.answer_if(EPERM, SCMP_SYS(setsockopt), {equals(1, l), equals(2, o)});
  }
  filter.answer_if(EPERM, SCMP_SYS(setsockopt), {equals(1, l), at_least(2, options)});
}

}  // namespace

Result<void> filter_system_calls(const OpenLocks& open) {
  Filter filter(open.calls);
  // Bytes over descriptors that the server gave, waiting for them, memory, time, chance, the end.
  filter.allow(
      {SCMP_SYS(read),         SCMP_SYS(write),       SCMP_SYS(readv),         SCMP_SYS(writev),
       SCMP_SYS(close),        SCMP_SYS(recvfrom),    SCMP_SYS(recvmsg),       SCMP_SYS(shutdown),
       SCMP_SYS(poll),         SCMP_SYS(ppoll),       SCMP_SYS(epoll_wait),    SCMP_SYS(epoll_pwait),
       SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),   SCMP_SYS(futex),         SCMP_SYS(brk),
       SCMP_SYS(munmap),       SCMP_SYS(mremap),      SCMP_SYS(madvise),       SCMP_SYS(getsockopt),
       SCMP_SYS(getsockname),  SCMP_SYS(getpeername), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
       SCMP_SYS(getrandom),    SCMP_SYS(getpid),      SCMP_SYS(gettid),        SCMP_SYS(sched_yield),
       SCMP_SYS(exit),         SCMP_SYS(exit_group)});
  // The body goes to its place in the partial file, and is read again where a digest or an overlap needs it.
  // No fsync: making it durable is the server's part.
  filter.allow({SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pread64)});
  // Holes, by which a file that arrives in several places tells what came (base/sparse_file.hpp).
  filter.allow_if(SCMP_SYS(fallocate), {equals(1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)});
  // Waiting, after a stop by a debugger or a suspended machine too.
  filter.allow({SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(restart_syscall)});
  // libcurl's easy handles on Debian 13 make an eventfd; it reaches nobody but the process itself.
  filter.allow({SCMP_SYS(eventfd2)});
  // A signal handler returns by these; abort() must be able to end the process with its own signal, and to
  // reach nobody else's.
  filter.allow(
      {SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(sigaltstack)});
  filter.allow_if(SCMP_SYS(tgkill), {equals(0, static_cast<std::uint64_t>(::getpid()))});

  // libcurl connects the sockets that the server has connected already: "in progress" is what it waits for.
  filter.answer(EINPROGRESS, {SCMP_SYS(connect)});
  // A refused socket could be aimed elsewhere by TCP fast open (measured, SPIKES.md C-A): neither the flag
  // nor an address to send to. sendmsg's address lies in memory, where seccomp cannot look; without the flag
  // the kernel ignores it for TCP.
  filter.allow_if(SCMP_SYS(sendto), {masked(3, MSG_FASTOPEN, 0), equals(4, 0)});
  filter.allow_if(SCMP_SYS(sendmsg), {masked(2, MSG_FASTOPEN, 0)});
  // Timeouts and buffers of sockets, nothing that gives them another peer, interface or protocol.
  only_these_options(filter, SOL_SOCKET,
                     {SO_KEEPALIVE, SO_SNDBUF, SO_RCVBUF, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDTIMEO});
  only_these_options(filter, IPPROTO_TCP,
                     {TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT,
                      TCP_NOTSENT_LOWAT, TCP_QUICKACK});
  filter.answer_if(EPERM, SCMP_SYS(setsockopt), {equals(1, IPPROTO_IP)});
  for (std::uint64_t level = 2; level < IPPROTO_TCP; ++level)
    filter.answer_if(EPERM, SCMP_SYS(setsockopt), {equals(1, level)});
  filter.answer_if(EPERM, SCMP_SYS(setsockopt), {at_least(1, IPPROTO_TCP + 1)});
  for (int command : {F_GETFL, F_SETFL, F_GETFD, F_SETFD})
    filter.allow_if(SCMP_SYS(fcntl), {equals(1, static_cast<std::uint64_t>(command))});
  // Memory, never from a file and never executable.
  filter.allow_if(SCMP_SYS(mmap), {masked(2, PROT_EXEC, 0), masked(3, MAP_ANONYMOUS, MAP_ANONYMOUS)});
  filter.allow_if(SCMP_SYS(mprotect), {masked(2, PROT_EXEC, 0)});

  // Asked for by the C library, OpenSSL and libcurl in ordinary work; "no" is an answer they live with:
  // certificate folders, local time, isatty, the memory size for qsort, a helper thread of the resolver.
  filter.answer(EPERM, {SCMP_SYS(socket),
                        SCMP_SYS(socketpair),
                        SCMP_SYS(open),
                        SCMP_SYS(openat),
                        SCMP_SYS(openat2),
                        SCMP_SYS(creat),
                        SCMP_SYS(newfstatat),
                        SCMP_SYS(stat),
                        SCMP_SYS(lstat),
                        SCMP_SYS(fstat),
                        SCMP_SYS(statx),
                        SCMP_SYS(access),
                        SCMP_SYS(faccessat),
                        SCMP_SYS(faccessat2),
                        SCMP_SYS(readlink),
                        SCMP_SYS(readlinkat),
                        SCMP_SYS(getcwd),
                        SCMP_SYS(ioctl),
                        SCMP_SYS(uname),
                        SCMP_SYS(sysinfo),
                        SCMP_SYS(prctl),
                        SCMP_SYS(getrusage),
                        SCMP_SYS(sched_getaffinity),
                        SCMP_SYS(clone),
                        SCMP_SYS(membarrier),
                        SCMP_SYS(rseq)});
  filter.answer(ENOSYS, {SCMP_SYS(clone3)});
  const int error = filter.load();
  if (error != 0) return fail_errno(Reason::internal, "seccomp", error);
  return {};
}

Result<std::vector<std::string>> lock_down(const SandboxPolicy& policy) {
#ifdef RESTANTE_SANITIZER_BUILD
  // The sanitizers' runtimes open /proc, map memory and start threads as they please.
  static_cast<void>(policy);
  return std::vector<std::string>{"none: sanitizer build"};
#else
  const OpenLocks& open = policy.open;
  std::vector<std::string> locks;
  // Where memory runs out, a worker goes first. Any process may say this of itself (proc(5)).
  if (const UniqueFd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); score)
    static_cast<void>(!::write(score.get(), "500", 3));
  if (!open.namespaces && leave_namespaces()) {
    locks.emplace_back("namespaces");
    if (!open.root && leave_root()) locks.emplace_back("root");
  }
  if (!open.capabilities) {
    if (!drop_capabilities()) return fail_errno(Reason::internal, "dropping capabilities", errno);
    locks.emplace_back("capabilities");
  }
  if (!open.rlimits) {
    if (auto limited = limit_resources(policy); !limited) return fail(std::move(limited.error()));
    locks.emplace_back("rlimits");
  }
  if (auto forbidden = forbid_new_privileges(open); !forbidden) return fail(std::move(forbidden.error()));
  if (!open.landlock) {
    const auto forbidden = forbid_paths();
    if (!forbidden) return fail(forbidden.error());
    if (*forbidden) locks.emplace_back("landlock");
  }
  if (auto filtered = filter_system_calls(open); !filtered) return fail(std::move(filtered.error()));
  locks.emplace_back("seccomp");
  return locks;
#endif
}

}  // namespace restante::worker
