// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

// Reading of JSON that other programs wrote: what is missing or of another kind is as if it were empty.
namespace restante::capture {

namespace bj = boost::json;

/// Error malformed, saying of `what` and at which byte.
Result<bj::value> parse_json(std::string_view text, std::string_view what);

const bj::object* object_in(const bj::object& owner, std::string_view member);
const bj::array* array_in(const bj::object& owner, std::string_view member);
std::string text_in(const bj::object& owner, std::string_view member);
std::int64_t integer_in(const bj::object& owner, std::string_view member);

}  // namespace restante::capture
