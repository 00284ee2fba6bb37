// SPDX-License-Identifier: Apache-2.0
// Reads documents in base64, one a line, and prints for each one line: "accept", or "REASON POINTER MESSAGE"
// with tabs between. For test_schema_agreement.py.
#include "base/text.hpp"
#include "proxy/document.hpp"

#include <algorithm>
#include <iostream>
#include <string>

namespace {

/// Certificates and OAuth grants are checked but not kept: the server refuses them before it stores anything.
bool keeps_everything(const restante::proxy::Document& document) {
  using restante::proxy::CredentialKind;
  return std::none_of(document.access.begin(), document.access.end(), [](const auto& credential) {
    return credential.kind == CredentialKind::tls || credential.kind == CredentialKind::oauth;
  });
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto json = restante::from_base64(line);
    if (!json) {
      std::cerr << "a line is not base64\n";
      return 1;
    }
    const auto document = restante::proxy::parse(*json);
    if (!document) {
      const auto& error = document.error();
      std::cout << restante::info(error.reason).code << '\t' << error.pointer << '\t' << error.message
                << '\n';
      continue;
    }
    if (!keeps_everything(*document)) {
      std::cout << "accept\n";
      continue;
    }
    // What is written must be readable again, and the same.
    const auto written = restante::proxy::to_json(*document);
    const auto again = restante::proxy::parse(written);
    if (!again)
      std::cout << "rewritten\t" << again.error().pointer << '\t' << again.error().message << '\n';
    else if (restante::proxy::to_json(*again) != written)
      std::cout << "rewritten\t\tit differs after another round\n";
    else
      std::cout << "accept\n";
  }
  return 0;
}
