// SPDX-License-Identifier: Apache-2.0
#include "api/openapi_json.hpp"
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

/// The path with `id` in place of every parameter but a file's index.
std::string filled(std::string path, const std::string& id) {
  for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
    const auto close = path.find('}', open);
    const bool index = path.substr(open, close - open) == "{index";
    path.replace(open, close - open + 1, index ? "0" : id);
  }
  return path;
}

/// Generated from the contract, so that a new route is covered by itself.
TEST(Isolation, AForeignIdIsAnsweredLikeAnUnknownOneOnEveryRoute) {
  Place place;
  const auto anas = place.connect("ana"), bens = place.connect("ben");
  const auto job = place.submit(anas, 1);
  const auto file = place.publish("ana", "x.bin", "0123456789");
  const auto devices = place.send("GET", "/v1/devices", anas).json();
  const std::string device(devices.at("devices").at(0).at("id").as_string());
  const std::map<std::string, std::pair<std::string, std::string>> ids{
      {"{job}", {job, std::string(32, 'f')}},
      {"{file}", {file, std::string(32, 'f')}},
      {"{device}", {device, std::string(43, 'f')}},
      {"{proxy}", {"00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000ffff"}}};
  int compared = 0;
  const auto contract = boost::json::parse(openapi_json());

  for (const auto& path : contract.at("paths").as_object()) {
    const std::string pattern(path.key());
    for (const auto& [parameter, pair] : ids) {
      if (pattern.find(parameter) == std::string::npos) continue;
      for (const auto& operation : path.value().as_object()) {
        if (operation.key() == "parameters") continue;
        std::string method(operation.key());
        for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        const auto asked = [&](const std::string& id) {
          auto request =
              place.request(method, filled(pattern, id), bens,
                            method == "PATCH" ? R"({"name":"stolen"})" : "", "application/merge-patch+json");
          request.headers.emplace_back("If-Match", "\"1\"");
          return place.send(request);
        };
        const auto foreign = asked(pair.first), unknown = asked(pair.second);
        EXPECT_EQ(foreign.status, 404) << method << " " << pattern;
        EXPECT_EQ(foreign.status, unknown.status) << method << " " << pattern;
        EXPECT_EQ(foreign.headers, unknown.headers) << method << " " << pattern;
        EXPECT_EQ(foreign.body, unknown.body) << method << " " << pattern;
        ++compared;
      }
    }
  }

  EXPECT_GE(compared, 16);
  EXPECT_EQ(place.send("GET", "/v1/jobs/" + job, anas).json().at("state"), "scheduled");
  EXPECT_EQ(place.send("GET", "/v1/files/" + file, anas).body, "0123456789");
  EXPECT_EQ(place.send("GET", "/v1/devices", anas).status, 200);
}

TEST(Isolation, ListsHoldNothingOfOthers) {
  Place place;
  const auto anas = place.connect("ana"), bens = place.connect("ben");
  place.submit(anas, 1);
  place.publish("ana", "x.bin", "0123456789");

  EXPECT_EQ(place.send("GET", "/v1/jobs", bens).body, "[]");
  EXPECT_EQ(place.send("GET", "/v1/files?arriving=true", bens).body, "[]");
  EXPECT_EQ(place.send("GET", "/v1/devices", bens).json().at("devices").as_array().size(), 1u);
}

TEST(Isolation, TheSameProxyIdOfTwoDevicesIsTwoDownloads) {
  Place place;
  const auto anas = place.connect("ana"), bens = place.connect("ben");

  EXPECT_NE(place.submit(anas, 1), place.submit(bens, 1));
}

}  // namespace
}  // namespace restante::api::test
