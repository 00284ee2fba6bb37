// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "files/areas_on_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace restante::files {

namespace {

/// OpenSSL's name for an algorithm as proxies name it.
const char* openssl_name(std::string_view algorithm) {
  const std::string lower = ascii_lower(algorithm);
  if (lower == "sha-256" || lower == "sha256") return "SHA256";
  if (lower == "sha-512" || lower == "sha512") return "SHA512";
  if (lower == "sha" || lower == "sha-1" || lower == "sha1") return "SHA1";
  if (lower == "md5") return "MD5";
  return nullptr;
}

}  // namespace

Result<UniqueFd> AreasOnDisk::incoming_folder(AccountId account) const {
  auto folder =
      ensure_folder(roots_.incoming.get(), std::to_string(account.value), own_folder, Taken::refuse);
  if (!folder && folder.error().reason == Reason::conflict)
    return fail(Reason::storage, folder.error().message, "the server's own folder must hold no links");
  if (!folder) return fail(std::move(folder.error()));
  return std::move(folder->handle);
}

/// A publication whose transaction failed (a full disk) after the rename: the file goes back to the partial
/// files. Otherwise it would be fetched again, and lie in the area twice.
Task<Result<void>> AreasOnDisk::take_back(JobId job, int file, int generation) {
  if (!may_have_intent(job, file)) co_return Result<void>();
  std::function<Result<std::vector<Intent>>(Tx&)> ask = [](Tx& tx) {
    return tx.repo<FileRecords>().intents();
  };
  auto intents = co_await database_.read_value<std::vector<Intent>>(ask);
  if (!intents) co_return fail(std::move(intents.error()));
  for (const Intent& intent : *intents) {
    if (intent.what.job != job || intent.what.file != file || intent.what.generation != generation) continue;
    auto move = [this, intent] { return move_back(intent); };
    co_return co_await offload(pool_, move);
  }
  co_return Result<void>();
}

Result<void> AreasOnDisk::move_back(const Intent& intent) const {
  auto found = look(intent);
  if (!found) return fail(std::move(found.error()));
  if (*found != Found::target) return {};
  auto root = area(intent.what.account);
  if (!root) return fail(std::move(root.error()));
  const auto [folder_path, last] = split_name(intent.chosen_name);
  auto folder = ensure_folder(root->get(), folder_path, options_.folders, Taken::refuse);
  if (!folder) return fail(std::move(folder.error()));
  auto incoming = incoming_folder(intent.what.account);
  if (!incoming) return fail(std::move(incoming.error()));
  const std::string partial = incoming_name(intent.what.job, intent.what.file, intent.what.generation);
  if (const int error = rename_no_replace(folder->handle.get(), last, incoming->get(), partial); error != 0)
    return fail_errno(Reason::storage, "take back a file that is not published yet", error);
  log::info("job {}: its file is not published yet and goes back to the partial files",
            intent.what.job.text());
  return {};
}

Task<Result<jobs::Incoming>> AreasOnDisk::open_incoming(AccountId account, JobId job, int file,
                                                        int generation) {
  auto back = co_await take_back(job, file, generation);
  if (!back) co_return fail(std::move(back.error()));
  if (const auto quota = options_.quota_bytes(account)) {
    std::function<Result<std::uint64_t>(Tx&)> ask = [account](Tx& tx) -> Result<std::uint64_t> {
      auto all = tx.repo<FileRecords>().used_bytes(account);
      if (!all) return all;
      auto deleted = tx.repo<TrashRecords>().used_bytes(account);  // goes when room is needed
      if (!deleted) return deleted;
      return *all - *deleted;
    };
    auto used = co_await database_.read_value<std::uint64_t>(ask);
    if (!used) co_return fail(std::move(used.error()));
    if (*used >= *quota)
      co_return fail(Reason::quota, "the account's space of " + human_size(*quota) + " is full");
  }
  auto work = [this, account, job, file, generation]() -> Result<jobs::Incoming> {
    auto folder = incoming_folder(account);
    if (!folder) return fail(std::move(folder.error()));
    const std::string name = incoming_name(job, file, generation);
    jobs::Incoming out;
    out.for_worker = open_beneath(folder->get(), name, O_RDWR | O_CREAT | O_NONBLOCK, 0600);
    if (out.for_worker) out.for_sync = open_beneath(folder->get(), name, O_RDWR | O_NONBLOCK);
    if (!out.for_sync) return fail_errno(Reason::storage, "open the partial file incoming/" + name, errno);
    FileFacts facts;
    if (const int error = file_facts(out.for_sync.get(), facts); error != 0 || !facts.regular)
      return fail_errno(Reason::storage, "read the partial file incoming/" + name,
                        error != 0 ? error : EINVAL);
    out.tells_holes = incoming_tells_holes_;
    return out;
  };
  co_return co_await offload(pool_, work);
}

