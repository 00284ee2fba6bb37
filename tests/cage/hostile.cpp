// SPDX-License-Identifier: Apache-2.0
// restante-transfer that a content server has taken over: the real program, all of it, but that bytes from
// the network may be a program of system calls, which is run on the spot, where libcurl reads
// (tests/cage/program.py writes it). So what an attacker's native code could try is tried inside the real
// worker, behind its real locks, with the descriptors and the memory that a worker has.
//
// Which locks are left open stands in the file ROOTS.open beside the bundle of trusted roots, in words.
#include "worker/messages.hpp"
#include "worker/sandbox.hpp"

#include <climits>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <poll.h>
#include <sched.h>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

using restante::Result;
using restante::worker::SandboxPolicy;

// The linker's --wrap: calls of the one come to the other.
#define LOCK_DOWN "_ZN8restante6worker9lock_downB5cxx11ERKNS0_13SandboxPolicyE"
Result<std::vector<std::string>> real_lock_down(const SandboxPolicy& policy) asm("__real_" LOCK_DOWN);
Result<std::vector<std::string>> open_lock_down(const SandboxPolicy& policy) asm("__wrap_" LOCK_DOWN);

Result<std::vector<std::string>> open_lock_down(const SandboxPolicy& product) {
  SandboxPolicy policy = product;
  std::ifstream words([] {
    std::ifstream command("/proc/self/cmdline");
    std::string roots;
    std::getline(command, roots, '\0');
    std::getline(command, roots, '\0');
    return roots + ".open";
  }());
  auto& open = policy.open;
  for (std::string word; words >> word;) {
    if (word == "namespaces")
      open.namespaces = true;
    else if (word == "root")
      open.root = true;
    else if (word == "capabilities")
      open.capabilities = true;
    else if (word == "rlimits")
      open.rlimits = true;
    else if (word == "dumpable")
      open.dumpable = true;
    else if (word == "landlock")
      open.landlock = true;
    else
      open.calls.push_back(::seccomp_syscall_resolve_name(word.c_str()));
  }
  return real_lock_down(policy);
}

