// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"
#include "intake/receiver.hpp"

#include <memory>

namespace restante::api {

/// DATA/submit.sock: `POST /submit` with a signed or sealed document, or a mail with some; nothing else is
/// heard there. The answer is application/jsonl, a line each: {"status","job"?,"reason"?,"message"?,"hint"?};
/// or a problem, if there is no document. `receiver` outlives it and lives on `control`.
std::unique_ptr<http::Handler> make_submit_socket(Executor control, intake::Receiver& receiver);

}  // namespace restante::api