Task<Result<void>> AreasOnDisk::sync_data(int fd) {
  auto work = [fd]() -> Result<void> {
    if (::fdatasync(fd) != 0) return fail_errno(Reason::storage, "sync a partial file", errno);
    return {};
  };
  co_return co_await offload(pool_, work);
}

Task<Result<void>> AreasOnDisk::discard_incoming(AccountId account, JobId job, int file, int generation) {
  auto back = co_await take_back(job, file, generation);
  if (!back) co_return back;
  auto work = [this, account, job, file, generation]() -> Result<void> {
    // Not made where missing: a transfer may end after its account was erased.
    const UniqueFd folder =
        open_beneath(roots_.incoming.get(), std::to_string(account.value), O_RDONLY | O_DIRECTORY);
    if (!folder && errno == ENOENT) return {};
    if (!folder) return fail_errno(Reason::storage, "open a folder of partial files", errno);
    const std::string name = incoming_name(job, file, generation);
    if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT)
      return fail_errno(Reason::storage, "remove the partial file incoming/" + name, errno);
    return {};
  };
  co_return co_await offload(pool_, work);
}

Task<Result<UniqueFd>> AreasOnDisk::open_arriving(AccountId account, JobId job, int file, int generation) {
  auto work = [this, account, job, file, generation]() -> Result<UniqueFd> {
    auto folder = incoming_folder(account);
    if (!folder) return fail(std::move(folder.error()));
    FileFacts facts;
    UniqueFd fd = open_regular(folder->get(), incoming_name(job, file, generation), facts);
    if (!fd && errno == ENOENT) return fail(Reason::not_found, "nothing has arrived yet");
    if (!fd) return fail_errno(Reason::storage, "open a partial file", errno);
    return fd;
  };
  co_return co_await offload(pool_, work);
}

Task<Result<std::string>> AreasOnDisk::digest_incoming(AccountId account, JobId job, int file, int generation,
                                                       std::string algorithm) {
  const char* name = openssl_name(algorithm);
  if (name == nullptr)
    co_return fail(Reason::cap_denied, "the checksum algorithm " + algorithm + " is not known");
  auto opened = co_await open_arriving(account, job, file, generation);
  if (!opened) co_return fail(std::move(opened.error()));
  auto work = [fd = opened->get(), name]() -> Result<std::string> {
    Hasher hasher(name);
    std::string piece(256u << 10, '\0');
    for (;;) {
      const ssize_t got = ::read(fd, piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(Reason::storage, "read a partial file", errno);
      if (got == 0) break;
      hasher.update(piece.data(), static_cast<std::size_t>(got));
    }
    const std::string raw = hasher.finish();
    return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
  };
  co_return co_await offload(pool_, work);
}

Task<Result<PieceReport>> AreasOnDisk::hash_pieces(int fd, std::uint64_t base, std::uint64_t first,
                                                   std::uint64_t end_bytes) {
  // A description of its own: the caller may be gone before a slow disk answers.
  auto file = std::make_shared<UniqueFd>(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  auto work = [file, base, first, end_bytes]() -> Result<PieceReport> {
    if (!*file) return fail_errno(Reason::storage, "read a partial file", EBADF);
    PieceHasher hasher(first);
    std::string buffer(256u << 10, '\0');
    while (hasher.end_bytes() < end_bytes) {
      const auto wanted = std::min<std::uint64_t>(buffer.size(), end_bytes - hasher.end_bytes());
      const auto at = static_cast<off_t>(base + hasher.end_bytes());
      const ssize_t got = ::pread(file->get(), buffer.data(), wanted, at);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(Reason::storage, "read a partial file", errno);
      if (got == 0) break;
      hasher.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    }
    return hasher.report();
  };
  co_return co_await offload(pool_, work);
}

}  // namespace restante::files
