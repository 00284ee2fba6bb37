// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace restante::worker {

struct SandboxPolicy {
  /// Descriptors that the process may have at once: a socket and a file for each of 64 transfers, and room.
  unsigned max_open_files = 512;
};

/// Puts the calling process into its cage, for good: namespaces where permitted, no capabilities, rlimits,
/// no_new_privs, Landlock that permits nothing, and a seccomp filter that ends the process at any unexpected
/// system call. Called once, after everything that opens files has been done (SPIKES.md C-A, "Files touched
/// after warm-up"); afterwards only descriptors that are open already or come over the channel can be used,
/// and no thread or process can be started.
///
/// Says which locks are on: "capabilities", "rlimits" and "seccomp", and where the system permits them
/// "namespaces" and "landlock"; a build with sanitizers cannot be locked and says "none: sanitizer build".
/// Error: internal, when a lock that must hold (all but namespaces and Landlock) cannot be had.
Result<std::vector<std::string>> lock_down(const SandboxPolicy& policy);

// The single layers, in the order of lock_down; for tests of each alone.

bool leave_namespaces();   ///< user, network, mount, IPC, UTS and cgroup; needs a process with one thread
bool drop_capabilities();  ///< effective, permitted and inheritable
Result<void> limit_resources(const SandboxPolicy& policy);
Result<void> forbid_new_privileges();
bool forbid_paths();  ///< Landlock: no file, no TCP bind or connect, no signal outside, by its ABI
Result<void> filter_system_calls();  ///< seccomp

}  // namespace restante::worker
