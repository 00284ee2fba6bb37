// SPDX-License-Identifier: Apache-2.0
#include "files/links.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "files/names.hpp"
#include "files/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>
#include <utility>

namespace restante::files {

namespace {

constexpr std::size_t token_bytes = 16, token_letters = 22;

tl::unexpected<Error> no_such_link() {
  return fail(Reason::not_found, "there is no such link");
}

/// The one spelling of 128 bits, or nothing.
std::optional<Digest256> digest_of(std::string_view token) {
  if (token.size() != token_letters) return std::nullopt;
  const auto bits = from_base64url(token);
  if (!bits || bits->size() != token_bytes) return std::nullopt;
  return sha256(token);
}

bool is_over(const Link& link, Instant now) {
  return link.expires && *link.expires <= now;
}

/// Below the area, never the area itself. Other programs choose names that ours would not have.
bool names_a_folder(std::string_view folder) {
  if (folder.size() > NameLimits().path_bytes) return false;
  for (;;) {
    const auto slash = std::min(folder.find('/'), folder.size());
    const auto segment = folder.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (slash == folder.size()) return true;
    folder.remove_prefix(slash + 1);
  }
}

/// What a new link to this file or folder ends with. Error not-found.
Result<std::optional<Instant>> natural_end(Tx& tx, const NewLink& wanted, const LinksLimits& limits) {
  if (!wanted.target.file) {
    auto holds = tx.repo<LinkRecords>().holds_files(wanted.account, wanted.target.folder);
    if (!holds) return fail(std::move(holds.error()));
    if (!*holds) return fail(Reason::not_found, "there is no such folder");
    return std::optional<Instant>(wanted.now + limits.folder_keep);
  }
  auto file = tx.repo<FileRecords>().find(*wanted.target.file);
  if (!file) return fail(std::move(file.error()));
  if (!*file || (*file)->account != wanted.account) return fail(Reason::not_found, "there is no such file");
  return (*file)->keep_until;
}

Result<void> check(const NewLink& wanted, const LinksLimits& limits) {
  const LinkTerms& terms = wanted.terms;
  if (!wanted.target.file && !names_a_folder(wanted.target.folder))
    return fail(Reason::invalid, "this is not a folder's name", "name one as `restante files` shows it",
                "/folder");
  if (terms.end == LinkTerms::End::at && terms.expires <= wanted.now)
    return fail(Reason::invalid, "a link cannot end in the past", "give a later time", "/expires");
  if (terms.most_uses && (*terms.most_uses < 1 || *terms.most_uses > limits.most_uses))
    return fail(Reason::invalid, fmt::format("a link can be used between 1 and {} times", limits.most_uses),
                "", "/count");
  return {};
}

Result<ListedLink> named(Tx& tx, Link link) {
  ListedLink out;
  out.name = link.folder;
  if (link.file) {
    auto file = tx.repo<FileRecords>().find(*link.file);
    if (!file) return fail(std::move(file.error()));
    if (!*file) return no_such_link();
    out.name = (*file)->name;
  }
  out.link = std::move(link);
  return out;
}

}  // namespace

std::string new_link_token() {
  return to_base64url(random_string(token_bytes));
}

std::string link_token(const std::array<std::uint8_t, 16>& bits) {
  return to_base64url({reinterpret_cast<const char*>(bits.data()), bits.size()});
}

std::string link_path(std::string_view token) {
  return "/d/" + std::string(token);
}

std::size_t LinkSnapshot::Hash::operator()(const Digest256& digest) const noexcept {
  std::size_t h;
  std::memcpy(&h, digest.data() + 8, sizeof h);  // evenly spread as it is; the first byte chose the shard
  return h;
}

std::shared_ptr<const Link> LinkSnapshot::find(const Digest256& token) const {
  const auto& shard = shards_[token[0] % shards_.size()];
  if (!shard) return nullptr;
  const auto found = shard->find(token);
  return found == shard->end() ? nullptr : found->second;
}

Result<Link> Links::create_in(Tx& tx, const NewLink& wanted, const LinksLimits& limits) {
  const auto digest = digest_of(wanted.token);
  RESTANTE_REQUIRE(digest.has_value());
  if (auto good = check(wanted, limits); !good) return fail(std::move(good.error()));
  auto& records = tx.repo<LinkRecords>();
  auto same = records.find_by_token(*digest);
  if (!same) return fail(std::move(same.error()));
  if (*same) {
    const bool ours = (*same)->account == wanted.account && (*same)->file == wanted.target.file;
    if (!ours) return fail(Reason::conflict, "another link has this token");
    return std::move(**same);
  }
  auto end = natural_end(tx, wanted, limits);
  if (!end) return fail(std::move(end.error()));
  const auto count = records.count(wanted.account);
  if (!count) return fail(count.error());
  if (*count >= limits.links_per_account)
    return fail(Reason::conflict, "this account has as many links as it may have",
                "revoke some that are not needed any more");
  Link link;
  random_bytes(link.id.bytes.data(), link.id.bytes.size());
  link.account = wanted.account;
  link.file = wanted.target.file;
  if (!link.file) link.folder = wanted.target.folder;
  link.token_digest = *digest;
  link.created = wanted.now;
  if (wanted.terms.end == LinkTerms::End::as_kept) link.expires = *end;
  if (wanted.terms.end == LinkTerms::End::at) link.expires = wanted.terms.expires;
  link.password_hash = wanted.terms.password_hash;
  link.login = wanted.terms.login;
  link.most_uses = wanted.terms.most_uses;
  if (auto done = records.insert(link); !done) return fail(std::move(done.error()));
  return link;
}

/// The one implementation; its place is the store behind `Database`.
class LinksInStore final : public Links {
public:
  LinksInStore(Executor loop, Database& database, const Clock& clock, LinksLimits limits)
      : loop_(std::move(loop)), database_(database), clock_(clock), limits_(limits), woken_(loop_) {}

