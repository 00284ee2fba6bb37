// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"

#include <cstdint>

// The entry that libFuzzer calls; FUZZ_TARGET names the function (CMakeLists.txt).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  restante::fuzz::FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
