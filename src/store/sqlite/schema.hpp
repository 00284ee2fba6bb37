// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "store/sqlite/connection.hpp"

#include <span>
#include <string>

namespace restante::store::sqlite {

/// "rstn": marks the file as Restante's (PRAGMA application_id).
inline constexpr int application_id = 0x7273746e;

/// The steps that lead from one version of the schema to the next: migrations[0] makes version 1 of an empty
/// file. Never change one that was released: add another.
std::span<const char* const> migrations();

/// Brings the schema to the newest of `steps`, in one transaction. An existing store is copied to
/// PATH.before-vN first. Errors: storage (of another program, newer, damaged), disk-full.
Result<void> migrate(Connection& connection, std::span<const char* const> steps);

/// A consistent copy by VACUUM INTO, synced, 0600. `path` must not exist. Error: storage, disk-full.
Result<void> copy_database(Connection& connection, const std::string& path);

}  // namespace restante::store::sqlite
