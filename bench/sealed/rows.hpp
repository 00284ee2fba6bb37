// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace restante::bench {

/// Durable rows of jobs a second in a fresh store in `folder`: so many callers, each with one row at a time.
double durable_rows_per_s(const std::string& folder, int callers, double seconds);

}  // namespace restante::bench
