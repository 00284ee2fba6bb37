// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "transfer/folder_listing.hpp"
#include "worker/offered.hpp"

#include <set>
#include <string>

// Listings of folders that FTP and SFTP servers send, both as facts and as `ls` and `dir` write them.
namespace restante::fuzz {

void listing(std::string_view input) {
  const std::string folder = "ftp://a.example:2121/pub/dir/";
  for (const bool facts : {true, false}) {
    transfer::FetchedListing fetched;
    fetched.text = input;
    fetched.facts = facts;
    fetched.folder = *net::parse_ftp_url(folder);
    fetched.now = *from_rfc3339("2026-11-23T08:00:00Z");
    fetched.cut = input.size() % 2 == 1;
    const jobs::Offers found = transfer::read_folder_listing(fetched);
    std::set<std::string> seen;
    for (const auto& offer : found.offers) {
      check(worker::is_sound(offer), "every offer could stand in a document");
      check(seen.insert(offer.url).second, "every address is offered once");
      const auto url = net::parse_ftp_url(offer.url);
      check(url && url->text == offer.url, "an address is read as it was written");
      check(url->text.starts_with(folder), "an entry lies in the folder");
    }
    for (const auto& packet : worker::pack(1, found)) {
      worker::OfferClaims claims;
      check(claims.take(packet.offers).has_value(), "the server takes what an honest worker packs");
    }
  }
}

}  // namespace restante::fuzz
