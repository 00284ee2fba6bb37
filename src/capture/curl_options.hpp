// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace restante::capture {

/// What an option of curl means for a request.
enum class CurlAct {
  ignored,  ///< says nothing about what is downloaded
  method,
  header,
  cookie,
  data,  ///< -d, --data-ascii, --data-binary
  data_raw,
  data_urlencode,
  json,
  form,
  form_string,
  user,
  digest,
  bearer,
  agent,
  referer,
  insecure,
  get,
  head,
  output,
  output_dir,
  range,
  limit_rate,
  max_size,
  url,
  url_query,
  globoff,
  next,
  other_way,      ///< how the request travels: the place has its own way
  login_missing,  ///< reads a name and password from somewhere else
  resumed,        ///< -C, -z: a part only, or only if newer
  refused,        ///< nothing of the kind can be sent from here
};

struct CurlOption {
  std::string_view name;  ///< without "--"
  char letter;            ///< '\0': none
  bool takes_value;
  CurlAct act;
};

/// By its name without "--", by a beginning of it that belongs to one option only, or as "no-NAME". Null:
/// there is none.
const CurlOption* curl_option(std::string_view name);
const CurlOption* curl_option(char letter);

}  // namespace restante::capture
