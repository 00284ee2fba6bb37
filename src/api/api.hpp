// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "api/app.hpp"
#include "api/host_names.hpp"
#include "api/link_door.hpp"
#include "files/areas.hpp"
#include "files/links.hpp"
#include "http/message.hpp"
#include "intake/key_ring.hpp"
#include "intake/receiver.hpp"
#include "jobs/service.hpp"
#include "notify/service.hpp"
#include "proxy/keys.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace restante::http {
class LocalCa;
}

namespace restante::api {

struct Administration;

struct ApiLimits {
  int submit_per_minute = 600;                 ///< of one account; a batch counts once
  std::uint64_t document_bytes = 2ull << 20;   ///< one proxy document
  std::size_t composed_bytes = 2ull << 20;     ///< requests that one text is understood as, together
  std::size_t browsed_bytes = 2ull << 20;      ///< what one address offers, as one answer
  std::uint64_t batch_bytes = 64ull << 20;     ///< one application/jsonl call of a known device
  std::uint64_t small_body_bytes = 64 * 1024;  ///< every other body, and everybody who is not known
  std::size_t batch_step = 2048;               ///< lines that are stored in one transaction: few syncs
  std::size_t batch_step_bytes = 4ull << 20;   ///< or fewer, when they are long
  int longest_page = 1000, usual_page = 50;    ///< jobs in one answer
  int arriving_files = 1000;                   ///< in one answer
  int files_found = 200;                       ///< by one search
  std::size_t longest_search = 200;            ///< bytes
  Seconds longest_wait{30};                    ///< Prefer: wait
  Millis wait_piece{500};                      ///< after which a wait asks whether it may still be answered
  Millis heartbeat{15000};                     ///< of an event stream without events
  std::size_t shared_downloads = 64;           ///< in one POST /v1/share
  int failure_days = 31;                       ///< GET /v1/failures
  int week_days = 7;                           ///< GET /v1/week
  int low_disk_percent = 5;                    ///< above the reserve: below, there is a warning
  Seconds certificate_ends_soon{10 * 86400};   ///< then there is a warning
  /// Signed or sealed documents without a session that one IPv4 address or IPv6 /64 may send in vain.
  int refused_before_backoff = 30;
  Seconds longest_refused_backoff{300};
  LinkDoorLimits links;
};

/// How the parts around the API do, for whoever looks after the place.
struct Condition {
  enum class Mail { off, ok, failing };
  int workers = 0;
  Mail mail = Mail::off;                     ///< failing: the last try did not reach the mail server
  Mail mailbox = Mail::off;                  ///< failing: one of them could not be asked for requests
  std::optional<Instant> certificate_until;  ///< of what TLS shows; none: no TLS
  std::size_t store_faults = 0;              ///< found by the last look
};

/// Where devices leave requests for a place that they cannot reach; the place fetches them there.
struct MailboxAddress {
  enum class Kind { mail, webdav };
  Kind kind = Kind::mail;
  std::string address;         ///< mail: local@domain; webdav: the URL of the folder, with a closing slash
  std::string user, password;  ///< webdav: with which devices may put something there; empty: none
};

struct ApiOptions {
  std::string place_name;  ///< what people call this place
  std::string jkt;         ///< thumbprint of the server's identity key
  std::string time_zone;   ///< the place's, IANA
  HostNames hosts;         ///< names that we go by
  /// SCHEME://HOST[:PORT] without a closing slash: what links, mails and invitations begin with, never the
  /// name that a request came for (THREATS.md D9). If not configured: the first listener's.
  std::string public_url;
  std::string lan_url;  ///< the same for people in this network; empty: there is none
  /// Our own certificate authority as it is now, for /trust; empty, or null: there is none. Any thread.
  std::function<std::shared_ptr<const http::LocalCa>()> authority;
  /// With it we prove who we are (/.well-known/restante?nonce=); outlives the API.
  const proxy::PrivateKey* identity = nullptr;
  std::function<Condition()> condition;   ///< control loop; empty: nothing is known
  std::vector<MailboxAddress> mailboxes;  ///< told to connected devices, in the order to try
  ApiLimits limits;
  App app;  ///< the web app; empty: there is none
};

/// What the API speaks with; all of it outlives the API.
struct ApiParts {
  Executor control;  ///< the loop on which accounts, jobs and areas live
  accounts::Service& accounts;
  jobs::Service& jobs;
  files::Areas& areas;
  const Clock& clock;
  Administration& administration;  ///< what admins do over the API is what the operator's commands do
  files::Links& links;
  Executor hashing;                       ///< the pool in which passwords are hashed
  notify::Service* notices = nullptr;     ///< none: nobody is told
  Database* database = nullptr;           ///< for what is counted of the whole place
  const intake::KeyRing* keys = nullptr;  ///< that requests are sealed with; none: nothing is told of any
  intake::Receiver* receiver = nullptr;   ///< of signed and sealed documents; none: they are refused
};

/// The HTTP API v1 (contract/openapi.yaml). Handles requests on the connections' loops; control state is
/// touched on the control loop only.
class Api : public http::Handler {
public:
  /// Where we really listen, if `ApiOptions::public_url` was empty. Before the first request.
  virtual void listening_on(const std::string& url) = 0;
  /// From now on every request is answered 503 busy, and event streams end. Any thread.
  virtual void close() = 0;
};

std::unique_ptr<Api> make_api(ApiParts parts, ApiOptions options);

}  // namespace restante::api
