// SPDX-License-Identifier: Apache-2.0
#include "request/fetch.hpp"

#include "base/crypto.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "request/outbox.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace restante::request {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return out;
}

/// RFC 9110 §14.4: "bytes 5-9/10".
struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> size;
};
std::optional<ContentRange> read_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const auto first = number(text);
  const auto slash = text.find('/');
  if (!first || slash == text.npos) return std::nullopt;
  return ContentRange{*first, number(text.substr(slash + 1))};
}

/// RFC 9530: the SHA-256 of `Repr-Digest: sha-256=:BASE64:`, raw bytes.
std::optional<std::string> read_digest(std::string_view text) {
  constexpr std::string_view mark = "sha-256=:";
  const auto at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  return from_base64(text.substr(0, text.find(':')));
}

/// Where bytes go. `restart` forgets what is there (false: impossible).
class Sink {
public:
  virtual ~Sink() = default;
  virtual bool write(std::string_view piece) = 0;  ///< errno says why not
  virtual bool restart() = 0;
};

class FdSink : public Sink {
public:
  explicit FdSink(int fd) : fd_(fd) {}
  bool write(std::string_view piece) override {
    while (!piece.empty()) {
      const ssize_t put = ::write(fd_, piece.data(), piece.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return false;
      piece.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  bool restart() override { return false; }

protected:
  int fd_;
};

class FileSink final : public FdSink {
public:
  using FdSink::FdSink;
  bool restart() override { return ::ftruncate(fd_, 0) == 0 && ::lseek(fd_, 0, SEEK_SET) == 0; }
};

/// One file on its way, over as many connections as it takes.
class Download {
public:
  Download(Calls& calls, std::string file_id, Sink& sink, FetchLimits limits,
           std::function<void(std::uint64_t, std::optional<std::uint64_t>)> progress)
      : calls_(calls),
        path_("/v1/files/" + std::move(file_id)),
        sink_(sink),
        limits_(limits),
        progress_(std::move(progress)) {}

  /// Bytes that are there already, of the version `etag`.
  void resume(std::uint64_t have, Hasher hasher, std::string etag) {
    have_ = resumed_ = have;
    hasher_ = std::move(hasher);
    etag_ = std::move(etag);
  }
  /// Told when the version that arrives is known, before its first byte.
  std::function<Result<void>(const std::string& etag)> on_version;

  Result<Fetched> run() {
    for (int idle = 0;;) {
      const std::uint64_t before = have_;
      auto done = connect_once();
      if (fault_) return fail(std::move(*fault_));
      if (done && (!size_ || have_ == *size_)) return finish();
      if (!done && !done.error().transient) return fail(std::move(done.error()));
      idle = have_ > before ? 0 : idle + 1;
      if (idle >= limits_.cuts_without_progress)
        return fail(done ? fail(Reason::incomplete, "the place ends the transfer too early").value()
                         : done.error());
      std::this_thread::sleep_for(limits_.pause);
    }
  }

private:
  Result<void> connect_once() {
    net::ClientRequest request;
    if (have_ > 0 && !etag_.empty()) {
      request.headers.emplace_back("Range", "bytes=" + std::to_string(have_) + "-");
      request.headers.emplace_back("If-Range", etag_);
    }
    request.on_head = [&](int status, const auto& headers) { head(status, headers); };
    request.on_body = [&](std::string_view piece) { return body(piece); };
    auto answer = calls_.stream(path_, std::move(request));
    if (answer) return {};
    // Everything was there already: nothing lies behind the last byte.
    if (answer.error().reason == Reason::range && have_ > 0) {
      restart();
      return fail(Reason::source_changed, "the file at the place is another one now");
    }
    return fail(std::move(answer.error()));
  }

  void head(int status, const std::vector<std::pair<std::string, std::string>>& headers) {
    net::ClientResponse response;
    response.headers = headers;
    const std::string etag(response.header("ETag"));
    if (auto digest = read_digest(response.header("Repr-Digest"))) digest_ = std::move(*digest);
    if (status == 206) {
      const auto range = read_content_range(response.header("Content-Range"));
      if (!range || range->first != have_)
        return stop(fail(Reason::malformed, "the place sent another part than was asked for").value());
      size_ = range->size;
    } else {
      if (have_ > 0) restart();
      size_ = number(response.header("Content-Length"));
    }
    if (etag != etag_ || status != 206) {
      etag_ = etag;
      if (on_version)
        if (auto kept = on_version(etag_); !kept) stop(std::move(kept.error()));
    }
    if (progress_) progress_(have_, size_);
  }

  bool body(std::string_view piece) {
    if (fault_) return false;
    if (size_ && piece.size() > *size_ - have_) {
      stop(fail(Reason::excess, "the place sent more than it announced").value());
      return false;
    }
    if (!sink_.write(piece)) {
      stop(fail_errno(Reason::storage, "write", errno).value());
      return false;
    }
    hasher_.update(piece.data(), piece.size());
    have_ += piece.size();
    if (progress_) progress_(have_, size_);
    return true;
  }

  void restart() {
    if (!sink_.restart())
      return stop(fail(Reason::source_changed, "the file changed at the place while it was taken",
                       "take it again from the beginning")
                      .value());
    have_ = resumed_ = 0;
    hasher_ = Hasher("SHA256");
    digest_.clear();
  }

  void stop(Error error) {
    if (!fault_) fault_ = std::move(error);
  }

  Result<Fetched> finish() {
    const std::string raw = hasher_.finish();
    Fetched out;
    out.size_bytes = have_;
    out.resumed_at = resumed_;
    out.sha256 = to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
    out.proven = !digest_.empty();
    if (out.proven && digest_ != raw)
      return fail(Reason::digest_mismatch, "the bytes that arrived are not the bytes at the place",
                  "take it again; if it stays so, the disk here or there is at fault");
    return out;
  }

  Calls& calls_;
  std::string path_;
  Sink& sink_;
  FetchLimits limits_;
  std::function<void(std::uint64_t, std::optional<std::uint64_t>)> progress_;
  std::uint64_t have_ = 0, resumed_ = 0;
  std::optional<std::uint64_t> size_;
  std::string etag_, digest_;
  Hasher hasher_{"SHA256"};
  std::optional<Error> fault_;
};

/// The folder that a file is to lie in, and the file's name there. The way to the folder is the person's own,
/// so links in it are followed; below it nothing is.
struct Target {
  UniqueFd folder;
  std::string name;
};
Result<Target> open_target(const std::string& path) {
  const auto slash = path.rfind('/');
  Target out;
  out.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (out.name.empty() || out.name == "." || out.name == "..")
    return fail(Reason::usage, path + " is not a file's name", "give a file's name with -o");
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  out.folder.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!out.folder)
    return fail_errno(Reason::storage, "write " + path + ".part", errno,
                      "choose a folder that can be written to, with -o");
  return out;
}

/// A file of ours with no other name. What somebody else may have put there, in a folder that many may write
/// to, is neither followed nor waited for.
UniqueFd open_own(int folder, const std::string& name, int flags, mode_t mode = 0) {
  UniqueFd fd(::openat(folder, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode));
  struct stat is{};
  if (!fd || (::fstat(fd.get(), &is) == 0 && S_ISREG(is.st_mode) && is.st_nlink == 1)) return fd;
  errno = EEXIST;
  return {};
}

std::string read_small(int folder, const std::string& name) {
  const UniqueFd file = open_own(folder, name, O_RDONLY);
  char buffer[512];
  const ssize_t got = file ? ::read(file.get(), buffer, sizeof buffer) : -1;
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

Result<void> write_small(int folder, const std::string& name, std::string_view text) {
  ::unlinkat(folder, name.c_str(), 0);
  const UniqueFd file = open_own(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno(Reason::storage, "write " + name, errno);
  return {};
}

/// Hashes what an earlier run left; nullopt: it cannot be read.
std::optional<Hasher> hash_existing(int fd, std::uint64_t& size) {
  Hasher hasher("SHA256");
  std::string buffer(1u << 20, '\0');
  size = 0;
  if (::lseek(fd, 0, SEEK_SET) != 0) return std::nullopt;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return hasher;
    hasher.update(buffer.data(), static_cast<std::size_t>(got));
    size += static_cast<std::uint64_t>(got);
  }
}

tl::unexpected<Error> exists(const std::string& path) {
  return fail(Reason::in_use, path + " exists already", "choose another name with -o, or replace it with -f");
}

}  // namespace

Result<Fetched> fetch_file(Calls& calls, const Fetch& fetch) {
  const bool replace = fetch.existing == Fetch::Existing::replaced;
  auto target = open_target(fetch.path);
  if (!target) return fail(std::move(target.error()));
  const int folder = target->folder.get();
  const std::string& name = target->name;
  struct stat found{};
  if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!replace) return exists(fetch.path);
    if (S_ISDIR(found.st_mode))
      return fail(Reason::in_use, fetch.path + " is a folder", "give a file's name with -o");
  }
  const std::string part = fetch.path + ".part", part_name = name + ".part", etag_name = part_name + ".etag";
  const UniqueFd file = open_own(folder, part_name, O_RDWR | O_CREAT, 0666);
  if (!file && (errno == ELOOP || errno == EEXIST))
    return fail(Reason::in_use, part + " is not a file that restante wrote",
                "remove it, or choose another name with -o");
  if (!file)
    return fail_errno(Reason::storage, "write " + part, errno,
                      "choose a folder that can be written to, with -o");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Reason::in_use, part + " is being written by another process",
                "wait for it, or choose another name");

  FileSink sink(file.get());
  Download download(calls, fetch.file_id, sink, fetch.limits, fetch.progress);
  std::uint64_t have = 0;
  std::string etag = read_small(folder, etag_name);
  auto hasher = hash_existing(file.get(), have);
  if (hasher && have > 0 && !etag.empty())
    download.resume(have, std::move(*hasher), std::move(etag));
  else if (!sink.restart())
    return fail_errno(Reason::storage, "empty " + part, errno);
  download.on_version = [&](const std::string& version) { return write_small(folder, etag_name, version); };

  auto done = download.run();
  if (!done) {
    const Reason reason = done.error().reason;
    const bool empty = have == 0 && ::lseek(file.get(), 0, SEEK_END) == 0;
    if (empty || reason == Reason::digest_mismatch || reason == Reason::excess) {  // nothing worth keeping
      ::unlinkat(folder, part_name.c_str(), 0);
      ::unlinkat(folder, etag_name.c_str(), 0);
    } else if (is_unreached(done.error()) || reason == Reason::incomplete) {
      done.error().hint = "what has arrived is kept: the same command goes on where it stopped";
    }
    if (reason == Reason::storage || reason == Reason::disk_full)
      done.error().message = part + ": " + done.error().message;
    return done;
  }
  if (::fsync(file.get()) != 0) return fail_errno(Reason::storage, "sync " + part, errno);
  const char *from = part_name.c_str(), *to = name.c_str();
  if (::renameat2(folder, from, folder, to, replace ? 0 : RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return exists(fetch.path);
    const bool unknown = errno == EINVAL || errno == ENOSYS;
    if (!unknown || (!replace && ::linkat(folder, from, folder, to, 0) != 0) ||
        (replace && ::renameat(folder, from, folder, to) != 0))
      return fail_errno(Reason::storage, "rename " + part, errno);
    if (!replace) ::unlinkat(folder, from, 0);
  }
  ::unlinkat(folder, etag_name.c_str(), 0);
  ::fsync(folder);
  return done;
}

Result<Fetched> fetch_to(Calls& calls, const std::string& file_id, int fd, FetchLimits limits) {
  FdSink sink(fd);
  return Download(calls, file_id, sink, limits, {}).run();
}

}  // namespace restante::request
