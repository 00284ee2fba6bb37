// SPDX-License-Identifier: Apache-2.0
#include "api/backup.hpp"

#include "base/crypto.hpp"
#include "base/fd.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::api {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "restante-backup-1\n";
constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t min_passphrase = 8;
constexpr std::size_t seal_bytes = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t stream_header_bytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr std::size_t salt_bytes = crypto_pwhash_SALTBYTES;
constexpr std::uint64_t most_operations = 16,
                        most_memory = 1ull << 30;  // a file must not exhaust the machine
constexpr std::array<std::string_view, 5> known_files{"restante.db", "restante.toml", "keys/master.key",
                                                      "keys/identity.pem", "keys/ca.pem"};

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t get_number(std::string_view in) {
  std::uint64_t value = 0;
  for (char c : in) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

Result<void> write_all(int fd, std::string_view data, const std::string& path) {
  while (!data.empty()) {
    const auto written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(Reason::storage, "write " + path, errno);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Up to `size` bytes; fewer only at the end of the file.
Result<std::string> read_up_to(int fd, std::size_t size, const std::string& path) {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const auto got = ::read(fd, out.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(Reason::storage, "read " + path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

/// The key of a stream; wiped when it goes.
struct Key {
  unsigned char bytes[crypto_secretstream_xchacha20poly1305_KEYBYTES] = {};
  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { sodium_memzero(bytes, sizeof bytes); }
};

Result<void> derive(Key& key, std::string_view passphrase, std::string_view salt, std::uint64_t operations,
                    std::uint64_t memory) {
  if (crypto_pwhash(key.bytes, sizeof key.bytes, passphrase.data(), passphrase.size(), bytes_of(salt),
                    operations, memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(Reason::storage,
                fmt::format("there are not {} MiB of memory to derive the key", memory >> 20),
                "end other programs, then try again");
  return {};
}

/// Gathers plain bytes and writes them sealed, piece by piece.
class Sealer {
public:
  Sealer(int fd, std::string path, const Key& key) : fd_(fd), path_(std::move(path)) {
    header_.resize(stream_header_bytes);
    crypto_secretstream_xchacha20poly1305_init_push(&state_, bytes_of(header_), key.bytes);
  }

  /// `head` is sealed with an empty first piece, which tells a wrong passphrase from damage further on.
  Result<void> begin(std::string head) {
    head_ = std::move(head) + header_;
    if (auto done = write_all(fd_, head_, path_); !done) return done;
    return flush(crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
  }

  Result<void> add(std::string_view plain) {
    while (!plain.empty()) {
      if (buffer_.size() == piece_bytes)
        if (auto done = flush(crypto_secretstream_xchacha20poly1305_TAG_MESSAGE); !done) return done;
      const auto take = plain.substr(0, piece_bytes - buffer_.size());
      buffer_ += take;
      plain.remove_prefix(take.size());
    }
    return {};
  }

  Result<void> finish() { return flush(crypto_secretstream_xchacha20poly1305_TAG_FINAL); }

private:
  Result<void> flush(unsigned char tag) {
    std::string sealed(buffer_.size() + seal_bytes, '\0');
    crypto_secretstream_xchacha20poly1305_push(&state_, bytes_of(sealed), nullptr, bytes_of(buffer_),
                                               buffer_.size(), bytes_of(head_), head_.size(), tag);
    head_.clear();
    sodium_memzero(buffer_.data(), buffer_.size());
    buffer_.clear();
    return write_all(fd_, sealed, path_);
  }

  int fd_;
  std::string path_, header_, head_, buffer_;
  crypto_secretstream_xchacha20poly1305_state state_{};
};

/// Gives plain bytes from sealed pieces.
class Opener {
public:
  Opener(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<void> begin(std::string_view passphrase) {
    auto head = read_up_to(fd_, magic.size() + salt_bytes + 16 + stream_header_bytes, path_);
    if (!head) return fail(head.error());
    head_ = std::move(*head);
    if (!std::string_view(head_).starts_with(magic))
      return fail(Reason::malformed, path_ + " is not a backup of Restante",
                  "give the file that `restanted backup` wrote");
    if (head_.size() != magic.size() + salt_bytes + 16 + stream_header_bytes) return damaged();
    const std::string_view rest = std::string_view(head_).substr(magic.size());
    const auto operations = get_number(rest.substr(salt_bytes, 8));
    const auto memory = get_number(rest.substr(salt_bytes + 8, 8));
    if (operations < 1 || operations > most_operations || memory < (1u << 13) || memory > most_memory)
      return damaged();
    Key key;
    if (auto done = derive(key, passphrase, rest.substr(0, salt_bytes), operations, memory); !done)
      return done;
    if (crypto_secretstream_xchacha20poly1305_init_pull(&state_, bytes_of(rest.substr(salt_bytes + 16)),
                                                        key.bytes) != 0)
      return damaged();
    unsigned char tag = 0;
    auto seal = read_up_to(fd_, seal_bytes, path_);
    if (!seal) return fail(seal.error());
    if (seal->size() != seal_bytes) return damaged();
    if (crypto_secretstream_xchacha20poly1305_pull(&state_, nullptr, nullptr, &tag, bytes_of(*seal),
                                                   seal->size(), bytes_of(head_), head_.size()) != 0)
      return fail(Reason::unauthenticated,
                  "this is not the passphrase of " + path_ + " (or the file is damaged)",
                  "give the passphrase with which the backup was made");
    return {};
  }

  /// Exactly `size` bytes.
  Result<std::string> take(std::size_t size) {
    while (plain_.size() < size) {
      if (last_) return damaged();
      if (auto done = refill(); !done) return fail(done.error());
    }
    std::string out = plain_.substr(0, size);
    plain_.erase(0, size);
    return out;
  }

  Result<bool> at_end() {
    while (plain_.empty() && !last_)
      if (auto done = refill(); !done) return fail(done.error());
    return plain_.empty();
  }

private:
  tl::unexpected<Error> damaged() const {
    return fail(Reason::malformed, path_ + " is damaged or cut off", "use another copy of it");
  }

  Result<void> refill() {
    auto sealed = read_up_to(fd_, piece_bytes + seal_bytes, path_);
    if (!sealed) return fail(sealed.error());
    if (sealed->size() < seal_bytes) return damaged();
    std::string plain(sealed->size() - seal_bytes, '\0');
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&state_, bytes_of(plain), nullptr, &tag, bytes_of(*sealed),
                                                   sealed->size(), nullptr, 0) != 0)
      return damaged();
    last_ = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    plain_ += plain;
    return {};
  }

  int fd_;
  std::string path_, head_, plain_;
  bool last_ = false;
  crypto_secretstream_xchacha20poly1305_state state_{};
};

Result<void> add_file(Sealer& sealer, const BackupFile& file) {
  const UniqueFd in(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!in || ::fstat(in.get(), &status) != 0) return fail_errno(Reason::storage, "open " + file.path, errno);
  std::string head;
  put_number(head, file.name.size(), 2);
  head += file.name;
  put_number(head, static_cast<std::uint64_t>(status.st_size), 8);
  if (auto done = sealer.add(head); !done) return done;
  auto left = static_cast<std::uint64_t>(status.st_size);
  while (left > 0) {
    auto piece = read_up_to(in.get(), std::min<std::uint64_t>(left, piece_bytes), file.path);
    if (!piece) return fail(piece.error());
    if (piece->empty()) return fail(Reason::storage, file.path + " became shorter while it was read");
    if (auto done = sealer.add(*piece); !done) return done;
    left -= piece->size();
  }
  return {};
}

Result<void> write_sealed(int fd, const std::string& path, std::string_view passphrase,
                          const std::vector<BackupFile>& files) {
  std::string head(magic);
  const std::string salt = random_string(salt_bytes);
  head += salt;
  put_number(head, crypto_pwhash_OPSLIMIT_MODERATE, 8);
  put_number(head, crypto_pwhash_MEMLIMIT_MODERATE, 8);
  Key key;
  if (auto done =
          derive(key, passphrase, salt, crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE);
      !done)
    return done;
  Sealer sealer(fd, path, key);
  if (auto done = sealer.begin(head); !done) return done;
  for (const auto& file : files)
    if (auto done = add_file(sealer, file); !done) return done;
  if (auto done = sealer.finish(); !done) return done;
  if (::fsync(fd) != 0) return fail_errno(Reason::storage, "sync " + path, errno);
  return {};
}

/// The store, the configuration and the keys: of those that requests are sealed with, one file each, named by
/// a number.
bool is_known(std::string_view name) {
  if (std::find(known_files.begin(), known_files.end(), name) != known_files.end()) return true;
  constexpr std::string_view folder = "keys/encryption/", suffix = ".pem";
  if (!name.starts_with(folder) || !name.ends_with(suffix)) return false;
  name.remove_prefix(folder.size());
  name.remove_suffix(suffix.size());
  return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

Result<void> extract_one(Opener& opener, const std::string& folder) {
  auto name_size = opener.take(2);
  if (!name_size) return fail(name_size.error());
  auto name = opener.take(get_number(*name_size));
  if (!name) return fail(name.error());
  auto size = opener.take(8);
  if (!size) return fail(size.error());
  if (!is_known(*name))
    return fail(Reason::unsupported_version, "the backup holds something that this program does not know",
                "restore it with the version that made it, or a newer one");
  const std::string path = folder + "/" + *name;
  const UniqueFd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return fail_errno(Reason::storage, "create " + path, errno);
  for (auto left = get_number(*size); left > 0;) {
    auto piece = opener.take(std::min<std::uint64_t>(left, piece_bytes));
    if (!piece) return fail(piece.error());
    if (auto done = write_all(out.get(), *piece, path); !done) return done;
    left -= piece->size();
  }
  if (::fsync(out.get()) != 0) return fail_errno(Reason::storage, "sync " + path, errno);
  return {};
}

Result<void> extract(int fd, const std::string& path, std::string_view passphrase,
                     const std::string& folder) {
  Opener opener(fd, path);
  if (auto done = opener.begin(passphrase); !done) return done;
  for (const char* made : {"/keys", "/keys/encryption"})
    if (::mkdir((folder + made).c_str(), 0700) != 0)
      return fail_errno(Reason::storage, "make " + folder + made, errno);
  for (;;) {
    auto end = opener.at_end();
    if (!end) return fail(end.error());
    if (*end) break;
    if (auto done = extract_one(opener, folder); !done) return done;
  }
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return fail_errno(Reason::storage, "sync " + folder, errno);
  return {};
}

}  // namespace

Result<void> write_backup(const std::string& path, std::string_view passphrase,
                          const std::vector<BackupFile>& files) {
  RESTANTE_REQUIRE(sodium_init() >= 0);
  if (passphrase.size() < min_passphrase)
    return fail(Reason::invalid,
                "a backup needs a passphrase of at least " + std::to_string(min_passphrase) +
                    " characters: it holds the keys",
                "give it as the first line of stdin");
  const UniqueFd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out && errno == EEXIST)
    return fail(Reason::conflict, path + " exists already", "choose another name; nothing is overwritten");
  if (!out) return fail_errno(Reason::storage, "create " + path, errno, "choose a place where you may write");
  auto written = write_sealed(out.get(), path, passphrase, files);
  if (!written) ::unlink(path.c_str());
  return written;
}

Result<void> read_backup(const std::string& path, std::string_view passphrase, const std::string& folder) {
  RESTANTE_REQUIRE(sodium_init() >= 0);
  const UniqueFd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in)
    return fail_errno(Reason::storage, "open " + path, errno, "give the file that `restanted backup` wrote");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(Reason::storage, "make " + folder, errno,
                      "choose a place where you may write: --data DIR");
  std::error_code error;
  const std::string beside = folder + "/.restoring";
  fs::remove_all(beside, error);
  if (!fs::is_empty(folder, error))
    return fail(Reason::conflict, folder + " is not an empty folder", "restore into another one: --data DIR");
  // Unpacked aside first: all of it comes to its place, or nothing.
  if (::mkdir(beside.c_str(), 0700) != 0)
    return fail_errno(Reason::storage, "make " + beside, errno,
                      "choose a place where you may write: --data DIR");
  auto done = extract(in.get(), path, passphrase, beside);
  for (const char* name :
       {"keys", "restante.toml", "restante.db"}) {  // the database last: with it all is there
    const std::string from = beside + "/" + name, to = folder + "/" + name;
    if (done && ::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
      done = fail_errno(Reason::storage, "move " + from, errno);
  }
  fs::remove_all(beside, error);
  return done;
}

}  // namespace restante::api
