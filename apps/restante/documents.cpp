// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"

#include "base/crypto.hpp"
#include "proxy/document.hpp"
#include "proxy/envelope.hpp"
#include "proxy/jws.hpp"
#include "request/sealing.hpp"

#include <fstream>
#include <iostream>

namespace restante::cli {
namespace {

constexpr std::size_t largest_file = 1u << 20;

Result<void> read_core(std::string_view core, const std::vector<request::Place>& places, Label& label) {
  auto document = proxy::parse(core);
  if (!document) return fail(std::move(document.error()));
  label.id = document->id;
  label.exp = document->exp;
  label.content = proxy::to_json(*document, proxy::Part::hidden);
  for (const proxy::Recipient& one : document->aud)
    for (const request::Place& place : places)
      if (place.jkt == one.jkt && label.place == nullptr) label.place = &place;
  return {};
}

}  // namespace

Result<Document> read_document(const std::string& path) {
  std::string text(largest_file + 1, '\0');
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return fail(Reason::usage, "cannot read " + path, "check the name and the rights");
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return fail(Reason::usage, "cannot read " + path, "is it a file?");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > largest_file) return fail(Reason::usage, path + " is too large for a request");
  Document out{std::string(proxy::envelope_in(text)), {}};
  if (out.text.empty()) return fail(Reason::usage, path + " is empty", "`restante make` makes such a file");
  const auto begin = text.find("https://"), end = text.find("/p#");
  if (begin < end && end != text.npos && text.find_first_not_of(" \t\r\n") == begin)
    out.origin = text.substr(begin, end - begin);
  return out;
}

Result<Label> label_of(std::string_view document, const std::vector<request::Place>& places) {
  Label out;
  out.media_type = request::media_type_of(document);
  if (proxy::looks_sealed(document)) {
    auto head = proxy::read_sealed_head(document);
    if (!head) return fail(std::move(head.error()));
    out.form = Label::Form::sealed;
    out.kid = head->kid;
    out.exp = head->exp;
    out.place = request::place_of(places, head->kid);
    return out;
  }
  if (proxy::looks_signed(document)) {
    auto parts = proxy::read_signed(document, proxy::signed_type);
    if (!parts) return fail(std::move(parts.error()));
    out.form = Label::Form::signed_only;
    out.kid = parts->kid;
    if (auto read = read_core(parts->payload.text, places, out); !read) return fail(std::move(read.error()));
    return out;
  }
  if (!document.starts_with('{'))
    return fail(Reason::malformed, "this is no request: neither sealed, nor signed, nor JSON",
                "`restante make` makes one");
  if (auto read = read_core(document, places, out); !read) return fail(std::move(read.error()));
  return out;
}

}  // namespace restante::cli