namespace {

// The program on the wire, little endian: "RUN CAGE", u32 size of all that follows; u32 buffers, each u32
// size and its bytes; u32 operations, each: 24 bytes of name, u8 flags, 7 bytes of argument kinds, 7
// arguments of 64 bits.
constexpr std::string_view magic = "RUN CAGE";
constexpr std::size_t most_bytes = 1 << 20, most_buffers = 64, most_operations = 128, arguments = 7;
constexpr std::uint8_t may_fail = 1;

enum class Kind : std::uint8_t { number, result, buffer, connection, output, word, doubleword };

struct Operation {
  char name[24];
  std::uint8_t flags;
  Kind kinds[arguments];
  std::int64_t values[arguments];
};

alignas(4096) unsigned char arena[2 * most_bytes];  // no allocation: the heap belongs to the worker
unsigned char* buffers[most_buffers];
std::uint32_t sizes[most_buffers];
std::int64_t results[most_operations];
std::uint32_t buffer_count, operation_count;

template <class T>
T take(const unsigned char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

void wait_for(int fd, short events) {
  pollfd one{fd, events, 0};
  while (::poll(&one, 1, -1) < 0 && errno == EINTR) {
  }
}

void send_all(int fd, const void* data, std::size_t size) {
  for (auto* at = static_cast<const char*>(data); size > 0;) {
    const ssize_t sent = ::send(fd, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
      wait_for(fd, POLLOUT);
    else if (sent <= 0)
      ::_exit(40);
    else
      at += sent, size -= static_cast<std::size_t>(sent);
  }
}

/// All results and buffers, and where the buffers lie.
void report(int fd, std::uint32_t done) {
  std::uint32_t size = 8 + 8 * done;
  for (std::uint32_t i = 0; i < buffer_count; ++i) size += 12 + sizes[i];
  send_all(fd, &size, sizeof size);
  send_all(fd, &done, sizeof done);
  send_all(fd, results, 8 * std::size_t{done});
  send_all(fd, &buffer_count, sizeof buffer_count);
  for (std::uint32_t i = 0; i < buffer_count; ++i) {
    const auto where = reinterpret_cast<std::uint64_t>(buffers[i]);
    send_all(fd, &where, sizeof where);
    send_all(fd, &sizes[i], sizeof sizes[i]);
    send_all(fd, buffers[i], sizes[i]);
  }
}

/// The file that this worker writes: the one descriptor at which nothing can be written at a position.
int output_file() {
  for (int fd = 5; fd < 512; ++fd)
    if (::pwrite(fd, "", 0, 0) == 0) return fd;
  return -1;
}

std::int64_t value_of(const Operation& operation, std::size_t i, int connection) {
  const std::int64_t value = operation.values[i];
  switch (operation.kinds[i]) {
    case Kind::number:
      return value;
    case Kind::result:
      return results[value];
    case Kind::buffer:
      return reinterpret_cast<std::int64_t>(buffers[value & 0xff] + (value >> 8));
    case Kind::connection:
      return connection;
    case Kind::output:
      return output_file();
    case Kind::word: {
      std::int32_t word;
      std::memcpy(&word, buffers[value & 0xff] + (value >> 8), sizeof word);
      return word;
    }
    case Kind::doubleword: {
      std::int64_t word;
      std::memcpy(&word, buffers[value & 0xff] + (value >> 8), sizeof word);
      return word;
    }
  }
  return -1;
}

int idle(void*) {
  for (;;) ::poll(nullptr, 0, -1);
}

std::int64_t perform(const Operation& operation, std::uint32_t done, int connection) {
  std::int64_t a[arguments];
  for (std::size_t i = 0; i < arguments; ++i) a[i] = value_of(operation, i, connection);
  const std::string_view name(operation.name);
  if (name == "@store") {  // memory, value, bytes
    std::memcpy(reinterpret_cast<void*>(a[0]), &a[1], static_cast<std::size_t>(a[2]));
    return 0;
  }
  if (name == "@value") return a[0];
  if (name == "@report") return report(connection, done), 0;
  if (name == "@wait") {
    char byte;
    wait_for(connection, POLLIN);
    return static_cast<std::int64_t>(::syscall(SYS_recvfrom, connection, &byte, 1, 0, nullptr, nullptr));
  }
  if (name == "@jump") return reinterpret_cast<std::int64_t (*)()>(a[0])();
  if (name == "@template") {  // kind, memory, its size: what an honest worker could say; the number of bytes
    const restante::worker::ToServer kinds[] = {restante::worker::Progress{}, restante::worker::Responded{},
                                                restante::worker::Finished{}};
    const std::string packet = restante::worker::encode(kinds[a[0]]);
    std::memcpy(reinterpret_cast<void*>(a[1]), packet.data(),
                std::min(packet.size(), static_cast<std::size_t>(a[2])));
    return static_cast<std::int64_t>(packet.size());
  }
  if (name == "@descriptors") {  // so many
    for (std::int64_t i = 0; i < a[0]; ++i)
      if (const long made = ::syscall(SYS_eventfd2, 0, 0); made < 0) return -errno;
    return 0;
  }
  if (name == "@repeat") {  // times, descriptor, bytes, their number
    long sent = 0;
    for (std::int64_t i = 0; i < a[0] && sent >= 0; ++i)
      while ((sent = ::syscall(SYS_sendto, a[1], a[2], a[3], MSG_NOSIGNAL, nullptr, 0)) < 0 &&
             errno == EAGAIN)
        wait_for(static_cast<int>(a[1]), POLLOUT);
    return sent;
  }
  if (name == "@abort") ::abort();
  if (name == "@thread") {  // memory for its stack, its size
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    const int made = ::clone(idle, reinterpret_cast<char*>(a[0] + a[1]), flags, nullptr);
    return made < 0 ? -errno : made;
  }
  const int call = ::seccomp_syscall_resolve_name(operation.name);
  const long result = ::syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
  const bool child = result == 0 && (name == "fork" || name == "clone" || name == "clone3");
  if (child) idle(nullptr);
  return result == -1 ? -errno : result;
}

[[noreturn]] void run(const unsigned char* at, int connection) {
  send_all(connection, "B", 1);
  auto* free = arena;
  buffer_count = take<std::uint32_t>(at);
  for (std::uint32_t i = 0; i < buffer_count; ++i) {
    sizes[i] = take<std::uint32_t>(at);
    buffers[i] = free;
    std::memcpy(free, at, sizes[i]);
    at += sizes[i];
    free += (sizes[i] + 63) / 64 * 64;
  }
  operation_count = take<std::uint32_t>(at);
  std::uint32_t done = 0;
  for (bool good = true; good && done < operation_count; ++done) {
    const auto operation = take<Operation>(at);
    results[done] = perform(operation, done, connection);
    good = (operation.flags & may_fail) != 0 || results[done] >= 0 || results[done] < -4095;
  }
  report(connection, done);
  char byte;
  wait_for(connection, POLLIN);
  static_cast<void>(::syscall(SYS_recvfrom, connection, &byte, 1, 0, nullptr, nullptr));
  ::_exit(0);
}

alignas(8) unsigned char program[most_bytes];

}  // namespace

// libcurl reads a connection without TLS by recv(); the dynamic linker finds this one first.
extern "C" ssize_t hostile_recv(int fd, void* buffer, std::size_t size, int flags) asm("recv");
extern "C" ssize_t hostile_recv(int fd, void* buffer, std::size_t size, int flags) {
  const ssize_t got = ::recvfrom(fd, buffer, size, flags, nullptr, nullptr);
  if (got <= 0 || (flags & MSG_PEEK) != 0) return got;
  const std::string_view bytes(static_cast<const char*>(buffer), static_cast<std::size_t>(got));
  const auto at = bytes.find(magic);
  if (at == std::string_view::npos) return got;
  std::size_t have = bytes.size() - at;
  std::memcpy(program, bytes.data() + at, have);
  const auto need_more = [&] {
    std::uint32_t left = 0;
    if (have < magic.size() + sizeof left) return true;
    std::memcpy(&left, program + magic.size(), sizeof left);
    return have < magic.size() + sizeof left + left;
  };
  while (need_more()) {
    wait_for(fd, POLLIN);
    const ssize_t more = ::recvfrom(fd, program + have, sizeof program - have, 0, nullptr, nullptr);
    if (more <= 0) ::_exit(41);
    have += static_cast<std::size_t>(more);
  }
  run(program + magic.size() + sizeof(std::uint32_t), fd);
}

// What the filter answers to libcurl's own connect; a run without that rule must not lose its connection.
extern "C" int hostile_connect(int, const sockaddr*, socklen_t) asm("connect");
extern "C" int hostile_connect(int, const sockaddr*, socklen_t) {
  errno = EINPROGRESS;
  return -1;
}
