// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::notify {

using NoticeId = Id128<struct NoticeTag>;    ///< random; the same at every repetition
using ContactId = Id128<struct ContactTag>;  ///< random

/// What people are told of. The names are the types of webhooks and the column of the store.
enum class Event {
  job_done,
  job_failed,
  job_late,         ///< its deadline passed, or it ended for that
  job_needs_you,    ///< it is held until a person decides
  account_quota,    ///< the account is (nearly) full, or its month's traffic is used up
  stay_ending,      ///< everything of a guest is about to be erased
  request_refused,  ///< a request that came by itself was refused
  test,             ///< asked for by `restante notify test`
  contact_confirm,  ///< goes to a contact that is not confirmed yet
};
std::string_view name(Event event);  ///< "job.done", "job.failed", ...
std::optional<Event> event_from_name(std::string_view name);

/// One file that is told of. `url` is a link to it, `lan_url` the same inside the place's network; may be
/// empty.
struct ToldFile {
  std::string name;  ///< as it is called in the area
  std::optional<std::uint64_t> size_bytes;
  std::string url, lan_url;
};

/// What is said, the same through every channel; made from a stored notice and the configuration alone, so
/// that a repetition is the same byte for byte. Texts may hold whatever a stranger called a file: every
/// channel encodes them.
struct Message {
  NoticeId id;
  Event event = Event::test;
  Instant at{};                     ///< of the event
  std::string title;                ///< one line without file names ("Restante: a download is here")
  std::string text;                 ///< sentences, no URLs; may hold names
  std::vector<ToldFile> files;      ///< the first of them
  std::string more;                 ///< "3 more are in your files."; may be empty
  std::vector<std::string> others;  ///< what else happened meanwhile, a line each
  std::string url;                  ///< the most useful place to go to; may be empty
  std::string lan_url;              ///< the same inside the place's network; may be empty
  std::string data;  ///< JSON object for programs: {"job","name","state","reason"?,"files":[...],...}
  std::string code;  ///< contact.confirm: what proves that the message arrived; else empty
};

}  // namespace restante::notify
