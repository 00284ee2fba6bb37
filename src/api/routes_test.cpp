// SPDX-License-Identifier: Apache-2.0
#include "api/routes.hpp"

#include "api/openapi_json.hpp"
#include "base/text.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <array>
#include <set>

namespace restante::api {
namespace {

std::string line(std::string_view method, std::string_view path, std::string_view rights) {
  return std::string(method) + " " + std::string(path) + " (" + std::string(rights) + ")";
}

std::string_view name(Rights rights) {
  constexpr std::array<std::string_view, 5> names{"open", "submit", "account", "person", "admin"};
  return names.at(static_cast<std::size_t>(rights));
}

std::set<std::string> of_the_contract() {
  std::set<std::string> out;
  const auto document = boost::json::parse(openapi_json());
  for (const auto& path : document.at("paths").as_object())
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      const auto& members = operation.value().as_object();
      const auto* open = members.if_contains("x-open");
      const auto* rights = members.if_contains("x-rights");
      std::string word = rights != nullptr ? std::string(rights->as_string()) : "account";
      if (open != nullptr && open->as_bool()) word = "open";
      std::string method = operation.key();
      for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      out.insert(line(method, std::string_view(path.key()), word));
    }
  return out;
}

TEST(Routes, AreThoseOfTheContractWithTheSameRights) {
  std::set<std::string> served;

  for (const auto& route : routes()) served.insert(line(route.method, route.pattern, name(route.rights)));

  EXPECT_EQ(served, of_the_contract());
}

TEST(Routes, ParametersAreSegmentsOfThePath) {
  const auto job = match("GET", {"v1", "jobs", "abc"});
  const auto paused = match("POST", {"v1", "jobs", "abc:pause"});
  const auto file = match("GET", {"v1", "jobs", "abc", "files", "0"});

  EXPECT_EQ(job.route->pattern, "/v1/jobs/{job}");
  EXPECT_EQ(job.parameters, std::vector<std::string>{"abc"});
  EXPECT_EQ(paused.route->pattern, "/v1/jobs/{job}:pause");
  EXPECT_EQ(paused.parameters, std::vector<std::string>{"abc"});
  EXPECT_EQ(file.parameters, (std::vector<std::string>{"abc", "0"}));
}

TEST(Routes, APathParameterTakesAllThatIsLeft) {
  const auto file = match("GET", {"d", "abc", "x:y", "", "z"});
  const auto closed = match("GET", {"d", "abc", ""});

  EXPECT_EQ(file.route->pattern, "/d/{link_token}/{path}");
  EXPECT_EQ(file.parameters, (std::vector<std::string>{"abc", "x:y//z"}));
  EXPECT_EQ(closed.parameters, (std::vector<std::string>{"abc", ""}));
}

TEST(Routes, UnknownPathsMatchNothing) {
  for (const auto& segments : std::vector<std::vector<std::string>>{{"index.html"},
                                                                    {"v1"},
                                                                    {"v2", "jobs"},
                                                                    {"v1", "jobs", ""},
                                                                    {"v1", "jobs", "abc", "files"},
                                                                    {"v1", "jobs", ":pause"},
                                                                    {"v1", "jobs", "abc:nonsense"}}) {
    const auto found = match("GET", segments);
    EXPECT_EQ(found.route, nullptr);
    EXPECT_EQ(found.allowed, "");
  }
}

TEST(Routes, AKnownPathSaysWhichMethodsItKnows) {
  const auto found = match("PUT", {"v1", "files", "abc"});

  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(found.allowed, "GET, HEAD, PATCH, DELETE");
}

}  // namespace
}  // namespace restante::api
