// SPDX-License-Identifier: Apache-2.0
#include "api/trust.hpp"

#include "api/page.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace restante::api {

namespace {

/// A UUID that belongs to these bytes and to this use (RFC 9562 §5.8, version 8).
std::string uuid_of(std::string_view bytes, std::string_view use) {
  Digest256 digest = sha256(std::string(use) + '\0' + std::string(bytes));
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  const std::string hex = to_hex(std::span(digest).first(16));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

std::string day(std::int64_t seconds) {
  return to_rfc3339(Instant{Seconds{seconds}}).substr(0, 10);
}

constexpr std::string_view body =
    R"html(<p>This place, <b>{place}</b>, vouches for itself: it has a small certificate
authority of its own. A device that does not know it yet warns you, and some things need a device without that warning: installing the
app, service workers, and most WebDAV programs. The command line <code>restante</code> needs nothing of this: it knows the
place by its key.</p>
<h2>What trusting it means</h2>
<p>Whoever holds this authority's key, which is the operator of this place and whoever breaks into it, can make this device
believe that it speaks with any of the names below, and with no other: a limit to them is built into the certificate, and so is the
limit to web servers. Banks, mail and the rest of the internet are outside of it. Do this only for a place that you know.</p>
<table><tr><th>Name</th><td>{name}</td></tr>
<tr><th>Valid</th><td>{from} to {until}</td></tr>
<tr><th>SHA-256</th><td><code>{fingerprint}</code></td></tr>
<tr><th>Only for</th><td>{domains} and all names below them; {ranges}</td></tr></table>
<p><b>Compare the fingerprint</b> with what the operator tells you in person or by telephone (it stands in the log of the place). If
it came to you over this page alone, somebody in between could have changed it.</p>
<h2>The certificate</h2>
<ul><li><a href="/trust/restante.crt">restante.crt</a> (Android, Windows, macOS)</li>
<li><a href="/trust/restante.pem">restante.pem</a> (Firefox, Linux, curl)</li>
<li><a href="/trust/restante.mobileconfig">restante.mobileconfig</a> (iPhone, iPad)</li></ul>
<h2>iPhone and iPad</h2>
<ol><li>Open this page in Safari and tap <i>restante.mobileconfig</i>, then <i>Allow</i>.</li>
<li>Settings, <i>Profile Downloaded</i>, <i>Install</i>. It says <i>Not Signed</i>: compare the fingerprint under <i>More Details</i>.</li>
<li>Settings, General, About, <i>Certificate Trust Settings</i>: switch it on.</li></ol>
<h2>Android</h2>
<ol><li>Load <i>restante.crt</i>.</li>
<li>Settings, Security, More, <i>Encryption and credentials</i>, <i>Install a certificate</i>, <i>CA certificate</i>, <i>Install anyway</i>;
choose the file. The words differ from maker to maker: search the settings for <i>CA certificate</i>.</li>
<li>Chrome believes it; Firefox does so after <i>Use third party CA certificates</i> in its secret settings.</li></ol>
<h2>Windows</h2>
<ol><li>Load <i>restante.crt</i> and open it, <i>Install Certificate</i>, <i>Current User</i>.</li>
<li><i>Place all certificates in the following store</i>: <i>Trusted Root Certification Authorities</i>. Compare the fingerprint under
<i>Details</i>.</li></ol>
<h2>macOS</h2>
<ol><li>Load <i>restante.crt</i> and open it: it goes into the <i>login</i> keychain.</li>
<li>In <i>Keychain Access</i> open it, <i>Trust</i>, and choose <i>Always Trust</i> for <i>Secure Sockets Layer (SSL)</i>.</li></ol>
<h2>Firefox on a computer</h2>
<ol><li>Load <i>restante.pem</i>.</li>
<li>Settings, Privacy and Security, <i>View Certificates</i>, <i>Authorities</i>, <i>Import</i>: tick <i>identify websites</i>.</li></ol>
<h2>If it changes</h2>
<p>The place makes a new authority when it gets a name outside of the limit, and before this one ends. Then this page shows another
fingerprint: remove the old one where you installed it, and install the new one.</p>)html";

}  // namespace

std::string trust_page_body(const http::LocalCa& authority, std::string_view place) {
  const http::NameRoom room = authority.room();
  return fmt::format(body, fmt::arg("place", html_text(place)), fmt::arg("name", html_text(authority.name())),
                     fmt::arg("from", day(authority.not_before())),
                     fmt::arg("until", day(authority.not_after())),
                     fmt::arg("fingerprint", authority.fingerprint()),
                     fmt::arg("domains", html_text(fmt::format("{}", fmt::join(room.domains, ", ")))),
                     fmt::arg("ranges", html_text(fmt::format("{}", fmt::join(room.ranges, ", ")))));
}

std::string apple_profile(const http::LocalCa& authority, std::string_view place) {
  const std::string der = authority.certificate_der();
  const std::string inner = uuid_of(der, "restante-authority"), outer = uuid_of(der, "restante-profile");
  return fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>PayloadContent</key><array><dict>
<key>PayloadCertificateFileName</key><string>restante.crt</string>
<key>PayloadContent</key><data>{data}</data>
<key>PayloadDescription</key><string>The certificate authority of {place}</string>
<key>PayloadDisplayName</key><string>{name}</string>
<key>PayloadIdentifier</key><string>restante.authority.{inner}</string>
<key>PayloadType</key><string>com.apple.security.root</string>
<key>PayloadUUID</key><string>{inner}</string>
<key>PayloadVersion</key><integer>1</integer>
</dict></array>
<key>PayloadDescription</key><string>Lets this device trust {place}, for its own names only.</string>
<key>PayloadDisplayName</key><string>{name}</string>
<key>PayloadIdentifier</key><string>restante.profile.{outer}</string>
<key>PayloadRemovalDisallowed</key><false/>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadUUID</key><string>{outer}</string>
<key>PayloadVersion</key><integer>1</integer>
</dict></plist>
)",
                     fmt::arg("data", to_base64(der)), fmt::arg("place", html_text(place)),
                     fmt::arg("name", html_text(authority.name())), fmt::arg("inner", inner),
                     fmt::arg("outer", outer));
}

}  // namespace restante::api
