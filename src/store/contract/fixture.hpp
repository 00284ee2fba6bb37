// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/test_support.hpp"

namespace restante::store::test {

/// Every backend passes these tests. `Backend` is default-constructible, makes an empty store of its own, and
/// `open()` opens it, again after it was closed.
template <class Backend>
class StoreContract : public testing::Test {
protected:
  void reopen() {
    store_->close();
    store_.reset();
    store_ = backend_.open();
  }

  template <class T>
  T get(std::function<Result<T>(Tx&)> work) {
    return test::get<T>(*store_, std::move(work));
  }
  template <class T>
  T put(std::function<Result<T>(Tx&)> work) {
    return test::put<T>(*store_, std::move(work));
  }
  Result<void> write(Work work) { return test::write(*store_, std::move(work)); }

  void insert(const jobs::Job& job) {
    ASSERT_TRUE(put<bool>([&](Tx& tx) { return jobs_of(tx).insert(job); }));
  }
  std::optional<jobs::Job> find(JobId id) {
    return get<std::optional<jobs::Job>>([&](Tx& tx) { return jobs_of(tx).find(id); });
  }

  Backend backend_;
  std::unique_ptr<Store> store_ = backend_.open();
  AccountId ada_ = make_account(*store_, "ada");
  AccountId bob_ = make_account(*store_, "bob");
};

inline Instant at_ms(std::int64_t ms) {
  return Instant(Millis(ms));
}

}  // namespace restante::store::test
