// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/app.hpp"

namespace restante::daemon {

/// The files of the web app that were built into this program (scripts/embed_app.py makes the definition);
/// none with the build option RESTANTE_APP off.
api::App web_app();

}  // namespace restante::daemon
