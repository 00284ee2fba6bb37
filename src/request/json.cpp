// SPDX-License-Identifier: Apache-2.0
#include "request/json.hpp"

#include <boost/json/parse.hpp>

namespace restante::request::json {

Result<bj::value> parse(std::string_view text, std::string_view what) {
  boost::system::error_code error;
  bj::value value = bj::parse(bj::string_view(text.data(), text.size()), error);
  if (error) return fail(Reason::malformed, std::string(what) + " is not JSON", "is this a restante place?");
  return value;
}

Result<bj::object> parse_object(std::string_view text, std::string_view what) {
  auto value = parse(text, what);
  if (!value) return fail(std::move(value.error()));
  if (!value->is_object())
    return fail(Reason::malformed, std::string(what) + " is not a JSON object", "is this a restante place?");
  return std::move(value->get_object());
}

namespace {
const bj::value* find(const bj::object& object, std::string_view name) {
  return object.if_contains(bj::string_view(name.data(), name.size()));
}
}  // namespace

std::string text(const bj::object& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string().data(), value->get_string().size());
}

std::optional<std::uint64_t> number(const bj::object& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return std::nullopt;
}

bool truth(const bj::object& object, std::string_view name, bool otherwise) {
  const auto* value = find(object, name);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

const bj::object* object(const bj::object& from, std::string_view name) {
  const auto* value = find(from, name);
  return value == nullptr ? nullptr : value->if_object();
}

const bj::array* array(const bj::object& from, std::string_view name) {
  const auto* value = find(from, name);
  return value == nullptr ? nullptr : value->if_array();
}

}  // namespace restante::request::json