  Task<Result<CreatedLink>> create(AccountId account, LinkTarget target, LinkTerms terms) override {
    NewLink wanted;
    wanted.account = account;
    wanted.target = std::move(target);
    wanted.terms = std::move(terms);
    wanted.token = new_link_token();
    wanted.now = clock_.now();
    std::function<Result<Link>(Tx&)> work = [wanted, limits = limits_](Tx& tx) {
      return create_in(tx, wanted, limits);
    };
    auto link = co_await database_.write_value<Link>(work);
    if (!link) co_return fail(std::move(link.error()));
    remember(*link);
    co_return CreatedLink{std::move(*link), wanted.token};
  }

  Task<Result<std::vector<ListedLink>>> list(AccountId account) override {
    std::function<Result<std::vector<ListedLink>>(Tx&)> ask =
        [account, now = clock_.now()](Tx& tx) -> Result<std::vector<ListedLink>> {
      auto links = tx.repo<LinkRecords>().list(account);
      if (!links) return fail(std::move(links.error()));
      std::vector<ListedLink> out;
      for (auto& link : *links) {
        if (is_over(link, now)) continue;
        auto one = named(tx, std::move(link));
        if (one)
          out.push_back(std::move(*one));
        else if (one.error().reason != Reason::not_found)
          return fail(std::move(one.error()));
      }
      return out;
    };
    co_return co_await database_.read_value<std::vector<ListedLink>>(ask);
  }

  Task<Result<ListedLink>> find(AccountId account, LinkId id) override {
    std::function<Result<ListedLink>(Tx&)> ask = [account, id,
                                                  now = clock_.now()](Tx& tx) -> Result<ListedLink> {
      auto link = tx.repo<LinkRecords>().find(id);
      if (!link) return fail(std::move(link.error()));
      if (!*link || (*link)->account != account || is_over(**link, now)) return no_such_link();
      return named(tx, std::move(**link));
    };
    co_return co_await database_.read_value<ListedLink>(ask);
  }

  Task<Result<void>> revoke(AccountId account, LinkId id) override {
    std::function<Result<bool>(Tx&)> work = [account, id](Tx& tx) {
      return tx.repo<LinkRecords>().remove(account, id);
    };
    const auto removed = co_await database_.write_value<bool>(work);
    if (!removed) co_return fail(removed.error());
    if (!*removed) co_return no_such_link();
    forget(id);
    co_return Result<void>();
  }

  Task<Result<void>> folder_moved(AccountId account, std::string from, std::string to) override {
    Database::Work work = [account, from, to](Tx& tx) {
      return tx.repo<LinkRecords>().move_folder(account, from, to);
    };
    auto done = co_await database_.write(std::move(work));
    if (!done) co_return done;
    // What is known of these is read again when it is asked for.
    std::vector<LinkId> moved;
    for (const auto& [id, digest] : known_) {
      const auto link = snapshot_of_loop().find(digest);
      if (link && link->account == account && !link->file) moved.push_back(id);
    }
    for (const LinkId id : moved) forget(id);
    co_return done;
  }

  Task<Result<std::shared_ptr<const Link>>> open(std::string token) override {
    const auto digest = digest_of(token);
    if (!digest) co_return no_such_link();
    std::shared_ptr<const Link> known = std::atomic_load(&snapshot_)->find(*digest);
    if (!known) {
      auto task = look_up(*digest);
      auto found = co_await run_there(loop_, std::move(task));
      if (!found) co_return fail(std::move(found.error()));
      known = std::move(*found);
    }
    if (!known || is_over(*known, clock_.now())) co_return no_such_link();
    co_return known;
  }

  bool holds(const Link& link) const override {
    const auto known = std::atomic_load(&snapshot_)->find(link.token_digest);
    return known && known->id == link.id && !is_over(*known, clock_.now());
  }

