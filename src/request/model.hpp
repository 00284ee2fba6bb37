// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/calls.hpp"
#include "request/json.hpp"

/// The place's objects from its JSON. For .cpp files only.
namespace restante::request {

Job read_job(const json::bj::object& object);
JobDetail read_job_detail(const json::bj::object& object);
StoredFile read_file(const json::bj::object& object);
Device read_device(const json::bj::object& object);
/// {"type"|"reason","message"|"detail","hint","pointer"}
Error read_error(const json::bj::object& object, int status);

}  // namespace restante::request
