// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace restante {

/// Keeps what this process holds in memory, keys and passwords among it, to itself: no core dumps, of its
/// children neither, and no other process of the same user may trace it or read its memory (root still can).
/// Called once, first in main. Sanitizer builds only give up their dumps: the leak checker traces them.
void keep_memory_to_ourselves();

}  // namespace restante
