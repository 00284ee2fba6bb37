// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace restante::worker {

/// What a worker says, as it may be shown, stored and logged: without control characters and broken UTF-8, at
/// most `most` bytes.
std::string clean(std::string_view text, std::size_t most);

/// Every text of the facts. Validators are opaque bytes that go back to the content server: only what would
/// end a header line is taken out, and one longer than 1 KiB is dropped.
void clean(jobs::ResponseFacts& facts);

}  // namespace restante::worker
