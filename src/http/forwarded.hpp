// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"

#include <functional>
#include <string>

namespace restante::http {

/// Whether a reverse proxy at this numeric address is believed. Called on every loop.
using TrustsProxy = std::function<bool(const std::string& address)>;

/// Who asks, as far as reverse proxies that we trust tell (THREATS.md D2). From such a peer the client is the
/// last address in X-Forwarded-For that is not itself trusted, and X-Forwarded-Proto says whether the
/// client's connection has TLS; what is not told is taken for the worse. X-Forwarded-Host and Forwarded are
/// not read. From anybody else these fields change nothing but this: a request that says it was forwarded is
/// not taken for one that never left the machine.
Peer peer_behind(const Peer& peer, const Request& request, const TrustsProxy& trusts);

}  // namespace restante::http
