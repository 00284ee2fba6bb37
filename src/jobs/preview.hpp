// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/context.hpp"

#include <map>
#include <memory>
#include <vector>

namespace restante::jobs {

/// Looks at what a document asks for before it is handed in: asks the content servers, headers only, within
/// one deadline for all files. Nothing is stored. Control loop.
class Previews {
public:
  explicit Previews(Context& context);

  /// One look for each of the first files (ServiceLimits::preview_files), in their order. A file that could
  /// not be looked at says why in its Probe. Errors: busy (too many looks of this account, or of all).
  Task<Result<std::vector<Probe>>> look(AccountId account, proxy::Document document);
  Task<void> stop();

private:
  struct Under;
  struct Turn;
  Task<void> look_at(std::shared_ptr<Under> under, std::size_t file);

  Context& context_;
  TaskGroup tasks_;
  std::map<AccountId, int> under_way_;
  int all_under_way_ = 0;
};

}  // namespace restante::jobs
