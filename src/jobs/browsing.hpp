// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"
#include "jobs/glob.hpp"
#include "jobs/offers.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace restante::jobs {

struct Context;

/// What a person wants to see of an address.
struct BrowseWish {
  int depth = 0;               ///< so many folders below are looked into
  std::vector<Glob> patterns;  ///< only what one of them matches; none: everything
};

struct BrowseLimits {
  int depth = 8;
  std::size_t patterns = 8;
  std::size_t pages = 64;  ///< looked at, the first included
  std::size_t offers = 4096;
  std::size_t left_out = 64;
  std::size_t answer_bytes = 2 * 1048576;  ///< of all texts of the offers
  Millis deadline{30000};                  ///< for all of it
  int at_once = 16;                        ///< addresses that are looked into, of all accounts
  int of_account = 4;                      ///< of one account; one more is refused
};

struct Browsed {
  Found found = Found::page;
  std::string title;
  std::string url;  ///< after redirects, as it may be shown
  std::vector<Offer> offers;
  std::vector<LeftOut> left_out;  ///< without any, nothing is missing
  std::size_t folders_seen = 0;   ///< below the first
};

/// Looks at what addresses offer, and into the folders below them: one look after the other, the nearest
/// folders first, within one deadline. Nothing is stored. Control loop.
class Browsing {
public:
  explicit Browsing(Context& context);

  /// The document's first file, from its first source. Folders are looked into where they have the same
  /// origin and lie below the path; of pages nothing is followed. A folder that cannot be looked into is left
  /// out and told. Errors: busy (too many at once), timeout, and those of a transfer.
  Task<Result<Browsed>> browse(AccountId account, proxy::Document document, BrowseWish wish);
  Task<void> stop();

private:
  struct Walk;
  struct Turn;
  Task<void> walk(std::shared_ptr<Walk> walk);

  Context& context_;
  TaskGroup tasks_;
  std::map<AccountId, int> under_way_;
  int all_under_way_ = 0;
};

}  // namespace restante::jobs
