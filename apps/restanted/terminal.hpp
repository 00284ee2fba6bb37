// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace restante::daemon {

/// The first line of stdin; on a terminal a prompt without echo (twice if `repeated`). Empty if there is
/// none. Error invalid: the two did not agree.
Result<std::string> read_secret(std::string_view prompt, bool repeated);

/// One QR code on stderr, for a phone's camera; nothing unless stderr is a terminal that it fits.
void show_qr(const std::string& text);

/// Whether this process has a controlling terminal that is still there.
bool has_terminal();
/// Whether a hangup means that the person who started it is gone: started from a terminal, and not by
/// nohup(1). To be asked before SIGHUP has a handler of ours.
bool ends_with_terminal();

}  // namespace restante::daemon
