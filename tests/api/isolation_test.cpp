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

/// Generated from the contract, so that a new route is covered by itself; what its parameters are must be
/// said here. On routes for admins nobody else learns which names there are.
TEST(Isolation, AForeignIdIsAnsweredLikeAnUnknownOneOnEveryRoute) {
  Place place;
  const auto anas = place.connect("ana", accounts::Role::user, "correct horse"), bens = place.connect("ben");
  place.browse("ana", "correct horse");
  const auto job = place.submit(anas, 1);
  const auto file = place.publish("ana", "x.bin", "0123456789");
  place.send("POST", "/v1/tokens", anas, R"({"kind":"submit","label":"script"})");
  const auto devices = place.send("GET", "/v1/devices", anas).json();
  const auto id_of = [](const boost::json::value& list) {
    return std::string(list.at(0).at("id").as_string());
  };
  const std::string token = id_of(place.send("GET", "/v1/tokens", anas).json().at("tokens"));
  const std::string link_body = R"({"file":")" + file + R"("})";
  const std::string link(place.send("POST", "/v1/links", anas, link_body).json().at("id").as_string());
  const std::string login_body = R"({"origin":"https://cs.example","kind":"bearer","secret":"s"})";
  const std::string login(place.send("POST", "/v1/logins", anas, login_body).json().at("id").as_string());
  const std::string unknown_id(32, 'f');
  const std::map<std::string, std::pair<std::string, std::string>> ids{
      {"{job}", {job, unknown_id}},
      {"{file}", {file, unknown_id}},
      {"{link}", {link, unknown_id}},
      {"{login}", {login, unknown_id}},
      {"{device}", {id_of(devices.at("devices")), std::string(43, 'f')}},
      {"{session}", {id_of(devices.at("sessions")), unknown_id}},
      {"{token}", {token, unknown_id}},
      {"{contact}", {unknown_id, unknown_id}},  // nobody is told here: tests/integration/test_isolation.py
      {"{user}", {"ana", "eve"}},
      {"{guest}", {"ana", "eve"}},
      {"{proxy}", {"00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000ffff"}}};
  int compared = 0;
  const auto contract = boost::json::parse(openapi_json());

  for (const auto& path : contract.at("paths").as_object()) {
    const std::string pattern(path.key());
    if (pattern.find('{') == std::string::npos) continue;
    const auto parameter = pattern.substr(pattern.find('{'), pattern.find('}') + 1 - pattern.find('{'));
    for (const auto& operation : path.value().as_object()) {
      const auto* members = operation.value().if_object();
      if (operation.key() == "parameters" || members->contains("x-open")) continue;
      const auto pair = ids.find(parameter);
      ASSERT_NE(pair, ids.end()) << pattern << ": say above what " << parameter << " is";
      const auto* rights = members->if_contains("x-rights");
      const bool for_admins = rights != nullptr && *rights == "admin";
      std::string method(operation.key());
      for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      const auto asked = [&](const std::string& id) {
        auto request =
            place.request(method, filled(pattern, id), bens, method == "PATCH" ? R"({"name":"stolen"})" : "",
                          "application/merge-patch+json");
        request.headers.emplace_back("If-Match", "\"1\"");
        auto answer = place.send(request);
        for (auto at = answer.body.find(id); at != std::string::npos; at = answer.body.find(id))
          answer.body.replace(at, id.size(), "ID");
        return answer;
      };
      const auto foreign = asked(pair->second.first), unknown = asked(pair->second.second);
      EXPECT_EQ(foreign.status, for_admins ? 403 : 404) << method << " " << pattern;
      EXPECT_EQ(foreign.status, unknown.status) << method << " " << pattern;
      EXPECT_EQ(foreign.headers, unknown.headers) << method << " " << pattern;
      EXPECT_EQ(foreign.body, unknown.body) << method << " " << pattern;
      ++compared;
    }
  }

  EXPECT_GE(compared, 20);
  EXPECT_EQ(place.send("GET", "/v1/jobs/" + job, anas).json().at("state"), "scheduled");
  EXPECT_EQ(place.send("GET", "/v1/files/" + file, anas).body, "0123456789");
  EXPECT_EQ(place.send("GET", "/v1/links/" + link, anas).status, 200);
  const auto after = place.send("GET", "/v1/devices", anas).json();
  EXPECT_EQ(after.at("devices").as_array().size(), 1u);
  EXPECT_EQ(after.at("sessions").as_array().size(), 1u);
  EXPECT_EQ(id_of(place.send("GET", "/v1/tokens", anas).json().at("tokens")), token);
}

TEST(Isolation, ListsHoldNothingOfOthers) {
  Place place;
  const auto anas = place.connect("ana"), bens = place.connect("ben");
  place.submit(anas, 1);
  place.publish("ana", "x.bin", "0123456789");

  EXPECT_EQ(place.send("GET", "/v1/jobs", bens).body, "[]");
  EXPECT_EQ(place.send("GET", "/v1/files?arriving=true", bens).body, "[]");
  EXPECT_EQ(place.send("GET", "/v1/links", bens).body, "[]");
  EXPECT_EQ(place.send("GET", "/v1/devices", bens).json().at("devices").as_array().size(), 1u);
}

TEST(Isolation, TheSameProxyIdOfTwoDevicesIsTwoDownloads) {
  Place place;
  const auto anas = place.connect("ana"), bens = place.connect("ben");

  EXPECT_NE(place.submit(anas, 1), place.submit(bens, 1));
}

}  // namespace
}  // namespace restante::api::test
