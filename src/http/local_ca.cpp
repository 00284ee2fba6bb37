// SPDX-License-Identifier: Apache-2.0
#include "http/local_ca.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "http/tls.hpp"
#include "http/x509.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>

namespace restante::http {

namespace {

constexpr long day_s = 86400, authority_days = 3650, clock_slack_s = 3600;
constexpr std::size_t shown_place_bytes = 40;  // X.520 allows 64 characters in a common name

/// An address as 4 or 16 bytes; "" if it is none.
std::string address_bytes(const std::string& text) {
  char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return {bytes, 4};
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return {bytes, 16};
  return {};
}

/// Address and mask behind each other (RFC 5280 §4.2.1.10); "" if it is no range.
std::string range_bytes(const std::string& text) {
  const auto slash = text.find('/');
  std::string address = address_bytes(text.substr(0, slash));
  std::size_t bits = address.size() * 8;
  if (slash != std::string::npos) std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
  if (address.empty() || bits > address.size() * 8) return {};
  std::string mask(address.size(), '\0');
  for (std::size_t i = 0; i < bits; ++i) mask[i / 8] = static_cast<char>(mask[i / 8] | (0x80 >> (i % 8)));
  for (std::size_t i = 0; i < mask.size(); ++i) address[i] = static_cast<char>(address[i] & mask[i]);
  return address + mask;
}

std::string range_text(std::string_view bytes) {
  const std::size_t half = bytes.size() / 2;
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(half == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  int bits = 0;
  for (const char byte : bytes.substr(half)) bits += __builtin_popcount(static_cast<unsigned char>(byte));
  return std::string(text) + "/" + std::to_string(bits);
}

/// DNS names and addresses as structures, never as text for OpenSSL's configuration parser.
GENERAL_NAME* general_name(int type, std::string_view bytes) {
  ASN1_STRING* value = type == GEN_IPADD ? static_cast<ASN1_STRING*>(ASN1_OCTET_STRING_new())
                                         : static_cast<ASN1_STRING*>(ASN1_IA5STRING_new());
  ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size()));
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  return name;
}

std::string_view text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509Ptr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_names(X509* certificate, const std::vector<std::string>& names) {
  X509Ptr<GENERAL_NAMES> list(GENERAL_NAMES_new());
  for (const auto& name : names) {
    const std::string address = address_bytes(name);
    sk_GENERAL_NAME_push(list.get(),
                         address.empty() ? general_name(GEN_DNS, name) : general_name(GEN_IPADD, address));
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_constraints(X509* certificate, const NameRoom& room) {
  X509Ptr<NAME_CONSTRAINTS> constraints(NAME_CONSTRAINTS_new());
  constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  const auto permit = [&](GENERAL_NAME* name) {
    GENERAL_SUBTREE* tree = GENERAL_SUBTREE_new();
    GENERAL_NAME_free(tree->base);
    tree->base = name;
    sk_GENERAL_SUBTREE_push(constraints->permittedSubtrees, tree);
  };
  for (const auto& domain : room.domains) permit(general_name(GEN_DNS, domain));
  for (const auto& range : room.ranges)
    if (const auto bytes = range_bytes(range); !bytes.empty()) permit(general_name(GEN_IPADD, bytes));
  return X509_add1_ext_i2d(certificate, NID_name_constraints, constraints.get(), 1, X509V3_ADD_DEFAULT) == 1;
}

bool set_random_serial(X509* certificate) {
  std::uint8_t bytes[16];
  random_bytes(bytes, sizeof bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive and of full length
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return done;
}

bool set_common_name(X509_NAME* subject, const std::string& name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes, static_cast<int>(name.size()), -1,
                                    0) == 1;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

std::string certificate_text(X509* certificate) {
  const X509Ptr<BIO> out(BIO_new(BIO_s_mem()));
  return PEM_write_bio_X509(out.get(), certificate) == 1 ? written_to(out) : std::string();
}

/// What fits into a name, as ASCII: it is shown by programs that we do not know.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, shown_place_bytes)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

NameRoom home_names() {
  return {{"localhost", "local", "home.arpa", "lan", "internal"},
          {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
           "::1/128", "fc00::/7", "fe80::/10"}};
}

NameRoom with_names(NameRoom room, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const std::string address = address_bytes(name);
    if (address.empty())
      room.domains.push_back(name);
    else
      room.ranges.push_back(name + (address.size() == 4 ? "/32" : "/128"));
  }
  return room;
}

struct LocalCa::State {
  X509Ptr<EVP_PKEY> key;
  X509Ptr<X509> certificate;
  NameRoom room;

  /// The room as the certificate says it, whoever made it.
  void read_room() {
    X509Ptr<NAME_CONSTRAINTS> constraints(static_cast<NAME_CONSTRAINTS*>(
        X509_get_ext_d2i(certificate.get(), NID_name_constraints, nullptr, nullptr)));
    for (int i = 0; constraints && i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); ++i) {
      int type = 0;
      const auto* value = static_cast<const ASN1_STRING*>(
          GENERAL_NAME_get0_value(sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base, &type));
      if (type == GEN_DNS) room.domains.emplace_back(text_of(value));
      if (type == GEN_IPADD) room.ranges.push_back(range_text(text_of(value)));
    }
  }
};

LocalCa::LocalCa(std::unique_ptr<State> state) : state_(std::move(state)) {
}
LocalCa::LocalCa(LocalCa&&) noexcept = default;
LocalCa& LocalCa::operator=(LocalCa&&) noexcept = default;
LocalCa::~LocalCa() = default;

Result<LocalCa> LocalCa::make(std::string_view place, const NameRoom& room) {
  auto state = std::make_unique<State>();
  state->key.reset(EVP_EC_gen("P-256"));
  state->certificate.reset(X509_new());
  X509* c = state->certificate.get();
  X509_set_version(c, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(c), -clock_slack_s);
  X509_gmtime_adj(X509_getm_notAfter(c), day_s * authority_days);
  // Two authorities of one place must have two names: a browser finds the key by it.
  std::array<std::uint8_t, 4> tag_bytes{};
  random_bytes(tag_bytes.data(), tag_bytes.size());
  const std::string tag = to_hex(tag_bytes);
  X509_NAME* subject = X509_get_subject_name(c);
  bool good = state->key && X509_set_pubkey(c, state->key.get()) == 1;
  good = good && set_common_name(subject, "Restante " + plain(place) + " " + tag);
  good = good && X509_set_issuer_name(c, subject) == 1 && set_random_serial(c);
  good = good && add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  good = good && add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign");
  good = good && add_extension(c, c, NID_ext_key_usage, "serverAuth");
  good = good && add_extension(c, c, NID_subject_key_identifier, "hash");
  good = good && add_constraints(c, room);
  good = good && X509_sign(c, state->key.get(), EVP_sha256()) != 0;
  if (!good) return fail(Reason::tls, "a certificate authority could not be made: " + openssl_error());
  state->read_room();
  return LocalCa(std::move(state));
}

Result<LocalCa> LocalCa::from_pem(std::string_view pem) {
  auto state = std::make_unique<State>();
  state->key = private_key_of(pem);
  const auto text = pem_reader(pem);
  // The key stands before the certificate, so the reader is asked for whatever comes until there is one.
  state->certificate.reset(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!state->key || !state->certificate ||
      X509_check_private_key(state->certificate.get(), state->key.get()) != 1)
    return fail(Reason::tls, "it does not hold an authority's key and certificate");
  state->read_room();
  return LocalCa(std::move(state));
}

std::string LocalCa::pem() const {
  const X509Ptr<BIO> out(BIO_new(BIO_s_mem()));
  const bool good =
      PEM_write_bio_PKCS8PrivateKey(out.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  RESTANTE_REQUIRE(good);
  return written_to(out) + certificate_pem();
}

std::string LocalCa::certificate_pem() const {
  return certificate_text(state_->certificate.get());
}

std::string LocalCa::certificate_der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(state_->certificate.get(), &bytes);
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(bytes);
  return out;
}

std::string LocalCa::name() const {
  const X509_NAME* subject = X509_get_subject_name(state_->certificate.get());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string()
                : std::string(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

std::string LocalCa::fingerprint() const {
  const Digest256 digest = sha256(certificate_der());
  std::string out;
  for (const auto byte : digest) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    if (!out.empty()) out += ':';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

NameRoom LocalCa::room() const {
  return state_->room;
}

std::int64_t LocalCa::not_before() const {
  return seconds_of(X509_get0_notBefore(state_->certificate.get()));
}

std::int64_t LocalCa::not_after() const {
  return seconds_of(X509_get0_notAfter(state_->certificate.get()));
}

bool LocalCa::covers(std::string_view name) const {
  const std::string address = address_bytes(std::string(name));
  if (!address.empty())
    return std::any_of(state_->room.ranges.begin(), state_->room.ranges.end(), [&](const std::string& range) {
      const std::string bytes = range_bytes(range);
      if (bytes.size() != 2 * address.size()) return false;
      for (std::size_t i = 0; i < address.size(); ++i)
        if ((address[i] & bytes[address.size() + i]) != bytes[i]) return false;
      return true;
    });
  return std::any_of(
      state_->room.domains.begin(), state_->room.domains.end(),
      [&](const std::string& domain) { return name == domain || name.ends_with("." + domain); });
}

Result<Certificate> LocalCa::issue(const std::string& key_pem, const std::vector<std::string>& names) const {
  const auto key = private_key_of(key_pem);
  if (!key) return fail(Reason::tls, "the identity key cannot be read: " + openssl_error());
  X509Ptr<X509> leaf(X509_new());
  X509* c = leaf.get();
  X509* issuer = state_->certificate.get();
  X509_set_version(c, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(c), -clock_slack_s);  // a client's clock may be a little behind
  const auto lasts = std::chrono::duration_cast<std::chrono::seconds>(leaf_lifetime).count();
  X509_gmtime_adj(X509_getm_notAfter(c), static_cast<long>(lasts) - clock_slack_s);
  bool good = X509_set_pubkey(c, key.get()) == 1 && set_random_serial(c);
  good = good && set_common_name(X509_get_subject_name(c), "Restante");
  good = good && X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1;
  good = good && add_extension(c, issuer, NID_basic_constraints, "critical,CA:FALSE");
  good = good && add_extension(c, issuer, NID_key_usage, "critical,digitalSignature");
  good = good && add_extension(c, issuer, NID_ext_key_usage, "serverAuth");
  good = good && add_extension(c, issuer, NID_subject_key_identifier, "hash");
  good = good && add_extension(c, issuer, NID_authority_key_identifier, "keyid");
  good = good && add_names(c, names);
  good = good && X509_sign(c, state_->key.get(), EVP_sha256()) != 0;
  if (!good) return fail(Reason::tls, "a certificate could not be made: " + openssl_error());
  return Certificate{certificate_text(c) + certificate_pem(), key_pem};
}

}  // namespace restante::http
