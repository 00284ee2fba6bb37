// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace restante::daemon {

/// sd_notify(3): tells systemd, if it started us and wants to know ("READY=1", "STOPPING=1").
void tell_service_manager(std::string_view state);

}  // namespace restante::daemon
