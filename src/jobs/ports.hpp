// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "base/fd.hpp"
#include "base/pieces.hpp"
#include "base/sparse_file.hpp"
#include "base/task.hpp"
#include "jobs/model.hpp"
#include "jobs/offers.hpp"
#include "proxy/document.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace restante::jobs {

/// What the content server said before the body.
struct ResponseFacts {
  int http_status = 0;
  std::string final_url;  ///< after redirects, as it may be shown (no query, no user information)
  std::string
      name_hint;  ///< decoded Content-Disposition name, else the last segment of the final URL; not cleaned
  std::string media_type;
  std::optional<std::uint64_t> total_bytes;  ///< of the whole content
  std::uint64_t offset = 0;                  ///< where this transfer's first byte belongs
  std::string etag, last_modified;
  std::string date;  ///< of the answer: by it a Last-Modified is strong or not (RFC 9110 §8.8.2.2)
  bool ranges = false;
  bool web_page = false;  ///< HTML where nothing said that HTML is wanted
  std::string coding;     ///< content coding that is taken off on the way ("gzip"); empty: none
};

/// Another source that has the same content.
struct OtherSource {
  proxy::Source source;
  std::vector<proxy::Credential> credentials;
};

using restante::Span;

inline constexpr int most_connections = 16;    ///< of one transfer
inline constexpr std::size_t most_spans = 16;  ///< of one content, that lie apart from its beginning

/// Digests of a content's pieces of one length, the last one perhaps short (Metalink, RFC 5854 §4.2.10).
struct PieceDigests {
  std::string algorithm;  ///< "sha-256", ...; empty: none
  std::uint64_t length = 0;
  std::string digests;  ///< one behind the other, as bytes
};

/// One attempt to bring one file, in a sandboxed worker: from its source, and over several connections and
/// from the others where that helps.
struct TransferOrder {
  AccountId account;
  JobId job;
  int file = 0;
  proxy::Source source;
  std::vector<proxy::Credential>
      credentials;         ///< those that the source names, or all of the document's if it names none
  bool allow_lan = false;  ///< the account may reach private ranges
  bool probe = false;      ///< stop after the headers; no file
  UniqueFd out;            ///< written from `offset` on; the kernel's file position is not used
  std::uint64_t offset = 0;
  /// Strong validator for going on. When offset > 0 it, a digest, or (relinked) size and date are needed.
  std::string if_range;
  std::string last_modified;  ///< of the content before, as it was sent; may be empty
  /// A person said that this source has the same content as the one before: other validators are no
  /// objection if size and date are the same, or a digest proves all of it in the end.
  bool relinked = false;
  std::optional<std::uint64_t> known_size;  ///< from the proxy, or from before
  std::optional<std::uint64_t> max_bytes, rate_bytes_per_s;
  /// How many bytes behind `offset` the place takes at most (M48), and what is used up then: disk_full or
  /// quota. Passing it ends the transfer with that reason, transient.
  std::optional<std::uint64_t> room_bytes;
  Reason room_reason = Reason::disk_full;
  std::string digest_algorithm,
      digest_hex;  ///< "sha-256" | "sha-512" | "sha" | "md5" of the whole content; may be empty
  /// That may be asked beside `source`, the best first. Only with a digest of the whole content or of its
  /// pieces: nothing else shows that theirs is the same.
  std::vector<OtherSource> others;
  int connections = 1;     ///< at once, to all servers together
  std::vector<Span> have;  ///< on the disk behind `offset`: in order, none touching another or `offset`
  PieceDigests piece_digests;
  bool allow_empty = false;
  /// Name and media type that the document gives, and the media type that the content had when it was seen
  /// before; by them a page that comes instead of a file is known (M52). May be empty.
  std::string wanted_name, wanted_type, seen_type;
  Millis stall{60000};
};

enum class Outcome {
  complete,    ///< length or digest proves it
  unverified,  ///< ended cleanly but nothing proves the length: complete-unverified
  failed,      ///< see reason
  restart,  ///< the server cannot or will not go on from `offset`: begin a new partial file at 0 (M12, M13,
            ///< M14)
  stopped,  ///< by the stop token
};

