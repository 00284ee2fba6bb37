// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

// The committed corpora, one input after the other, without libFuzzer.
namespace restante::fuzz {
namespace {

char current[512] = "";  ///< the input under way, for the last words

void say_which(int) {
  static_cast<void>(!::write(STDERR_FILENO, current, std::strlen(current)));
  ::_exit(1);
}

std::size_t replay(const char* name, void (*target)(std::string_view)) {
  std::signal(SIGABRT, say_which);
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(FUZZ_CORPUS) / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    std::snprintf(current, sizeof current, "with the input %s\n", entry.path().c_str());
    target(input);
    ++count;
  }
  std::signal(SIGABRT, SIG_DFL);
  return count;
}

#define RESTANTE_FUZZ_TEST(name)                   \
  TEST(Corpus, KeepsThePropertiesOf_##name) {      \
    const std::size_t count = replay(#name, name); \
                                                   \
    EXPECT_GE(count, 10u) << "too few inputs";     \
  }
RESTANTE_FUZZ_TARGETS(RESTANTE_FUZZ_TEST)

TEST(CorpusDeathTest, FindsAPropertyThatDoesNotHold) {
  EXPECT_DEATH(check(false, "one is two"), "one is two");
}

}  // namespace
}  // namespace restante::fuzz
