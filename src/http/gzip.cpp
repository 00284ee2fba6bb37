// SPDX-License-Identifier: Apache-2.0
#include "http/gzip.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <optional>
#include <zlib.h>

namespace restante::http {

namespace {

constexpr int gzip_only = 15 + 16;  // zlib.h, inflateInit2

/// What stands before `mark`; `text` is what stands behind it.
std::string_view cut(std::string_view& text, char mark) {
  const auto end = std::min(text.find(mark), text.size());
  const auto piece = trimmed(text.substr(0, end), " \t");
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

/// Whether a weight says "not at all": q=0, q=0.0, ... (RFC 9110 §12.4.2).
bool is_refusal(std::string_view parameters) {
  while (!parameters.empty()) {
    auto value = cut(parameters, ';');
    if (!iequals(cut(value, '='), "q")) continue;
    return value.find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<bool> named, any;
  while (!accept_encoding.empty()) {
    auto parameters = cut(accept_encoding, ',');
    const auto coding = cut(parameters, ';');
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) named = !is_refusal(parameters);
    if (coding == "*") any = !is_refusal(parameters);
  }
  return named.value_or(any.value_or(false));
}

Result<std::string> unpacked(std::string_view gzip, std::size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  // zlib.h: next_in is only read.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (::inflateInit2(&stream, gzip_only) != Z_OK) return fail(Reason::internal, "zlib does not begin");
  const int code = ::inflate(&stream, Z_FINISH);
  const bool whole = code == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
  ::inflateEnd(&stream);
  if (!whole) return fail(Reason::decode, "this is not what was packed");
  return out;
}

}  // namespace restante::http
