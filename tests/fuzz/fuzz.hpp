// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

// Every parser of strangers' bytes has one function here. It is run by libFuzzer (preset `fuzz`), over the
// committed corpus in the unit tests, and for the coverage of that corpus (preset `coverage`). It returns if
// all properties hold and ends the process if one does not.
namespace restante::fuzz {

#define RESTANTE_FUZZ_TARGETS(X) \
  X(body)                        \
  X(channel)                     \
  X(content_range)               \
  X(core)                        \
  X(disposition)                 \
  X(form)                        \
  X(jose)                        \
  X(key)                         \
  X(mime)                        \
  X(listing)                     \
  X(offers)                      \
  X(pasted)                      \
  X(range)                       \
  X(request)                     \
  X(response)                    \
  X(times)                       \
  X(url)

#define RESTANTE_FUZZ_DECLARE(name) void name(std::string_view input);
RESTANTE_FUZZ_TARGETS(RESTANTE_FUZZ_DECLARE)
#undef RESTANTE_FUZZ_DECLARE

/// Ends the process with these words if `holds` is false.
void check(bool holds, std::string_view property);

/// The parts of `input` between line feeds, at most `most`; the last one takes the rest, line feeds included.
std::vector<std::string_view> lines(std::string_view input, std::size_t most);

/// Where to cut a text of that size into two: everywhere if it is short, else at places spread over it.
std::vector<std::size_t> cuts(std::size_t size);

}  // namespace restante::fuzz
