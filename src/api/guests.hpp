// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "api/json_writer.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace restante::api {

/// "SCHEME://HOST:PORT/pair#k=..&c=..&from=..&until=..": connects one device or browser, once, until the stay
/// ends, and tells it when that is.
std::string invitation_url(std::string_view base_url, std::string_view jkt, const accounts::Invited& invited);

/// {"from","until","label"?,"quota_bytes"?,"traffic_bytes"?}; instants are RFC 3339. Error invalid with its
/// pointer.
Result<accounts::NewGuest> read_new_guest(const boost::json::object& object);

/// What the operator sees of a guest, as members of an open object: label, stay and sizes; never names of
/// files nor URLs.
struct GuestView {
  accounts::Account account;
  std::uint64_t used_bytes = 0, traffic_bytes = 0;  ///< traffic of this month
  bool connected = false;
  Instant now{};
  Seconds grace{};
};
void write_guest(JsonWriter& json, const GuestView& guest);

/// "from", "until" and "erased", for whoever has a stay.
void write_stay(JsonWriter& json, const accounts::Account& account, Seconds grace);

}  // namespace restante::api
