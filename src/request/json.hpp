// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reading of JSON that a place or this device wrote: what is missing or of another type is absent, since
/// members are added and never renamed. For .cpp files only.
namespace restante::request::json {

namespace bj = boost::json;

/// Error: malformed, naming `what`.
Result<bj::value> parse(std::string_view text, std::string_view what);
Result<bj::object> parse_object(std::string_view text, std::string_view what);

std::string text(const bj::object& object, std::string_view name);  ///< "" if absent
std::optional<std::uint64_t> number(const bj::object& object, std::string_view name);
bool truth(const bj::object& object, std::string_view name, bool otherwise = false);
const bj::object* object(const bj::object& object, std::string_view name);  ///< null if absent
const bj::array* array(const bj::object& object, std::string_view name);    ///< null if absent

}  // namespace restante::request::json
