// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/database.hpp"
#include "base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::files {

using LinkId = Id128<struct LinkTag>;  ///< random; names a link without opening it

/// A way to one file, or to what lies in one folder, for whoever has its token. The token is not kept.
struct Link {
  LinkId id;
  AccountId account;
  std::optional<FileId> file;  ///< none: the folder
  std::string folder;          ///< relative to the area, without a slash at either end
  Digest256 token_digest{};
  Instant created{};
  std::optional<Instant> expires;  ///< none: until it is revoked
  std::string password_hash;       ///< Argon2id in PHC form; empty: no password
  bool login = false;              ///< asks for the owner's account
  std::int64_t uses = 0;           ///< how often somebody was let in through its page
  std::optional<std::int64_t> most_uses;
};

/// A view over one Tx, implemented by src/store. Errors of every method: storage, disk-full.
class LinkRecords {
public:
  virtual ~LinkRecords() = default;

  virtual Result<void> insert(const Link& link) = 0;
  virtual Result<std::optional<Link>> find(LinkId id) = 0;
  virtual Result<std::optional<Link>> find_by_token(const Digest256& token) = 0;
  virtual Result<std::vector<Link>> list(AccountId account) = 0;  ///< newest first
  virtual Result<int> count(AccountId account) = 0;
  virtual Result<bool> remove(AccountId account, LinkId id) = 0;  ///< false: there is no such link
  /// Counts one use. False: there is no such link, or it was used as often as it may.
  virtual Result<bool> use(LinkId id) = 0;
  /// Links to this folder and to folders in it lead to where they were moved.
  virtual Result<void> move_folder(AccountId account, std::string_view from, std::string_view to) = 0;
  /// Removes those that are over at `now`, and those to files that are gone for good.
  virtual Result<void> sweep(Instant now) = 0;
  virtual Result<std::vector<LinkId>> ids() = 0;  ///< every account's

  /// Whether a file lies below this folder.
  virtual Result<bool> holds_files(AccountId account, std::string_view folder) = 0;
};

}  // namespace restante::files