  Task<Result<void>> use(std::shared_ptr<const Link> link) override {
    auto task = use_here(std::move(link));
    co_return co_await run_there(loop_, std::move(task));
  }

  Task<Result<FileId>> file_named(AccountId account, std::string name) override {
    std::function<Result<FileId>(Tx&)> ask = [account, name](Tx& tx) -> Result<FileId> {
      auto file = tx.repo<FileRecords>().find_by_name(account, name);
      if (!file) return fail(std::move(file.error()));
      if (!*file) return fail(Reason::not_found, "there is no such file");
      return (*file)->id;
    };
    auto task = database_.read_value<FileId>(ask);
    co_return co_await run_there(loop_, std::move(task));
  }

  Task<void> housekeeping() override {
    for (;;) {
      auto done = co_await sweep();
      if (!done) log::error("links: {}", done.error().message);
      co_await woken_.wait_for(limits_.housekeeping);
    }
  }

private:
  const LinkSnapshot& snapshot_of_loop() const { return *snapshot_; }

  /// Nothing removed is remembered again: a read that a removal overtook is made anew.
  Task<Result<std::shared_ptr<const Link>>> look_up(Digest256 digest) {
    for (;;) {
      const std::uint64_t before = removals_;
      std::function<Result<std::optional<Link>>(Tx&)> ask = [digest](Tx& tx) {
        return tx.repo<LinkRecords>().find_by_token(digest);
      };
      auto link = co_await database_.read_value<std::optional<Link>>(ask);
      if (!link) co_return fail(std::move(link.error()));
      if (before != removals_) continue;
      if (!*link) co_return std::shared_ptr<const Link>();
      co_return remember(**link);
    }
  }

  Task<Result<void>> use_here(std::shared_ptr<const Link> link) {
    std::function<Result<bool>(Tx&)> work = [id = link->id](Tx& tx) {
      return tx.repo<LinkRecords>().use(id);
    };
    const auto used = co_await database_.write_value<bool>(work);
    if (!used) co_return fail(used.error());
    if (!*used) co_return no_such_link();
    if (const auto now = snapshot_of_loop().find(link->token_digest)) {
      Link changed = *now;
      ++changed.uses;
      remember(changed);
    }
    co_return Result<void>();
  }

  std::shared_ptr<const Link> remember(const Link& link) {
    auto entry = std::make_shared<const Link>(link);
    known_[link.id] = link.token_digest;
    change(link.token_digest, entry);
    return entry;
  }

  void forget(LinkId id) {
    ++removals_;
    const auto found = known_.find(id);
    if (found == known_.end()) return;
    change(found->second, nullptr);
    known_.erase(found);
  }

  /// Another snapshot, in which the entry of this token is another one, or none.
  void change(const Digest256& token, std::shared_ptr<const Link> entry) {
    auto next = std::make_shared<LinkSnapshot>(*snapshot_);
    auto& place = next->shards_[token[0] % next->shards_.size()];
    auto shard =
        place ? std::make_shared<LinkSnapshot::Shard>(*place) : std::make_shared<LinkSnapshot::Shard>();
    if (entry)
      (*shard)[token] = std::move(entry);
    else
      shard->erase(token);
    place = std::move(shard);
    std::atomic_store(&snapshot_, std::shared_ptr<const LinkSnapshot>(std::move(next)));
  }

  /// Rows that are over are removed; links that went with their account or file are forgotten.
  Task<Result<void>> sweep() {
    std::vector<LinkId> known;
    for (const auto& [id, digest] : known_) known.push_back(id);
    std::function<Result<std::vector<LinkId>>(Tx&)> work =
        [now = clock_.now()](Tx& tx) -> Result<std::vector<LinkId>> {
      auto& records = tx.repo<LinkRecords>();
      if (auto done = records.sweep(now); !done) return fail(std::move(done.error()));
      return records.ids();
    };
    auto left = co_await database_.write_value<std::vector<LinkId>>(work);
    if (!left) co_return fail(std::move(left.error()));
    const std::set<LinkId> alive(left->begin(), left->end());
    for (const LinkId id : known)
      if (!alive.contains(id)) forget(id);
    co_return Result<void>();
  }

  Executor loop_;
  Database& database_;
  const Clock& clock_;
  const LinksLimits limits_;
  Signal woken_;
  std::uint64_t removals_ = 0;
  std::unordered_map<LinkId, Digest256> known_;  ///< what the snapshot holds
  std::shared_ptr<const LinkSnapshot> snapshot_ =
      std::make_shared<const LinkSnapshot>();  ///< std::atomic_load
};

std::unique_ptr<Links> make_links(Executor loop, Database& database, const Clock& clock, LinksLimits limits) {
  return std::make_unique<LinksInStore>(std::move(loop), database, clock, limits);
}

}  // namespace restante::files
