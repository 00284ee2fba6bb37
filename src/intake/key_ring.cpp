// SPDX-License-Identifier: Apache-2.0
#include "intake/key_ring.hpp"

#include "base/crypto.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::intake {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".pem";
constexpr std::size_t largest_file = 4096;

/// The right to change, for as long as it lives.
class Turn {
public:
  explicit Turn(std::atomic_flag& flag) : flag_(flag), mine_(!flag.test_and_set()) {}
  ~Turn() {
    if (mine_) flag_.clear();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return mine_; }

private:
  std::atomic_flag& flag_;
  const bool mine_;
};

std::int64_t seconds_of(Instant at) {
  return std::chrono::floor<Seconds>(at).time_since_epoch().count();
}

std::string path_of(const std::string& folder, Instant made) {
  return fmt::format("{}/{}{}", folder, seconds_of(made), suffix);
}

/// The second in the name of a file of ours.
std::optional<Instant> made_of(std::string_view name) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  std::int64_t made = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), made);
  if (error != std::errc() || end != name.data() + name.size() || made <= 0) return std::nullopt;
  return Instant(Seconds(made));
}

tl::unexpected<Error> file_error(const std::string& what, const std::string& path) {
  return fail_errno(errno == ENOSPC ? Reason::disk_full : Reason::storage, what + " " + path, errno,
                    "see its owner, its mode and the disk; or put it back from a backup");
}

Result<Secret> read_file(const std::string& path) {
  const UniqueFd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!in) return file_error("cannot open", path);
  Secret out{std::string(largest_file, '\0')};
  const auto got = ::read(in.get(), out.text.data(), out.text.size());
  if (got < 0) return file_error("cannot read", path);
  out.text.resize(static_cast<std::size_t>(got));
  return out;
}

Result<void> sync_folder(const std::string& folder) {
  const UniqueFd handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle || ::fsync(handle.get()) != 0) return file_error("cannot sync", folder);
  return {};
}

/// All of it and synced, or nothing under that name.
Result<void> write_file(const std::string& folder, const std::string& path, std::string_view content) {
  const std::string beside = path + ".new";
  const UniqueFd out(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return file_error("cannot make", path);
  if (::write(out.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::fsync(out.get()) != 0 || ::rename(beside.c_str(), path.c_str()) != 0)
    return file_error("cannot write", path);
  return sync_folder(folder);
}

}  // namespace

Result<std::unique_ptr<KeyRing>> KeyRing::open(std::string folder, const proxy::PrivateKey& identity,
                                               Instant now, KeyTimes times) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error("cannot make the folder", folder);
  std::unique_ptr<KeyRing> ring(new KeyRing(std::move(folder), identity, times));
  if (auto read = ring->read(now); !read) return fail(std::move(read.error()));
  return ring;
}

Result<void> KeyRing::read(Instant now) {
  std::vector<Key> keys;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto made = made_of(entry.path().filename().string());
    if (!made) continue;
    auto pem = read_file(entry.path().string());
    if (!pem) return fail(std::move(pem.error()));
    auto key = proxy::PrivateKey::from_pem(pem->text);
    if (!key) {
      // What was sealed for it cannot be opened any more, and the others are as good as before.
      log::error("{} is damaged: {}; put it back from a backup", entry.path().string(), key.error().message);
      continue;
    }
    const std::string kid = key->public_key().thumbprint();
    keys.push_back({std::make_shared<const proxy::PrivateKey>(std::move(*key)), kid, *made});
  }
  if (error) {
    errno = error.value();
    return file_error("cannot read the folder", folder_);
  }
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.made > b.made; });
  if (keys.empty())
    if (auto added = add(keys, now); !added) return added;
  publish(std::move(keys), now);
  auto rotated = rotate(now);
  if (!rotated) return fail(std::move(rotated.error()));
  return {};
}

Result<void> KeyRing::add(std::vector<Key>& keys, Instant now) const {
  auto key = std::make_shared<const proxy::PrivateKey>(proxy::PrivateKey::generate());
  // Two keys never share a second, and the newest is the newest whatever the clock says.
  Instant made = std::chrono::floor<Seconds>(now);
  if (!keys.empty()) made = std::max(made, keys.front().made + Seconds(1));
  const Secret pem{key->pem()};
  if (auto written = write_file(folder_, path_of(folder_, made), pem.text); !written) return written;
  const std::string kid = key->public_key().thumbprint();
  keys.insert(keys.begin(), {std::move(key), kid, made});
  return {};
}

bool KeyRing::erase_old(std::vector<Key>& keys, Instant now) const {
  bool changed = false;
  // A key was replaced when the one before it in the list was made. The newest stays, whatever its age.
  while (keys.size() > 1) {
    const bool over = keys[keys.size() - 2].made + times_.kept <= now || keys.size() > times_.most_keys;
    if (!over) break;
    const std::string path = path_of(folder_, keys.back().made);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      log::warn("an old key cannot be erased: {}", path);
      break;
    }
    keys.pop_back();
    changed = true;
  }
  return changed;
}

Result<bool> KeyRing::rotate(Instant now) {
  const Turn turn(changing_);
  if (!turn) return false;
  std::vector<Key> keys = state()->keys;
  bool changed = false;
  if (keys.front().made + times_.renewed_after <= now) {
    if (auto added = add(keys, now); !added) return fail(std::move(added.error()));
    changed = true;
  }
  changed = erase_old(keys, now) || changed;
  if (changed) publish(std::move(keys), now);
  return changed;
}

Result<void> KeyRing::renew(Instant now) {
  const Turn turn(changing_);
  if (!turn) return fail(Reason::busy, "the keys are being changed already", "try again in a moment");
  std::vector<Key> keys = state()->keys;
  if (auto added = add(keys, now); !added) return added;
  erase_old(keys, now);
  publish(std::move(keys), now);
  return {};
}

void KeyRing::publish(std::vector<Key> keys, Instant now) {
  auto next = std::make_shared<State>();
  // Never older than the newest key, so that whoever has seen that one takes this set; and of this moment, so
  // that devices take it from a place that was restored, although they know keys that it lost.
  proxy::KeySet set{
      identity_.public_key().thumbprint(), std::max(seconds_of(now), seconds_of(keys.front().made)), {}};
  for (const auto& one : keys) set.keys.push_back(one.key->public_key());
  next->json = proxy::key_set_json(set);
  next->jws = proxy::sign_key_set(identity_, set);
  next->keys = std::move(keys);
  state_.store(std::move(next), std::memory_order_release);
}

std::shared_ptr<const proxy::PrivateKey> KeyRing::decryption_key(std::string_view kid) const {
  const auto now = state();
  for (const auto& one : now->keys)
    if (proxy::names_key(kid, one.kid)) return one.key;
  return nullptr;
}

std::string KeyRing::public_set() const {
  return state()->json;
}

std::string KeyRing::signed_set() const {
  return state()->jws;
}

Instant KeyRing::newest_made() const {
  return state()->keys.front().made;
}

}  // namespace restante::intake
