// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Writes and reads plain structs as JSON from one list of fields each: `template <class Io> void fields(Io&
// io, Is<Thing> auto& thing)`, found in namespace restante::worker. Private to messages.cpp.
namespace restante::worker {

template <class X, class T>
concept Is = std::same_as<std::remove_const_t<X>, T>;

/// How an enum is written: `text(value)` and `from_text<T>(name)`.
template <class T>
struct EnumNames;

/// Collects fields into an object. Text that is not UTF-8 (a header of a content server may hold any bytes)
/// is written as {"base64": ...}, so that nothing is lost and the packet stays JSON.
class JsonWriter {
public:
  template <class T>
  void operator()(std::string_view name, const T& value) {
    if constexpr (requires { value.has_value(); }) {
      if (value.has_value()) object_[name] = to(*value);
    } else {
      object_[name] = to(value);
    }
  }
  boost::json::object take() { return std::move(object_); }

private:
  static boost::json::value to(bool value) { return value; }
  static boost::json::value to(const std::string& value) {
    if (is_utf8(value)) return boost::json::string(value);
    return boost::json::object{{"base64", to_base64(value)}};
  }
  template <class T>
    requires std::integral<T> && (!std::same_as<T, bool>)
  static boost::json::value to(T value) {
    if constexpr (std::is_signed_v<T>) return static_cast<std::int64_t>(value);
    return static_cast<std::uint64_t>(value);
  }
  template <class T>
    requires std::is_enum_v<T>
  static boost::json::value to(T value) {
    return boost::json::string(EnumNames<T>::text(value));
  }
  template <class R, class P>
  static boost::json::value to(std::chrono::duration<R, P> value) {
    return static_cast<std::int64_t>(value.count());
  }
  template <class D>
  static boost::json::value to(std::chrono::sys_time<D> value) {
    return to(value.time_since_epoch());
  }
  static boost::json::value to(AccountId id) { return id.value; }
  static boost::json::value to(const JobId& id) { return boost::json::string(id.text()); }
  static boost::json::value to(const std::pair<std::string, std::string>& value) {
    return boost::json::array{to(value.first), to(value.second)};
  }
  template <class T>
  static boost::json::value to(const std::vector<T>& values) {
    boost::json::array out;
    out.reserve(values.size());
    for (const auto& value : values) out.push_back(to(value));
    return out;
  }
  template <class T>
    requires requires(JsonWriter& io, const T& value) { fields(io, value); }
  static boost::json::value to(const T& value) {
    JsonWriter inner;
    fields(inner, value);
    return inner.take();
  }

  boost::json::object object_;
};

/// Fills fields from an object. Strict: every field has to be there with its own type and range (optional
/// ones may be absent), and no other member may be. After the first fault the rest is skipped.
class JsonReader {
public:
  explicit JsonReader(const boost::json::object& object) : object_(object) {}

  template <class T>
  void operator()(std::string_view name, T& value) {
    if (failed()) return;
    const auto* found = object_.if_contains(name);
    if constexpr (requires { value.has_value(); }) {
      value.reset();
      if (found == nullptr) return;
      ++used_;
      typename T::value_type inner{};
      if (from(*found, inner))
        value.emplace(std::move(inner));
      else
        fault_ = name;
    } else {
      if (found != nullptr) ++used_;
      if (found == nullptr || !from(*found, value)) fault_ = name;
    }
  }

  bool failed() const { return !fault_.empty(); }
  /// Nothing is wrong and nothing is left over.
  bool complete() const { return !failed() && used_ == object_.size(); }
  /// The name of the field that did not fit; never its value.
  std::string fault() const { return failed() ? fault_ : "an unknown member"; }
  void count_as_used() { ++used_; }

private:
  static bool from(const boost::json::value& json, bool& out) {
    if (!json.is_bool()) return false;
    out = json.get_bool();
    return true;
  }
  static bool from(const boost::json::value& json, std::string& out) {
    if (const auto* text = json.if_string()) {
      out.assign(text->data(), text->size());
      return true;
    }
    const auto* object = json.if_object();
    if (object == nullptr || object->size() != 1) return false;
    const auto* coded = object->if_contains("base64");
    if (coded == nullptr || !coded->is_string()) return false;
    auto bytes = from_base64({coded->get_string().data(), coded->get_string().size()});
    if (!bytes) return false;
    out = std::move(*bytes);
    return true;
  }
  template <class T>
    requires std::integral<T> && (!std::same_as<T, bool>)
  static bool from(const boost::json::value& json, T& out) {
    if (const auto* small = json.if_int64()) {
      if (!std::in_range<T>(*small)) return false;
      out = static_cast<T>(*small);
      return true;
    }
    if (const auto* large = json.if_uint64()) {
      if (!std::in_range<T>(*large)) return false;
      out = static_cast<T>(*large);
      return true;
    }
    return false;
  }
  template <class T>
    requires std::is_enum_v<T>
  static bool from(const boost::json::value& json, T& out) {
    if (!json.is_string()) return false;
    const auto value = EnumNames<T>::from_text({json.get_string().data(), json.get_string().size()});
    if (!value) return false;
    out = *value;
    return true;
  }
  template <class R, class P>
  static bool from(const boost::json::value& json, std::chrono::duration<R, P>& out) {
    std::int64_t count = 0;
    if (!from(json, count)) return false;
    out = std::chrono::duration<R, P>(count);
    return true;
  }
  template <class D>
  static bool from(const boost::json::value& json, std::chrono::sys_time<D>& out) {
    D since{};
    if (!from(json, since)) return false;
    out = std::chrono::sys_time<D>(since);
    return true;
  }
  static bool from(const boost::json::value& json, AccountId& out) { return from(json, out.value); }
  static bool from(const boost::json::value& json, JobId& out) {
    std::string text;
    if (!json.is_string() || !from(json, text)) return false;
    const auto id = JobId::parse(text);
    if (!id) return false;
    out = *id;
    return true;
  }
  static bool from(const boost::json::value& json, std::pair<std::string, std::string>& out) {
    const auto* array = json.if_array();
    return array != nullptr && array->size() == 2 && from((*array)[0], out.first) &&
           from((*array)[1], out.second);
  }
  template <class T>
  static bool from(const boost::json::value& json, std::vector<T>& out) {
    const auto* array = json.if_array();
    if (array == nullptr) return false;
    out.clear();
    out.reserve(array->size());
    for (const auto& value : *array) {
      T inner{};
      if (!from(value, inner)) return false;
      out.push_back(std::move(inner));
    }
    return true;
  }
  template <class T>
    requires requires(JsonReader& io, T& value) { fields(io, value); }
  static bool from(const boost::json::value& json, T& out) {
    const auto* object = json.if_object();
    if (object == nullptr) return false;
    JsonReader inner(*object);
    fields(inner, out);
    return inner.complete();
  }

  const boost::json::object& object_;
  std::size_t used_ = 0;
  std::string fault_;
};

}  // namespace restante::worker
