// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "net/http_client.hpp"
#include "net/http_client_stub.hpp"
#include "request/calls.hpp"
#include "request/state.hpp"

#include <filesystem>
#include <string>

/// What the tests of this folder share.
namespace restante::request {

/// A folder of its own that goes away with the test.
class TestFolder {
public:
  TestFolder() : path_(std::filesystem::temp_directory_path() / ("restante-" + random_token())) {
    std::filesystem::create_directory(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

inline Place test_place(std::string url = "https://place.test:8470") {
  return {"home",         std::move(url), std::string(43, 'k'), "token-1",
          "Europe/Paris", "ana",          "device-1",           std::string(43, 'd')};
}

/// A place that answers with what the test says, and calls to it.
struct TestPlace {
  explicit TestPlace(net::StubServer::Answer answer)
      : server(std::move(answer)),
        place(test_place(server.url(""))),
        client(net::HttpClient::Options{}),
        calls(client, place) {}

  net::StubServer server;
  Place place;
  net::HttpClient client;
  Calls calls;
};

inline const std::string json_header = "Content-Type: application/json\r\n";
inline const std::string problem_header = "Content-Type: application/problem+json\r\n";

}  // namespace restante::request
