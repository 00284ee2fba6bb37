// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "request/calls.hpp"

#include <optional>
#include <string>
#include <string_view>

/// How downloads are told to people (words of DESIGN.md §1). Pure.
namespace restante::request {

/// Text from elsewhere as a terminal may show it: control characters and direction overrides become '?'.
std::string shown(std::string_view text);

/// "downloading 45 %", "needs you: a name and password are needed".
std::string state_words(const Job& job);
std::string state_words(std::string_view state, std::string_view reason);

/// What a reason code means; the code itself if this version does not know it.
std::string reason_words(std::string_view code);

/// An RFC 3339 instant on the place's clocks, with its zone unless both zones are the same: "2026-11-28 01:00
/// Europe/Paris". `Both::yes` adds this device's clocks where they differ.
struct Zones {
  std::string place, here;
};
enum class Both { no, yes };
std::string time_words(std::string_view rfc3339, const Zones& zones, Both both);

/// One line: ID, state, size, name, when.
std::string job_line(const Job& job, const Zones& zones);
/// `restante show`: a few short lines.
std::string job_page(const JobDetail& detail, const Zones& zones);
/// What the first look found, as one sentence; "" if it was not made.
std::string look_first_words(const Job& job);
/// Why the plan is not "on-time", as one sentence; "" if it is.
std::string plan_words(const Job& job, const Zones& zones);

/// SIZE TAB INSTANT TAB NAME; of an arriving file RECEIVED/SIZE TAB arriving TAB NAME.
std::string file_line(const StoredFile& file);

/// A message of the place about a document, with the option of the command line where it points into the
/// document: "--name must be a file name" for "/what/files/0/name must be a file name".
std::string in_options(std::string_view text);

/// "film.mp4  [######      ]  45 %  28.8 MiB of 64.0 MiB  8.2 MiB/s", at most `columns` wide; without
/// the bar where that is too narrow for it.
struct Progress {
  std::string name, words;
  std::uint64_t received_bytes = 0;
  std::optional<std::uint64_t> size_bytes, bytes_per_s;
};
std::string progress_bar(const Progress& progress, std::size_t columns);
/// The same without a bar: "film.mp4: 45 % of 64.0 MiB, 8.2 MiB/s".
std::string progress_line(const Progress& progress);

}  // namespace restante::request
