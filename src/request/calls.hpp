// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "net/http_client.hpp"
#include "proxy/keys.hpp"
#include "request/place.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::request {

/// What the first look at the content told (`probe`).
struct LookFirst {
  std::string name, media_type, refused, message;
  std::optional<std::uint64_t> size_bytes;
  bool resumable = false;
  bool web_page = false;
};

/// A download as a place tells it. `json` is the place's own object on one line, for --json.
struct Job {
  std::string id, proxy, name, state, reason, waiting_for, message, plan, plan_reason, next_run, created;
  std::string repeat;  ///< its recurrence rule; empty: once
  std::optional<std::uint64_t> size_bytes, bytes_per_s;
  std::uint64_t received_bytes = 0, attempt = 0;
  std::optional<LookFirst> look_first;
  std::string json;

  bool ended() const;  ///< done, failed, cancelled or expired
};

struct HistoryRow {
  std::string at, from, to, cause, reason;
};
struct JobFile {
  std::string name, state, reason, file_id, sha256;
  std::optional<std::uint64_t> size_bytes;
  std::uint64_t received_bytes = 0;
};
struct JobDetail {
  Job job;
  std::vector<HistoryRow> history;
  std::vector<JobFile> files;
  std::string why;
  std::string etag;
};

/// A file of the area, or one that is still arriving (then without id).
struct StoredFile {
  std::string id, name, published, job, sha256;
  std::optional<std::uint64_t> size_bytes;
  std::uint64_t received_bytes = 0;
  bool verified = false, arriving = false;
  std::vector<std::string> flags;
  std::string json;
};

/// A deleted file that can be had back until then.
struct TrashedFile {
  std::string id, name, removed, until;
  std::uint64_t size_bytes = 0;
  std::string json;
};

struct Device {
  std::string id, label, created, last_seen;
  bool current = false;
  std::string json;
};

/// One document's fate in a batch.
struct Verdict {
  std::optional<Job> job;  ///< accepted or replayed
  bool replayed = false;
  Error error;  ///< when refused
};

struct CallLimits {
  std::size_t batch_documents = 1000;  ///< in one application/jsonl call
  int busy_tries = 3;                  ///< when the place says that it has too much to do
  std::chrono::seconds busy_wait{5};   ///< at most, each time
  std::size_t page = 1000;             ///< entries asked for at once
};

/// The API of one place, typed. Every call can fail with what HttpClient says (the place was not reached) and
/// with the place's own refusal. One thread.
class Calls {
public:
  Calls(net::HttpClient& client, const Place& place, CallLimits limits = {})
      : client_(client), place_(place), limits_(limits) {}

  const Place& place() const { return place_; }
  /// Whether it has answered anything yet.
  bool reached() const { return reached_; }

  struct Submitted {
    Job job;
    bool replayed = false;
  };
  /// A bare core, or a signed or sealed document. Safe to repeat: the document's id decides.
  Result<Submitted> submit(const std::string& document);
  /// At most `batch_documents`; a verdict each, in order.
  Result<std::vector<Verdict>> submit_many(const std::vector<std::string>& documents);

  /// `wait`: until the first look is known or the job ended, at most so long.
  Result<JobDetail> job(const std::string& id, std::chrono::seconds wait = std::chrono::seconds(0));
  /// Newest first, page by page, until `take` returns false.
  Result<void> jobs(const std::vector<std::string>& states, const std::function<bool(Job)>& take);
  /// The full id of a job given by it or by an unambiguous beginning of at least four digits. Errors:
  /// not-found, usage (several begin so).
  Result<std::string> job_id(const std::string& text);
  Result<Job> act(const std::string& id, const std::string& action);  ///< pause, resume, retry, now, cancel
  Result<Job> change(const std::string& id, const std::string& etag, const std::string& merge_patch);

  Result<std::vector<StoredFile>> files(bool arriving);
  Result<StoredFile> file(const std::string& name_or_id);  ///< error: not-found
  enum class Removal { into_trash, for_good };
  Result<void> remove_file(const std::string& id, Removal removal);
  Result<StoredFile> rename_file(const std::string& id, const std::string& name);
  Result<void> remove_folder(const std::string& path, Removal removal);  ///< error: not-found
  /// Returns what it is called now. Errors: not-found, conflict.
  Result<std::string> move_folder(const std::string& path, const std::string& to);
  Result<std::vector<TrashedFile>> trash();  ///< newest first
  Result<StoredFile> restore_file(const std::string& id);
  Result<void> empty_trash();

  /// What the place says of itself to connected devices: its keys and mailboxes.
  Result<boost::json::object> place_now();

  Result<std::vector<Device>> devices();
  Result<void> revoke_device(const std::string& id);

  /// A request as the caller made it, sent with this place's token to `path` ("/v1/..."), for streams. An
  /// answer >= 400 is an error of the place; its body is not given to on_body.
  Result<net::ClientResponse> stream(const std::string& path, net::ClientRequest request);

private:
  struct Ask;
  Result<void> ask_delete(std::string path, std::string_view query, Removal removal);
  Result<boost::json::object> ask_change(std::string method, std::string path,
                                         const boost::json::object& body);
  Result<net::ClientResponse> ask(Ask ask);

  net::HttpClient& client_;
  const Place& place_;
  bool reached_ = false;
  CallLimits limits_;
};

/// Connects this device: has the place prove its identity key, then `POST /v1/devices` with a proof by `key`.
/// Fills everything but the name and how the place is known. Errors: what the place says; tls (another server
/// answers, which learns nothing).
Result<Place> enrol(net::HttpClient& client, const PairingUrl& url, const proxy::PrivateKey& key,
                    const std::string& label);

/// An RFC 9457 problem (or whatever else came) as our error.
Error error_of(int status, std::string_view content_type, std::string_view body);

}  // namespace restante::request