struct TransferResult {
  Outcome outcome = Outcome::failed;
  Reason reason = Reason::internal;  ///< when failed or restart
  std::string message;               ///< for people: what, where; no secrets
  bool transient = false;
  std::optional<Seconds> retry_after;
  std::uint64_t received_bytes = 0;          ///< length of the partial file that is good
  std::optional<std::uint64_t> coded_bytes;  ///< that came, if a coding was taken off them
  PieceReport pieces;                        ///< the last ones; fits() if there are any
  std::vector<SpanReport> apart;             ///< as in TransferObserver::on_apart
  std::string digest_hex;  ///< of the whole content by digest_algorithm if it was computed; else empty
  ResponseFacts facts;
};

/// What a token endpoint gave instead of the tokens of an oauth credential (RFC 6749 §6). Secrets.
struct RenewedTokens {
  std::string credential_id, access_token, refresh_token;
  std::optional<std::int64_t> expires;  ///< of the access token, seconds since 1970
};
/// Changes the credential if it is the one.
void apply_tokens(proxy::Credential& credential, const RenewedTokens& tokens);

/// Called on the control loop while `run` is under way.
class TransferObserver {
public:
  virtual ~TransferObserver() = default;
  /// The tokens are used once `kept` says that they are stored durably: the old ones may be worth nothing
  /// already. `kept` may be called at any later time, on the control loop.
  virtual void on_renewed(const RenewedTokens& tokens, std::function<void(Result<void>)> kept) {
    static_cast<void>(tokens);
    kept(fail(Reason::internal, "nobody keeps the new tokens"));
  }
  virtual void on_response(const ResponseFacts& facts) = 0;
  virtual void on_progress(std::uint64_t received_bytes,
                           std::uint64_t bytes_per_s) = 0;  ///< at most 4 a second
  /// Digests of what was written, before on_progress or the end tells of it. It fits().
  virtual void on_pieces(const PieceReport& report) { static_cast<void>(report); }
  /// More could have come than the pace let through; said before on_progress, since the one before.
  virtual void on_held_back() {}
  /// What lies apart from the beginning, all of it, with the digests that are new since the last time; before
  /// on_progress or the end tells how long the beginning is.
  virtual void on_apart(const std::vector<SpanReport>& spans) { static_cast<void>(spans); }
};

/// Content-server clients in workers. Implemented by src/worker (pool); repeating a run is safe.
class Transfers {
public:
  virtual ~Transfers() = default;
  /// Completes soon after the token is stopped. Waits for a worker slot if need be. `observer` outlives the
  /// call.
  virtual Task<TransferResult> run(TransferOrder order, TransferObserver& observer, std::stop_token stop) = 0;
  /// The transfer that `observer` hears of may receive so much a second from now on, over all its
  /// connections; none: as fast as it can. Of no such transfer: nothing.
  virtual void pace(AccountId account, const TransferObserver& observer,
                    std::optional<std::uint64_t> bytes_per_s) {
    static_cast<void>(account);
    static_cast<void>(observer);
    static_cast<void>(bytes_per_s);
  }
  /// Looks at what the order's address offers: nothing is written, `probe` is set and `out` empty. The result
  /// is that of a probe; `observer` heard everything before it. Everything else as for `run`.
  virtual Task<TransferResult> browse(TransferOrder order, OfferObserver& observer, std::stop_token stop) {
    static_cast<void>(order);
    static_cast<void>(observer);
    static_cast<void>(stop);
    TransferResult none;
    none.message = "this place cannot look into addresses";
    co_return none;
  }
};

/// A partial file, opened twice: a write-back error is reported once for each description (DESIGN.md §6).
struct Incoming {
  UniqueFd for_worker;
  UniqueFd for_sync;
  bool tells_holes = false;  ///< see base/sparse_file.hpp; else it grows in order only
};

struct Publication {
  AccountId account;
  JobId job;
  int file = 0;
  int generation = 0;
  std::string wanted_name;  ///< relative, not cleaned; the area chooses the final one
  /// Put behind the name if that is taken, before it is numbered: the day of an occurrence. May be empty.
  std::string mark = {};
  std::string media_type;
  std::uint64_t size_bytes = 0;
  std::string sha256;  ///< if known
  bool verified = true;
  std::vector<std::string> flags;  ///< "complete-unverified", ...
  std::optional<Seconds> keep;
};

