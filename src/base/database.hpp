// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"

#include <functional>
#include <optional>
#include <typeinfo>

namespace restante {

/// One transaction, valid only inside the function it was given to, on the store's thread. Modules declare
/// their own repositories (`jobs::JobRecords`, `files::FileRecords`, `accounts::AccountRecords`), which are
/// views over it.
class Tx {
public:
  virtual ~Tx() = default;

  template <class Repository>
  Repository& repo() {
    void* found = find(typeid(Repository));
    RESTANTE_REQUIRE(found != nullptr);
    return *static_cast<Repository*>(found);
  }

protected:
  /// The address of exactly the asked type (converted to void* from `Repository*`), or null.
  virtual void* find(const std::type_info& repository) = 0;
};

/// The durable store as the domain sees it. Called on the control loop; `work` runs on a store thread and
/// touches only what it was handed. Implemented by src/store.
class Database {
public:
  using Work = std::function<Result<void>(Tx&)>;

  virtual ~Database() = default;

  /// `shared`: nobody waits in front of a screen, so it may wait some milliseconds for others that come, to
  /// be synced together with them.
  enum class Commit { at_once, shared };

  /// Each `work` is all or nothing. It is durable (synced) when the result arrives. If `work` returns an
  /// error, only its own changes are undone. Errors: what `work` returns; storage, disk-full.
  virtual Task<Result<void>> write(Work work, Commit commit) = 0;
  Task<Result<void>> write(Work work) { return write(std::move(work), Commit::at_once); }

  /// A consistent snapshot that sees every write whose result has arrived. `work` changes nothing.
  virtual Task<Result<void>> read(Work work) = 0;

  template <class T>
  Task<Result<T>> write_value(std::function<Result<T>(Tx&)> work, Commit commit = Commit::at_once) {
    std::optional<T> out;
    Work keep = [&out, &work](Tx& tx) -> Result<void> { return store(work(tx), out); };
    auto done = co_await write(std::move(keep), commit);
    if (!done) co_return fail(std::move(done.error()));
    co_return std::move(*out);
  }

  template <class T>
  Task<Result<T>> read_value(std::function<Result<T>(Tx&)> work) {
    std::optional<T> out;
    Work keep = [&out, &work](Tx& tx) -> Result<void> { return store(work(tx), out); };
    auto done = co_await read(std::move(keep));
    if (!done) co_return fail(std::move(done.error()));
    co_return std::move(*out);
  }

private:
  template <class T>
  static Result<void> store(Result<T> result, std::optional<T>& out) {
    if (!result) return fail(std::move(result.error()));
    out.emplace(std::move(*result));
    return {};
  }
};

}  // namespace restante
