// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>

namespace restante::files {

/// The kernel's word that something changed in a folder of an area (inotify(7)); Walk adds the folders. Lives
/// on the control loop; where the kernel gives none, `descriptor` is -1 and nothing is ever told.
class Watch {
public:
  /// `changed`: of an account, or of all where the kernel lost count.
  using Changed = std::function<void(std::optional<AccountId>)>;

  Watch(Executor loop, Changed changed);
  ~Watch();

  int descriptor() const;
  /// From now on these are the watches of the account; others that it had are given up.
  void set(AccountId account, const std::set<int>& watches);
  std::size_t count() const;  ///< of all accounts
  std::size_t count_of(AccountId account) const;
  /// Tells at once what the kernel knows by now.
  void read_now();

private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace restante::files
