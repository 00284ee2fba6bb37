// SPDX-License-Identifier: Apache-2.0
#include "proxy/envelope.hpp"

#include "base/text.hpp"
#include "proxy/jws.hpp"

#include <algorithm>

namespace restante::proxy {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::size_t dots_in(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '.'));
}

}  // namespace

std::string sign_document(const PrivateKey& device, std::string_view core) {
  return sign_compact(device, core, signed_type);
}

Result<OpenedDocument> open_document(std::string_view text, const EnvelopeKeys& keys, Instant now) {
  text = envelope_in(text);
  OpenedDocument out;
  Secret inner;
  if (looks_sealed(text)) {
    auto opened = open_sealed(text, keys, now);
    if (!opened) return fail(std::move(opened.error()));
    out.sealed = true;
    inner = std::move(*opened);
    text = inner.text;
  }
  auto parts = read_signed(text, signed_type);
  if (!parts) return fail(std::move(parts.error()));
  const auto key = keys.device_key(parts->kid);
  if (!key)
    return fail(Reason::unknown_device, "the device that signed it is not connected to this place",
                "connect it: at the place `restanted pair NAME` prints a URL; then send it again");
  if (!key->verify(parts->input, parts->signature))
    return fail(Reason::bad_signature, "the signature of its device is wrong");
  out.device = std::move(parts->kid);
  out.core = std::move(parts->payload);
  return out;
}

std::string_view envelope_in(std::string_view text) {
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  text = text.substr(from, text.find_last_not_of(blanks) - from + 1);
  constexpr std::string_view scheme = "web+restante:p/";
  if (text.starts_with(scheme)) return text.substr(scheme.size());
  if (text.starts_with("https://") || text.starts_with("http://")) {
    constexpr std::string_view mark = "/p#";
    const auto path = text.find('/', text.find("://") + 3);
    if (path != std::string_view::npos && text.substr(path).starts_with(mark))
      return text.substr(path + mark.size());
  }
  return text;
}

bool looks_sealed(std::string_view text) {
  return text.starts_with('{') ? text.find("\"ciphertext\"") != std::string_view::npos : dots_in(text) == 4;
}

bool looks_signed(std::string_view text) {
  return !text.starts_with('{') && dots_in(text) == 2;
}

}  // namespace restante::proxy
