// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/ids.hpp"
#include "base/pieces.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::jobs {

/// Life of a job (DESIGN.md §6). The numbers are stored: add at the end only.
enum class State {
  scheduled,
  waiting,
  running,
  verifying,
  publishing,
  done,
  paused,
  held,
  failed,
  cancelled,
  expired
};
std::string_view name(State state);
std::optional<State> state_from_name(std::string_view name);
constexpr bool ended(State s) {
  return s == State::done || s == State::failed || s == State::cancelled || s == State::expired;
}

/// What a waiting job waits for.
enum class WaitingFor { nothing, window, slot, retry, quota, origin_pause };
std::string_view name(WaitingFor what);  ///< "", "window", "slot", "retry", "quota", "origin-pause"

enum class FileState { pending, receiving, verifying, publishing, done, failed };
std::string_view name(FileState state);

/// What a transfer left behind, so that it can go on (DESIGN.md §6, Resume).
struct Checkpoint {
  std::uint64_t written_bytes = 0;  ///< handed to the kernel
  std::uint64_t synced_bytes = 0;   ///< known to be on the disk
  std::string boot_id;              ///< of the machine run in which `written_bytes` was true
  std::string etag, last_modified;  ///< as the content server sent them
  std::optional<std::uint64_t> total_bytes;
  bool ranges = false;  ///< the server said that it can go on from the middle
  /// A person gave a new link to the same content, and nothing came from there yet.
  bool relinked = false;
  /// What lay on the disk behind the beginning when `synced_bytes` of that did, in order.
  std::vector<Stretch> apart = {};

  std::uint64_t apart_bytes() const;
  /// Of the content, wherever they lie.
  std::uint64_t held_bytes() const { return written_bytes + apart_bytes(); }
};

/// The partial file of an earlier generation that a content server would not go on with (CONTENT_SERVERS.md
/// M12). It stays until the new one is longer; a later attempt goes back to it if the new one came to less.
struct OldPartial {
  int generation = 0;
  Checkpoint checkpoint;
};

/// One file of a job: one row of its own, made when it first differs from "pending, nothing known".
struct FileRow {
  int index = 0;
  FileState state = FileState::pending;
  std::optional<Reason> reason;
  std::string name;  ///< relative to the area; empty: not known yet; final once published
  std::string media_type;
  std::optional<std::uint64_t> size_bytes;
  int source = 0;      ///< of the document's sources, the one in use
  int generation = 0;  ///< of the partial file: a restart from 0 makes a new one
  Checkpoint checkpoint;
  std::optional<OldPartial> old;
  std::uint64_t wasted_bytes = 0;  ///< fetched, and thrown away or set aside since
  std::string sha256;              ///< lower-case hexadecimal; empty: not known
  bool verified = true;
  std::optional<FileId> published;
};

/// What the look-first probe found (DESIGN.md: "Look first").
struct Probe {
  std::string name;  ///< that the content would get
  std::optional<std::uint64_t> size_bytes;
  std::string media_type;
  bool resumable = false;
  bool web_page = false;  ///< it is a page to look at, perhaps not the content
  int http_status = 0;
  std::optional<Reason> refused;  ///< the content server or the guard said no
  std::string message;
};

/// One job: one accepted proxy, or one occurrence of it. The control columns of its row.
struct Job {
  JobId id;
  AccountId account;
  DeviceId device;
  std::string proxy_id;
  std::int64_t rev = 0;
  std::string name;  ///< shown to people: title, else of the one published file, wanted, last of the URL
  State state = State::waiting;
  WaitingFor waiting_for = WaitingFor::nothing;
  std::optional<Reason> reason;
  std::string message;  ///< details of the last failure, for people, no secrets
  int attempt = 0;      ///< started transfers so far
  Instant created{}, changed{};
  std::optional<Instant> next_run;    ///< when the scheduler looks at it next; none: not by time
  std::optional<Instant> start;       ///< `when.start`
  std::optional<Instant> occurrence;  ///< of a series, the one that it stands for
  std::optional<Instant> started;     ///< when it first ran since it was asked for, or asked for again
  std::int64_t version = 1;           ///< of the editable fields: the ETag
  std::optional<Probe> probe;
  int file_count = 1;
  std::string document;         ///< bare core without secrets, as edited
  std::string secrets;          ///< `access` and `pay`, encrypted by the store's vault; empty: none
  Digest256 document_digest{};  ///< of the accepted core bytes: decides replay or conflict
};

/// One change (DESIGN.md §6: "one row in a history"). `seq` numbers all changes of the server and is the
/// event id. A job's first row (from nothing to its first state, cause "accepted") is not stored but derived
/// from the job.
struct HistoryRow {
  std::int64_t seq = 0;
  JobId job;
  AccountId account;
  Instant at{};
  State from = State::waiting, to = State::waiting;
  std::string cause;  ///< "accepted", "due", "retry", "user:pause", "restart", "file 0: published", ...
  std::optional<Reason> reason;
};

struct JobFilter {
  std::vector<State> states;  ///< empty: all
  std::string cursor;         ///< opaque, from the page before
  int limit = 50;
  /// With their documents, as many as have this much of them together and at least one; none: without.
  std::optional<std::uint64_t> document_bytes = {};
};

struct JobPage {
  std::vector<Job>
      jobs;  ///< newest first; `secrets` and, unless they were asked for, `document` are left empty
  std::string next_cursor;  ///< empty: the last page
};

}  // namespace restante::jobs
