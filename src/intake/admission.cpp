// SPDX-License-Identifier: Apache-2.0
#include "intake/admission.hpp"

#include "base/text.hpp"
#include "proxy/policy.hpp"

#include <algorithm>

namespace restante::intake {

namespace {

Result<void> check_parties(const proxy::Document& document, const accounts::Principal& who,
                           std::string_view server_jkt) {
  const bool for_us = std::any_of(document.aud.begin(), document.aud.end(),
                                  [&](const proxy::Recipient& one) { return one.jkt == server_jkt; });
  if (!for_us)
    return fail(Reason::not_for_me, "the document is addressed to another place",
                "make it for this place: aud[].jkt is in /.well-known/restante", "/aud");
  if (!document.iss_jkt.empty() && document.iss_jkt != who.device.value)
    return fail(Reason::invalid, "the document was made by another device than the one that sends it",
                "send it from the device that made it, or leave iss out", "/iss/jkt");
  if (!document.iss_account.empty() && document.iss_account != who.name)
    return fail(Reason::invalid, "the document was made for another account",
                "send it as that account, or leave iss out", "/iss/account");
  return {};
}

}  // namespace

Result<proxy::Document> admitted_document(std::string_view core, const accounts::Principal& who,
                                          Carriage carriage, std::string_view server_jkt, Instant now) {
  auto document = proxy::parse(core);
  if (!document) return document;
  if (carriage == Carriage::in_the_open && (!document->access.empty() || document->has_pay))
    return fail(Reason::insecure, "the document carries secrets, and came in a way that others can read",
                "seal it, or send it over https; what it carried may have been seen on the way", "/access");
  if (auto parties = check_parties(*document, who, server_jkt); !parties) return fail(parties.error());
  if (auto supported = proxy::check_supported(*document); !supported) return fail(supported.error());
  if (auto times = proxy::check_times(*document, now); !times) return fail(times.error());
  return document;
}

}  // namespace restante::intake
