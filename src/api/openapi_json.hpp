// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace restante::api {

/// contract/openapi.yaml as JSON, put in at build time by scripts/embed_openapi.py.
std::string_view openapi_json();

}  // namespace restante::api
