// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"

#include <deque>
#include <map>
#include <memory>

namespace restante::files {

/// Lets one task at a time work on an account's area, in the order in which they came. One loop; outlives its
/// passes.
class Gate {
public:
  /// The right to be inside; given back at the end of its life, on the loop.
  class Pass {
  public:
    Pass() = default;
    Pass(Gate* gate, AccountId account) : gate_(gate), account_(account) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), account_(other.account_) {}
    Pass& operator=(Pass&& other) noexcept;
    ~Pass();

  private:
    Gate* gate_ = nullptr;
    AccountId account_;
  };

  explicit Gate(Executor loop) : loop_(std::move(loop)) {}

  Task<Pass> enter(AccountId account);

private:
  struct Waiting {
    explicit Waiting(Executor loop) : called(std::move(loop)) {}
    Signal called;
    bool mine = false;  ///< the pass was handed on to it
  };
  struct Place;  ///< in the line; steps out of it when its task is cancelled

  void leave(AccountId account);

  Executor loop_;
  std::map<AccountId, std::deque<std::weak_ptr<Waiting>>> lines_;  ///< of those that somebody is inside for
};

}  // namespace restante::files
