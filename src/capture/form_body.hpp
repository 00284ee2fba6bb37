// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace restante::capture {

/// One field of a form as it is sent.
struct FormField {
  std::string name, value, media_type, file_name;  ///< the last two may be empty
};

/// A field as curl's -F gives it: NAME=VALUE, NAME="VALUE", then ;type= and ;filename=. Errors (for people):
/// invalid, also where it names a file of the device.
Result<FormField> read_form_option(std::string_view text);

/// The body of multipart/form-data (RFC 7578); `type` becomes its Content-Type.
std::string multipart_body(const std::vector<FormField>& fields, std::string& type);

/// Percent-encoded as in application/x-www-form-urlencoded; a space is '+', as curl and browsers write it.
std::string url_encoded(std::string_view text);

}  // namespace restante::capture
