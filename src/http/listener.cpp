// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace restante::http {

namespace {

constexpr int backlog = 1024;
constexpr int tries_for_port = 25;
constexpr std::chrono::milliseconds port_asked_again{20};

std::string shown(const Listen& where) {
  const bool v6 = where.address.find(':') != std::string::npos;
  return (v6 ? "[" + where.address + "]" : where.address) + ":" + std::to_string(where.port);
}

/// 0, or errno. A child that a killed server was just making holds its port until it is a program of its own.
int bind_and_listen(int socket, const sockaddr* address, socklen_t size) {
  bool bound = false;
  for (int tries = 0;; ++tries) {
    bound = bound || ::bind(socket, address, size) == 0;
    if (bound && ::listen(socket, backlog) == 0) return 0;
    if (errno != EADDRINUSE || tries == tries_for_port) return errno;
    std::this_thread::sleep_for(port_asked_again);
  }
}

tl::unexpected<Error> refuse(const std::string& where, std::uint16_t port, int error) {
  const std::string what = "cannot listen on " + where + ": ";
  switch (error) {
    case EADDRINUSE:
      return fail(Reason::in_use, what + "another process listens there",
                  "stop the other process (`ss -ltnp` shows it), or give another --listen ADDRESS:PORT");
    case EACCES:
    case EPERM:
      return fail(Reason::forbidden, what + errno_text(error),
                  port != 0 && port < 1024 ? "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); give "
                                             "--listen with a port from 1024 on"
                                           : "check the permissions of the folder and of this user");
    case EADDRNOTAVAIL:
      return fail(Reason::invalid, what + "no network interface of this machine has that address",
                  "`ip addr` shows this machine's addresses; 0.0.0.0 or [::] listens on all of them");
    default:
      return fail(Reason::invalid, what + errno_text(error), "give another --listen ADDRESS:PORT");
  }
}

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  }
  return false;
}

Result<Listener> open_unix(const Listen& where) {
  // sun_path holds 107 bytes; a longer path is reached through a handle of its folder.
  const auto slash = where.address.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : where.address.substr(0, slash + 1);
  const std::string name = where.address.substr(slash == std::string::npos ? 0 : slash + 1);
  UniqueFd handle(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!handle) return refuse(where.address, 0, errno);
  const std::string path = "/proc/self/fd/" + std::to_string(handle.get()) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || path.size() >= sizeof address.sun_path) return refuse(where.address, 0, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* as_sockaddr = reinterpret_cast<const sockaddr*>(&address);

  Listener out;
  out.socket.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.socket) return refuse(where.address, 0, errno);
  struct stat there{};
  if (::fstatat(handle.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(there.st_mode)) {
    // A socket that nobody answers was left behind by a crash; a living one refuses us.
    UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool answered = ::connect(probe.get(), as_sockaddr, sizeof address) == 0 || errno == EAGAIN;
    if (answered) return refuse(where.address, 0, EADDRINUSE);
    ::unlinkat(handle.get(), name.c_str(), 0);
  }
  ::fchmod(out.socket.get(), 0600);  // Linux gives the file that bind makes the mode of the socket
  if (::bind(out.socket.get(), as_sockaddr, sizeof address) != 0 || ::listen(out.socket.get(), backlog) != 0)
    return refuse(where.address, 0, errno);
  out.unix_socket = true;
  out.submits = where.submits;
  out.bound = {where.address, 0, false};
  return out;
}

}  // namespace

Result<Listener> open_listener(const Listen& where) {
  if (where.address.find('/') != std::string::npos) return open_unix(where);

  sockaddr_storage address{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, where.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(where.port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, where.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(where.port);
    size = sizeof v6;
  } else {
    return fail(Reason::invalid, "cannot listen on " + shown(where) + ": not a numeric address",
                "give an address such as 127.0.0.1:8470, 0.0.0.0:8470 or [::]:8470");
  }
  Listener out;
  out.socket.reset(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.socket) return refuse(shown(where), where.port, errno);
  const int on = 1;
  ::setsockopt(out.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ss_family == AF_INET6)
    ::setsockopt(out.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (const int error = bind_and_listen(out.socket.get(), reinterpret_cast<sockaddr*>(&address), size);
      error != 0)
    return refuse(shown(where), where.port, error);
  ::getsockname(out.socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  out.open_door = where.open_door;
  out.bound = {where.address, ntohs(address.ss_family == AF_INET ? v4.sin_port : v6.sin6_port), where.tls};
  return out;
}

Peer peer_of(int socket, const sockaddr_storage& from, const Listener& listener) {
  Peer peer;
  peer.tls = listener.bound.tls;
  peer.open_door = listener.open_door;
  if (listener.unix_socket) {
    peer.unix_socket = true;
    peer.submits = listener.submits;
    peer.both_loopback = true;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    credentials.uid = static_cast<uid_t>(-1);
    ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    peer.uid = credentials.uid;
    return peer;
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (from.ss_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(from).sin_addr, text, sizeof text);
  else if (from.ss_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, text, sizeof text);
  peer.address = text;
  if (is_loopback(from)) {
    sockaddr_storage here{};
    socklen_t size = sizeof here;
    peer.both_loopback =
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) == 0 && is_loopback(here);
  }
  return peer;
}

}  // namespace restante::http
