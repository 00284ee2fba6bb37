// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "jobs/offers.hpp"
#include "net/curl_url.hpp"

#include <string_view>
#include <vector>

// What a folder of an FTP or SFTP server offers. Pure: values in, values out; what comes out is sound
// (worker/offered.hpp).
namespace restante::transfer {

/// A listing as it came. Names in it are bytes: what is not UTF-8 is taken for Windows-1252 where it is
/// shown, and asked for as it is.
struct FetchedListing {
  std::string_view text;
  bool facts = false;  ///< by MLSD (RFC 3659 §7.2); else as `ls -l` (Unix, SFTP) or `dir` (Windows) writes it
  net::HttpUrl folder;  ///< its path ends with a slash
  Instant now{};        ///< `ls` leaves the year out of what is young
  bool cut = false;     ///< its end is missing
};

/// Files and folders by name. What cannot be asked for (names with a slash or control characters), devices
/// and lines that are no entry are left out, and counted in `left_out`. A link is a file unless its target's
/// name looks like a folder's; its size is unknown.
jobs::Offers read_folder_listing(const FetchedListing& listing);

/// One name as a segment of an address.
std::string as_segment(std::string_view name);

}  // namespace restante::transfer
