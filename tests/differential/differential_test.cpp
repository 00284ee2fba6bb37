// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"
#include "run.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

// Thousands of generated answers whose truth is known, through the real worker.
//   --cases N  --seed S  --peer N (cases for libcurl)  --only NUMBER (one case, verbose)  --json FILE
namespace restante::test {
namespace {

Plan plan;  // NOLINT: filled from the command line
std::uint64_t peer_cases = 600;
std::string json_file;

boost::json::object as_json(const Findings& found) {
  boost::json::object kinds_found;
  for (const auto& [name, kind] : found.kinds)
    kinds_found[name] = {{"cases", kind.cases},
                         {"published", kind.published},
                         {"wrong", kind.wrong},
                         {"refused", kind.refused}};
  return {{"cases", found.cases},
          {"wrong_published", found.wrong_published},
          {"right_refused", found.right_refused},
          {"kinds", std::move(kinds_found)}};
}

void keep(const char* name, const Findings& found) {
  static boost::json::object all;
  all[name] = as_json(found);
  all["seed"] = plan.seed;
  if (!json_file.empty()) std::ofstream(json_file) << boost::json::serialize(all) << "\n";
}

void print(const char* who, const Findings& found) {
  std::printf("%s: seed %llu, %llu cases of %zu kinds, %llu wrong published, %llu right refused\n", who,
              static_cast<unsigned long long>(plan.seed), static_cast<unsigned long long>(found.cases),
              found.kinds.size(), static_cast<unsigned long long>(found.wrong_published),
              static_cast<unsigned long long>(found.right_refused));
}

TEST(Differential, PublishesNothingWrongAndRefusesNothingRight) {
  const Findings found = run_worker(plan);

  print("the worker", found);
  keep("restante", found);
  for (const std::string& example : found.examples) std::printf("  %s\n", example.c_str());
  EXPECT_EQ(found.wrong_published, 0u);
  EXPECT_EQ(found.right_refused, 0u);
  EXPECT_EQ(found.cases, plan.cases);
  if (plan.cases >= kinds().size()) EXPECT_EQ(found.kinds.size(), kinds().size()) << "every kind is there";
}

/// The control: a judge that believes libcurl's "ok" must turn the harness red, else it could find nothing.
TEST(Differential, FindsThatLibcurlAlonePublishesWrongBytes) {
  Plan few = plan;
  few.cases = peer_cases;

  const Findings found = run_libcurl(few);

  print("libcurl alone", found);
  keep("libcurl", found);
  EXPECT_GT(found.wrong_published, 0u);
  for (const char* sure : {"whole by length", "whole in chunks", "old server"}) {
    const auto kind = found.kinds.find(sure);
    ASSERT_NE(kind, found.kinds.end());
    EXPECT_EQ(kind->second.wrong + kind->second.refused, 0u) << sure << ": the server itself would be wrong";
  }
}

TEST(Differential, JudgesEveryTruth) {
  Case made;
  made.contents = {"right"};
  Findings found;

  found.judge(made, Published{"right"}, {});
  EXPECT_EQ(found.wrong_published + found.right_refused, 0u);
  found.judge(made, Published{"wrong"}, {});
  EXPECT_EQ(found.wrong_published, 1u);
  found.judge(made, std::nullopt, {});
  EXPECT_EQ(found.right_refused, 1u);
  made.unproven = true;
  found.judge(made, Published{"right", false}, {});
  EXPECT_EQ(found.wrong_published, 2u);
  made.truth = Truth::must_not;
  found.judge(made, Published{"right", true}, {});
  EXPECT_EQ(found.wrong_published, 3u);
  found.judge(made, std::nullopt, {});
  made.truth = Truth::may;
  found.judge(made, std::nullopt, {});
  found.judge(made, Published{"right", true}, {});
  EXPECT_EQ(found.wrong_published, 3u);
  EXPECT_EQ(found.right_refused, 1u);
}

TEST(Differential, MakesTheSameCaseFromTheSameSeed) {
  const Origins origins{80, 443, {"a.test", "b.test"}};
  for (std::uint64_t number = 0; number < 2 * kinds().size(); ++number) {
    const Case one = make_case(7, number, origins), two = make_case(7, number, origins);
    EXPECT_EQ(one.path, two.path);
    EXPECT_EQ(one.contents, two.contents);
    EXPECT_EQ(one.held, two.held);
    const Request request{one.host, one.path, {}, {}, false};
    Rng first(1), second(1);
    EXPECT_EQ(one.answer(first, request, 0).bytes, two.answer(second, request, 0).bytes) << one.kind;
  }
}

}  // namespace

int main_of(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  testing::InitGoogleTest(&argc, argv);
  // The worker as it is shipped is several times faster than one with sanitizers.
  const char* shipped = std::getenv("RESTANTE_SHIPPED_TRANSFER");
  if (shipped != nullptr) ::setenv("RESTANTE_TRANSFER", shipped, 0);
  plan.cases = std::getenv("RESTANTE_TRANSFER") != nullptr ? 10'000 : 2'000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      json_file = argv[i + 1];
      continue;
    }
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--cases") plan.cases = value;
    if (name == "--seed") plan.seed = value;
    if (name == "--peer") peer_cases = value;
    if (name == "--only") {
      plan.first = value;
      plan.cases = 1;
      plan.verbose = true;
    }
  }
  return RUN_ALL_TESTS();
}

}  // namespace restante::test

int main(int argc, char** argv) {
  return restante::test::main_of(argc, argv);
}
