// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/commands.hpp"

#include <string>

namespace restante::api {

/// Erases an account with all that is theirs: downloads with secrets and history, partial and published
/// files, whatever else lies in the area, devices, sessions, tokens, links, contacts, the row; then the bytes
/// that the database kept of them. The first step is a durable mark, every step may be repeated, and
/// keep_stays goes on where a crash interrupted it. Control loop. Errors: not-found; busy: somebody else does
/// it just now; storage.
Task<Result<accounts::Account>> erase_account(Administration& parts, std::string name);

/// Watches over stays for as long as the server runs: tells guests when their stay has ended, erases them
/// when the grace has passed, and finishes erasures that were interrupted. Spawned by the owner into its
/// group.
Task<void> keep_stays(Administration& parts, const Clock& clock);

}  // namespace restante::api
