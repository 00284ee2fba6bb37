// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"
#include "jobs/service.hpp"

namespace restante::api {

/// A merge patch (RFC 7396) of the editable members of a job: when.start, when.by, when.windows, when.tz,
/// name, folder, limits.rate. Errors: media-type, malformed, invalid with the member's pointer. Whether times
/// are right is judged by the jobs.
Result<jobs::Change> read_change(const http::Request& request);

}  // namespace restante::api