struct Published {
  FileId id;
  std::string name;  ///< relative to the area
  std::uint64_t size_bytes = 0;
  Instant at{};
};

/// Runs inside the transaction that makes the file visible, so that the job's row changes with it.
using PublishCommit = std::function<Result<void>(Tx&, const Publication&, const Published&)>;

/// How much more may be written for an account.
struct Room {
  std::uint64_t volume_bytes = 0;            ///< free on the file system of incoming files, above the reserve
  std::optional<std::uint64_t> quota_bytes;  ///< left to the account, partial files counted; none: no quota
  std::uint64_t missing_bytes = 0;           ///< of the reserve, which is eaten into
  std::uint64_t over_quota_bytes = 0;        ///< the account has more than it may
  /// Why nothing new may be fetched for the account this month, for people; what is half here may be
  /// completed. Empty: it may.
  std::string traffic_used_up;
};

/// Of room.
struct Lack {
  Reason reason = Reason::disk_full;  ///< or quota
  std::uint64_t bytes = 0;
};

/// Areas on disk. Implemented by src/files.
class Shelf {
public:
  virtual ~Shelf() = default;
  /// Opens (or makes) incoming/ACCOUNT/JOB.FILE[.gGENERATION]. Errors: storage, disk-full, quota.
  virtual Task<Result<Incoming>> open_incoming(AccountId account, JobId job, int file, int generation) = 0;
  virtual Task<Result<void>> sync_data(
      int fd) = 0;  ///< fdatasync in the disk pool; an error is final for the file
  virtual Task<Result<void>> discard_incoming(AccountId account, JobId job, int file, int generation) = 0;
  /// SHA-256 (or another algorithm) of a partial file, in the disk pool.
  virtual Task<Result<std::string>> digest_incoming(AccountId account, JobId job, int file, int generation,
                                                    std::string algorithm) = 0;
  /// Digests of the bytes from the piece `first` up to `end_bytes` (less if the file ends before), both
  /// counted from `base` on; in the disk pool. Errors: storage.
  virtual Task<Result<PieceReport>> hash_pieces(int fd, std::uint64_t base, std::uint64_t first,
                                                std::uint64_t end_bytes) = 0;
  /// The publishing sequence of DESIGN.md §6; `sync` is synced first. Repeating after an error is safe.
  virtual Task<Result<Published>> publish(Publication what, UniqueFd sync, PublishCommit commit) = 0;
  /// At start: completes what a crash interrupted between intent and commit.
  virtual Task<Result<void>> recover(PublishCommit commit) = 0;
  /// As it is now. Errors: storage, disk-full.
  virtual Task<Result<Room>> room(AccountId account) = 0;
  /// Gives up what is kept as a courtesy only (deleted files), as much as is lacking or there is. Whether
  /// anything was given up.
  virtual Task<bool> free_room(AccountId account, Lack lack) {
    static_cast<void>(account);
    static_cast<void>(lack);
    co_return false;
  }
  /// So many bytes more came for the account.
  virtual void fetched(AccountId account, std::uint64_t bytes) {
    static_cast<void>(account);
    static_cast<void>(bytes);
  }
  /// The cleaned relative name that `wanted` would get, for showing it beforehand.
  virtual std::string clean_name(std::string_view wanted) const = 0;
};

/// Told of every change that is written down. Outlives the service.
class Witness {
public:
  virtual ~Witness() = default;
  /// In the transaction that writes the change, on the store's thread: what it writes is durable with it or
  /// not at all. An error undoes the change.
  virtual Result<void> written(Tx& tx, const Job& job, const HistoryRow& row) = 0;
  /// The change is durable; control loop. Left out for what was completed at the start.
  virtual void told(const Job& job, const HistoryRow& row) = 0;
};

/// What the domain must know of accounts. Control loop.
class AccountRules {
public:
  virtual ~AccountRules() = default;
  virtual bool may_use_lan(AccountId account) const = 0;
  /// Of all downloads of the account together, in bytes a second; none: no limit.
  virtual std::optional<std::uint64_t> rate_of(AccountId account) const {
    static_cast<void>(account);
    return std::nullopt;
  }
};

}  // namespace restante::jobs
