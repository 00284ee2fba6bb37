// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"

// Signed and sealed documents at POST /v1/proxies: their device's signature is the proof, no session is
// needed.
namespace restante::api {

/// Whether a request brings such a document, by its method, path and Content-Type.
bool brings_sealed(const http::Request& head);

/// On the connection's loop: opened there, handed in on the control loop. Whoever is not known as the
/// sender's account is told the id and nothing more.
Task<http::Response> submit_sealed(Context& context, Call call);

}  // namespace restante::api
