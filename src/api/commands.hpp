// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "files/areas.hpp"
#include "http/message.hpp"
#include "jobs/service.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace restante::api {

/// What the operator's commands work on: the same with a running server and without one. All of it outlives
/// the commands.
struct Administration {
  accounts::Service& accounts;
  files::Areas& areas;
  jobs::Service* jobs = nullptr;  ///< none: no server runs, so nothing is under way
  std::string jkt;                ///< of the identity key
  std::string base_url;           ///< SCHEME://HOST:PORT by which devices reach us
  Executor disk_pool;
  std::function<Result<std::string>()> copy_store;        ///< blocking; the path of the copy
  std::function<std::vector<std::string>()> check_store;  ///< blocking; one line for each fault
  /// Leaves no bytes of erased rows in the database's files; repeating it is safe.
  std::function<Task<Result<void>>()> scrub_store;
  /// What tells a guest, in the transaction that remembers it, that the stay has ended.
  std::function<Database::Work(const accounts::Account&)> tell_of_end;
  std::set<std::string> being_erased{};  ///< names
  /// Whether the mail server takes our mails; blocking. Empty: this place sends none.
  std::function<Result<void>()> check_mail{};
  std::function<Result<void>()> check_mailboxes{};  ///< the same for where requests are fetched
  /// Whether the given certificate and key can be used; blocking. Empty: none are given.
  std::function<Result<void>()> check_tls{};
  /// Makes another key that requests are sealed with; blocking.
  std::function<Result<void>()> renew_keys{};
  std::function<Instant()> keys_made{};  ///< when the present one was made
  /// Ends what is told on behalf of an account at this moment. Empty: nothing is.
  std::function<void(AccountId)> end_telling{};
};

/// One JSON object a line.
using CommandLines = std::vector<std::string>;

/// Runs on the control loop. `arguments` is a JSON object. Commands: user-add {name, role?, quota_bytes?,
/// traffic_bytes?, rate_bytes_per_s?, lan?, password?}, user-change {the same; null: none}, user-list,
/// user-passwd {name, password}, user-remove {name}, pair {name}, invite {from, until, label?, quota_bytes?,
/// traffic_bytes?}, setup, check, copy-store, keys-rotate. Errors: invalid, not-found, conflict, storage, ...
Task<Result<CommandLines>> run_command(Administration& administration, std::string command,
                                       std::string arguments);

/// What opens the page on which a fresh place gets its administrator.
std::string setup_url(std::string_view base_url, std::string_view setup_code);

/// DATA/control.sock: `POST /control` {"command","args"} by the server's own user or root; the answer is
/// application/jsonl, or a problem. `control` is the loop of everything in `administration`.
std::unique_ptr<http::Handler> make_control(Executor control, Administration& administration);

}  // namespace restante::api
