// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "notify/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace restante::notify {

struct FileFact {
  std::string name;  ///< relative to the area
  std::optional<std::uint64_t> size_bytes;
  bool verified = true;
  std::string link_token;  ///< of the link that was made for it; empty: none
};

/// What happened, as it is stored (sealed) until it was told. Everything that a message says derives from
/// this and from the configuration.
struct Facts {
  Event event = Event::test;
  Instant at{};
  std::optional<JobId> job;
  std::string job_name;
  std::string state;  ///< of the job
  std::optional<Reason> reason;
  std::string detail;            ///< for people, no secrets: the job's message
  std::vector<FileFact> files;   ///< the first of them
  int file_count = 0;            ///< all of them
  std::optional<Instant> until;  ///< stay.ending: when everything is erased
  std::string code;              ///< contact.confirm
  std::string account;           ///< contact.confirm: whose messages they are
  /// Other events that this notice tells of as well, because many came at once: a line each, and how many
  /// there are in all.
  std::vector<std::string> gathered;
  int gathered_count = 0;
};

std::string to_json(const Facts& facts);
Result<Facts> facts_from_json(std::string_view json);  ///< error storage

/// The line of a gathered notice: "a.bin is here (1.2 MiB)".
std::string line_of(const Facts& facts);

/// What of the configuration messages contain.
struct Place {
  std::string name;        ///< what people call it
  std::string public_url;  ///< SCHEME://HOST[:PORT], no slash at the end
  std::string lan_url;     ///< may be empty
};

/// Plain function: the same for the same facts.
Message compose(const NoticeId& id, const Facts& facts, const Place& place);

}  // namespace restante::notify
