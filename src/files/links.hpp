// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "files/link_records.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace restante::files {

struct LinksLimits {
  int links_per_account = 10000;
  Seconds folder_keep{30 * 86400};  ///< of a link to a folder that names no end
  std::int64_t most_uses = 1'000'000;
  std::chrono::milliseconds housekeeping{3'600'000};  ///< between two rounds
};

struct LinkTarget {
  std::optional<FileId> file;
  std::string folder;  ///< if there is no file
};

/// When a link ends and what it asks for.
struct LinkTerms {
  enum class End { as_kept, at, revoked };  ///< as_kept: with the file's own time
  End end = End::as_kept;
  Instant expires{};          ///< with End::at
  std::string password_hash;  ///< PHC; empty: none
  bool login = false;
  std::optional<std::int64_t> most_uses;
};

struct NewLink {
  AccountId account;
  LinkTarget target;
  LinkTerms terms;
  std::string token;  ///< 22 characters: see new_link_token, link_token
  Instant now{};
};

struct CreatedLink {
  Link link;
  std::string token;  ///< shown once
};

struct ListedLink {
  Link link;
  std::string name;  ///< of its file or folder, relative to the area
};

/// 128 random bits in base64url, 22 characters.
std::string new_link_token();
/// The same of given bits.
std::string link_token(const std::array<std::uint8_t, 16>& bits);
/// "/d/TOKEN"
std::string link_path(std::string_view token);

/// The links that are known in memory, immutable: the control loop replaces it on each change. Any thread.
class LinkSnapshot {
public:
  std::shared_ptr<const Link> find(const Digest256& token) const;

private:
  friend class LinksInStore;
  struct Hash {
    std::size_t operator()(const Digest256& digest) const noexcept;
  };
  using Shard = std::unordered_map<Digest256, std::shared_ptr<const Link>, Hash>;
  /// A change copies one of them.
  std::array<std::shared_ptr<const Shard>, 64> shards_;
};

/// Links of all accounts: made, listed, revoked, found by their token. Lives on the control loop. What was
/// asked for once is answered from a snapshot afterwards. Whether the account behind a link may still come in
/// is the caller's question.
class Links {
public:
  virtual ~Links() = default;

  /// A new link with a random token. Errors: not-found (no such file or folder of this account), conflict
  /// (as many links as there may be), invalid.
  virtual Task<Result<CreatedLink>> create(AccountId account, LinkTarget target, LinkTerms terms) = 0;
  /// The same inside somebody's transaction, with a given token. Repeating it with the same token and target
  /// returns the link that is there. Errors as above.
  static Result<Link> create_in(Tx& tx, const NewLink& wanted, const LinksLimits& limits = {});

  virtual Task<Result<std::vector<ListedLink>>> list(AccountId account) = 0;
  virtual Task<Result<ListedLink>> find(AccountId account, LinkId id) = 0;  ///< not-found
  virtual Task<Result<void>> revoke(AccountId account, LinkId id) = 0;      ///< not-found
  /// Links into a folder follow it.
  virtual Task<Result<void>> folder_moved(AccountId account, std::string from, std::string to) = 0;

  /// The link behind a token. Any loop. Error not-found: unknown, revoked or expired, told alike.
  virtual Task<Result<std::shared_ptr<const Link>>> open(std::string token) = 0;
  /// Whether it still holds: neither revoked nor over. Any thread.
  virtual bool holds(const Link& link) const = 0;
  /// Counts one use. Error not-found: used as often as it may, or gone.
  virtual Task<Result<void>> use(std::shared_ptr<const Link> link) = 0;
  /// The file of that name in the link's account. Any loop. Error not-found.
  virtual Task<Result<FileId>> file_named(AccountId account, std::string name) = 0;

  /// Removes what is over. Spawned by the owner into its group.
  virtual Task<void> housekeeping() = 0;
};

std::unique_ptr<Links> make_links(Executor loop, Database& database, const Clock& clock,
                                  LinksLimits limits = {});

}  // namespace restante::files
