// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "http/message.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace restante::api {

/// The JSON object of a small body. Only the named members are known; others are refused with their pointer,
/// so that a misspelt one is not silently ignored. Errors: media-type, malformed, invalid.
Result<boost::json::object> read_object(const http::Request& request,
                                        std::initializer_list<std::string_view> media_types,
                                        std::initializer_list<std::string_view> members);

/// A string member of at most `limit` bytes. Error invalid with its pointer; nullopt if it is not there.
Result<std::optional<std::string>> read_text(const boost::json::object& object, std::string_view member,
                                             std::size_t limit);
/// The same where it has to be there.
Result<std::string> need_text(const boost::json::object& object, std::string_view member, std::size_t limit);

/// The media type of a Content-Type value, lower case, without parameters.
std::string media_type_of(std::string_view content_type);

}  // namespace restante::api
