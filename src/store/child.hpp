// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace restante::store::test {

/// Runs `body` in a process of its own (forked: call it while this one has a single thread) and returns the
/// text that it returned; what it threw comes back as "threw: ...", a death as "died: ...".
std::string in_child(const std::function<std::string()>& body);

/// The same as the user nobody, where this process may become another user; else as it is.
std::string in_child_as_nobody(const std::function<std::string()>& body);

}  // namespace restante::store::test
