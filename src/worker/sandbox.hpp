// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace restante::worker {

/// Locks that are left open. The product opens none: tests/cage does, one attempt at a time, to show that the
/// attempt succeeds once nothing stops it.
struct OpenLocks {
  bool namespaces = false, root = false, capabilities = false, rlimits = false, dumpable = false,
       landlock = false;
  std::vector<int> calls;  ///< that the seccomp filter lets through, whatever their arguments
};

struct SandboxPolicy {
  /// Descriptors that the process may have at once: a socket and a file for each of 64 transfers, and room.
  unsigned max_open_files = 512;
  /// Private memory: a hundred times what a busy worker needs, and little enough for the machine to live on.
  std::uint64_t max_memory_bytes = 2ull << 30;
  OpenLocks open;
};

/// Puts the calling process into its cage, for good: namespaces where permitted, with an empty root; no
/// capabilities, rlimits, no_new_privs, Landlock that permits nothing, and a seccomp filter that ends the
/// process at any unexpected system call. Called once, by a process with one thread, after everything that
/// opens files has been done (SPIKES.md C-A, "Files touched after warm-up"); afterwards only descriptors that
/// are open already or come over the channel can be used, and no thread or process can be started.
///
/// Says which locks are on: "capabilities", "rlimits" and "seccomp", where the system permits them
/// "namespaces" and "root", and where the kernel has it "landlock"; a build with sanitizers cannot be locked
/// and says "none: sanitizer build". Error: internal, when a lock that must hold cannot be had (Landlock is
/// one wherever the kernel has it).
Result<std::vector<std::string>> lock_down(const SandboxPolicy& policy);

// The single layers, in the order of lock_down; for tests of each alone.

bool leave_namespaces();   ///< user, network, mount, IPC, UTS and cgroup; needs a process with one thread
bool leave_root();         ///< the root becomes an empty directory; needs a mount namespace of our own
bool drop_capabilities();  ///< effective, permitted and inheritable
Result<void> limit_resources(const SandboxPolicy& policy);
Result<void> forbid_new_privileges(const OpenLocks& open = {});
/// Landlock: no file, no TCP bind or connect, no signal outside, by its ABI. False: this kernel has none.
Result<bool> forbid_paths();
Result<void> filter_system_calls(const OpenLocks& open = {});  ///< seccomp

}  // namespace restante::worker
