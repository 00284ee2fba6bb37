// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/api.hpp"
#include "api/commands.hpp"
#include "base/clock.hpp"
#include "store/store.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/value.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace restante::api::test {

inline constexpr const char* server_jkt = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

/// A content server that answers nothing: transfers wait until they are stopped. With `answer` it tells what
/// it has to those who only look.
class SilentTransfers final : public jobs::Transfers {
public:
  std::function<jobs::TransferResult(const jobs::TransferOrder& order)> answer;

  Task<jobs::TransferResult> run(jobs::TransferOrder order, jobs::TransferObserver& observer,
                                 std::stop_token stop) override;
};

class FreeRules final : public jobs::AccountRules {
public:
  bool may_use_lan(AccountId) const override { return true; }
};

/// An answer, with a streamed body read to its end.
struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  boost::json::value json() const;
  std::string reason() const;  ///< of a problem: the code behind /problems/
};

/// A browser that has signed in.
struct Browser {
  std::string cookie;  ///< "name=value"
  std::string csrf;
};

/// A place in one process: real store, accounts, areas and jobs under the API, without sockets.
class Place {
public:
  explicit Place(ApiLimits limits = {});
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  /// Turns the loop until the task has ended.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    auto body = [](Task<T> inner, std::optional<T>& to) -> Task<void> {
      to.emplace(co_await std::move(inner));
    };
    asio::co_spawn(loop, body(std::move(task), out), asio::detached);
    loop.restart();
    while (!out) loop.run_one();
    return std::move(*out);
  }

  /// Makes a user with a device; the device's token.
  std::string connect(const std::string& name, accounts::Role role = accounts::Role::user,
                      const std::string& password = {});
  /// Signs in as a page of ours does.
  Browser browse(const std::string& user, const std::string& password);

  http::Request request(const std::string& method, const std::string& target, const std::string& token = {},
                        std::string body = {}, const std::string& type = "application/json") const;
  Answer send(http::Request request);
  Answer send(const std::string& method, const std::string& target, const std::string& token = {},
              std::string body = {}, const std::string& type = "application/json") {
    return send(request(method, target, token, std::move(body), type));
  }
  /// Only the head: for answers whose body does not end.
  http::Response begin(http::Request request);
  std::optional<std::string> next_piece(http::Response& response);

  /// A bare core that starts far in the future; `extra` are further members ("," included).
  std::string core(int number, const std::string& extra = {}) const;
  /// Hands it in; the job's id.
  std::string submit(const std::string& token, int number);
  /// A published file of this account; its id.
  std::string publish(const std::string& user, const std::string& name, const std::string& content);

  asio::io_context loop;
  asio::thread_pool pool{2};
  SystemClock clock;
  std::string folder;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<accounts::Service> accounts;
  std::unique_ptr<files::Areas> areas;
  std::unique_ptr<files::Links> links;
  SilentTransfers transfers;
  FreeRules rules;
  std::unique_ptr<jobs::Service> jobs;
  std::unique_ptr<Administration> administration;
  std::unique_ptr<Api> api;
};

}  // namespace restante::api::test
