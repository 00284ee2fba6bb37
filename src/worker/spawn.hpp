// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace restante::worker {

/// A started worker and the server's ends of what it has.
struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;      ///< readable when it has ended; then `reap`
  UniqueFd channel;    ///< its fd 3, non-blocking
  UniqueFd connector;  ///< its fd 4; both ends block, the worker's for at most 5 s
  UniqueFd errors;     ///< what it writes on fd 2, non-blocking
};

/// Starts `program` with these arguments (without argv[0]). It has the descriptors 0 and 1 (/dev/null), 2, 3
/// and 4, the environment TZ=UTC LANG=C and a session of its own, and gets SIGKILL when the thread that
/// called this ends: call it on a thread that lives as long as the server. Error: internal (it cannot be
/// started: why).
Result<Spawned> spawn_worker(const std::string& program, const std::vector<std::string>& arguments);

void kill_worker(int pidfd);  ///< SIGKILL; harmless if it has ended

/// Collects an ended worker (no zombie stays) and says how it ended: "exit 0", "signal 31 (Bad system call)".
std::string reap(int pidfd);

}  // namespace restante::worker
