// SPDX-License-Identifier: Apache-2.0
#include "capture/json_parts.hpp"

#include <boost/json/stream_parser.hpp>
#include <fmt/format.h>

namespace restante::capture {

Result<bj::value> parse_json(std::string_view text, std::string_view what) {
  bj::parse_options options;
  options.max_depth = 64;
  bj::stream_parser parser({}, options);
  boost::system::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read == text.size()) parser.finish(error);
  if (!error && read < text.size() && text.find_first_not_of(" \t\r\n", read) == text.npos)
    parser.finish(error);
  if (error || !parser.done())
    return fail(Reason::malformed, fmt::format("{} is broken at byte {}", what, read),
                "save or copy it once more");
  return parser.release();
}

const bj::object* object_in(const bj::object& owner, std::string_view member) {
  const auto* value = owner.if_contains(member);
  return value == nullptr ? nullptr : value->if_object();
}

const bj::array* array_in(const bj::object& owner, std::string_view member) {
  const auto* value = owner.if_contains(member);
  return value == nullptr ? nullptr : value->if_array();
}

std::string text_in(const bj::object& owner, std::string_view member) {
  const auto* value = owner.if_contains(member);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::int64_t integer_in(const bj::object& owner, std::string_view member) {
  const auto* value = owner.if_contains(member);
  if (value == nullptr) return 0;
  if (const auto* whole = value->if_int64()) return *whole;
  if (const auto* part = value->if_double(); part != nullptr && *part > -1e15 && *part < 1e15)
    return static_cast<std::int64_t>(*part);
  return 0;
}

}  // namespace restante::capture
