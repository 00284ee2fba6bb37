// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/server.hpp"

#include <string>
#include <sys/socket.h>

namespace restante::http {

/// A socket that listens, and what it is bound to.
struct Listener {
  UniqueFd socket;
  Bound bound;
  bool unix_socket = false;
  bool open_door = false;
  bool submits = false;
};

/// Binds and listens. Errors: in-use (address taken), forbidden (not permitted), invalid (not a numeric
/// address, or not one of this machine), each with the address and how to mend it.
Result<Listener> open_listener(const Listen& where);

/// Who is at the other end of an accepted socket; `from` is what accept(2) said.
Peer peer_of(int socket, const sockaddr_storage& from, const Listener& listener);

}  // namespace restante::http
