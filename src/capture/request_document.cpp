// SPDX-License-Identifier: Apache-2.0
#include "capture/draft.hpp"
#include "capture/json_parts.hpp"

namespace restante::capture {

Result<Understood> understand_request(std::string_view text, const Limits& limits) {
  const auto sealed = [] {
    return fail(Reason::cap_denied, "this request is sealed or signed, and cannot be opened here yet",
                "send it from the device that made it, or paste the address itself");
  };
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos || text[begin] != '{') return sealed();
  const auto root = parse_json(text, "the request");
  if (!root) return fail(root.error());
  const auto* whole = root->if_object();
  if (whole == nullptr || whole->contains("ciphertext") || whole->contains("payload")) return sealed();
  if (!whole->contains("what"))
    return fail(Reason::invalid, "this file is not known here",
                "give a list of addresses, a curl command, a HAR or a Metalink file");
  auto document = proxy::parse(text);
  if (!document) return fail(std::move(document.error()));
  if (document->op == proxy::Document::Op::cancel)
    return fail(Reason::invalid, "this file takes a request back; there is nothing to download in it");

  std::vector<std::string> notes;
  if (document->has_code) notes.emplace_back("the code that comes with it is left out");
  if (document->has_pay) notes.emplace_back("its payment is left out");
  if (document->has_notify) notes.emplace_back("whom it would tell is left out; your own notices are sent");
  document->has_code = document->has_pay = document->has_notify = false;
  Gathering out(Kind::request, limits);
  out.add(std::move(*document), std::move(notes));
  return out.finish();
}

}  // namespace restante::capture
