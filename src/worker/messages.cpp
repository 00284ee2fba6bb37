// SPDX-License-Identifier: Apache-2.0
#include "worker/messages.hpp"

#include "worker/codec.hpp"

#include <array>

namespace restante::worker {

namespace json = boost::json;

template <>
struct EnumNames<Reason> {
  static std::string_view text(Reason reason) { return code(reason); }
  static std::optional<Reason> from_text(std::string_view name) { return reason_from_code(name); }
};

/// Names in the order of the enum's values.
template <class T, std::size_t N>
struct NameTable {
  std::array<std::string_view, N> names;
  std::string_view text(T value) const { return names.at(static_cast<std::size_t>(value)); }
  std::optional<T> find(std::string_view name) const {
    for (std::size_t i = 0; i < N; ++i)
      if (names[i] == name) return static_cast<T>(i);
    return std::nullopt;
  }
};

inline constexpr NameTable<jobs::Outcome, 5> outcomes{
    {"complete", "unverified", "failed", "restart", "stopped"}};
template <>
struct EnumNames<jobs::Outcome> {
  static std::string_view text(jobs::Outcome value) { return outcomes.text(value); }
  static std::optional<jobs::Outcome> from_text(std::string_view name) { return outcomes.find(name); }
};

inline constexpr NameTable<proxy::CredentialKind, 7> credential_kinds{
    {"basic", "bearer", "cookies", "headers", "tls", "oauth", "digest"}};
template <>
struct EnumNames<proxy::CredentialKind> {
  static std::string_view text(proxy::CredentialKind value) { return credential_kinds.text(value); }
  static std::optional<proxy::CredentialKind> from_text(std::string_view name) {
    return credential_kinds.find(name);
  }
};

inline constexpr NameTable<jobs::Found, 5> found_names{{"page", "index", "folder", "metalink", "file"}};
template <>
struct EnumNames<jobs::Found> {
  static std::string_view text(jobs::Found value) { return found_names.text(value); }
  static std::optional<jobs::Found> from_text(std::string_view name) { return found_names.find(name); }
};

inline constexpr NameTable<jobs::Offer::Kind, 4> offer_kinds{{"file", "media", "page", "folder"}};
template <>
struct EnumNames<jobs::Offer::Kind> {
  static std::string_view text(jobs::Offer::Kind value) { return offer_kinds.text(value); }
  static std::optional<jobs::Offer::Kind> from_text(std::string_view name) { return offer_kinds.find(name); }
};

// ---- every field, once

template <class Io>
void fields(Io& io, Is<Error> auto& x) {
  io("reason", x.reason);
  io("message", x.message);
  io("hint", x.hint);
  io("pointer", x.pointer);
  io("transient", x.transient);
}

template <class Io>
void fields(Io& io, Is<proxy::Request> auto& x) {
  io("method", x.method);
  io("headers", x.headers);
  io("body", x.body);
}

template <class Io>
void fields(Io& io, Is<proxy::Source> auto& x) {
  io("url", x.url);
  io("priority", x.priority);
  io("credential_ids", x.credential_ids);
  io("request", x.request);
}

template <class Io>
void fields(Io& io, Is<proxy::Cookie> auto& x) {
  io("name", x.name);
  io("value", x.value);
  io("host", x.host);
  io("path", x.path);
  io("domain", x.domain);
  io("secure", x.secure);
  io("expires", x.expires);
}

template <class Io>
void fields(Io& io, Is<proxy::Credential> auto& x) {
  io("id", x.id);
  io("kind", x.kind);
  io("scope", x.scope);
  io("user", x.user);
  io("password", x.password);
  io("host_key", x.host_key);
  io("token", x.token);
  io("cookies", x.cookies);
  io("headers", x.headers);
  io("certificate", x.certificate);
  io("key", x.key);
  io("token_endpoint", x.token_endpoint);
  io("client_id", x.client_id);
  io("client_secret", x.client_secret);
  io("refresh_token", x.refresh_token);
  io("expires", x.expires);
}

template <class Io>
void fields(Io& io, Is<jobs::OtherSource> auto& x) {
  io("source", x.source);
  io("credentials", x.credentials);
}

template <class Io>
void fields(Io& io, Is<jobs::Span> auto& x) {
  io("begin", x.begin);
  io("end", x.end);
}

template <class Io>
void fields(Io& io, Is<jobs::PieceDigests> auto& x) {
  io("algorithm", x.algorithm);
  io("length", x.length);
  io("digests", x.digests);
}

template <class Io>
void fields(Io& io, Is<jobs::TransferOrder> auto& x) {  // without `out`: the descriptor travels beside
  io("account", x.account);
  io("job", x.job);
  io("file", x.file);
  io("source", x.source);
  io("credentials", x.credentials);
  io("allow_lan", x.allow_lan);
  io("probe", x.probe);
  io("offset", x.offset);
  io("if_range", x.if_range);
  io("last_modified", x.last_modified);
  io("relinked", x.relinked);
  io("known_size", x.known_size);
  io("max_bytes", x.max_bytes);
  io("rate_bytes_per_s", x.rate_bytes_per_s);
  io("room_bytes", x.room_bytes);
  io("room_reason", x.room_reason);
  io("digest_algorithm", x.digest_algorithm);
  io("digest_hex", x.digest_hex);
  io("others", x.others);
  io("connections", x.connections);
  io("have", x.have);
  io("piece_digests", x.piece_digests);
  io("allow_empty", x.allow_empty);
  io("wanted_name", x.wanted_name);
  io("wanted_type", x.wanted_type);
  io("seen_type", x.seen_type);
  io("stall_ms", x.stall);
}

template <class Io>
void fields(Io& io, Is<jobs::ResponseFacts> auto& x) {
  io("http_status", x.http_status);
  io("final_url", x.final_url);
  io("name_hint", x.name_hint);
  io("media_type", x.media_type);
  io("total_bytes", x.total_bytes);
  io("offset", x.offset);
  io("etag", x.etag);
  io("last_modified", x.last_modified);
  io("date", x.date);
  io("ranges", x.ranges);
  io("web_page", x.web_page);
  io("coding", x.coding);
}

template <class Io>
void fields(Io& io, Is<PieceReport> auto& x) {
  io("first", x.first);
  io("end_bytes", x.end_bytes);
  io("digests", x.digests);
}

template <class Io>
void fields(Io& io, Is<SpanReport> auto& x) {
  io("begin", x.begin);
  io("pieces", x.pieces);
}

template <class Io>
void fields(Io& io, Is<jobs::TransferResult> auto& x) {
  io("outcome", x.outcome);
  io("reason", x.reason);
  io("message", x.message);
  io("transient", x.transient);
  io("retry_after_s", x.retry_after);
  io("received_bytes", x.received_bytes);
  io("coded_bytes", x.coded_bytes);
  io("pieces", x.pieces);
  io("apart", x.apart);
  io("digest_hex", x.digest_hex);
  io("facts", x.facts);
}

template <class Io>
void fields(Io& io, Is<net::SmallRequest> auto& x) {
  io("url", x.url);
  io("method", x.method);
  io("headers", x.headers);
  io("body", x.body);
  io("deadline_ms", x.deadline);
  io("answer_bytes", x.answer_bytes);
}

template <class Io>
void fields(Io& io, Is<net::SmallAnswer> auto& x) {
  io("status", x.status);
  io("retry_after_s", x.retry_after);
  io("body", x.body);
}

template <class Io>
void fields(Io& io, Is<jobs::Offer> auto& x) {
  io("kind", x.kind);
  io("name", x.name);
  io("keeps_name", x.keeps_name);
  io("folder", x.folder);
  io("label", x.label);
  io("url", x.url);
  io("media_type", x.media_type);
  io("size_bytes", x.size_bytes);
  io("modified_ms", x.modified);
  io("sources", x.sources);
  io("digests", x.digests);
}

template <class Io>
void fields(Io& io, Is<jobs::LeftOut> auto& x) {
  io("what", x.what);
  io("why", x.why);
}

template <class Io>
void fields(Io& io, Is<jobs::Offers> auto& x) {
  io("found", x.found);
  io("title", x.title);
  io("offers", x.offers);
  io("left_out", x.left_out);
}

template <class Io>
void fields(Io& io, Is<Start> auto& x) {
  io("transfer", x.transfer);
  io("order", x.order);
}
template <class Io>
void fields(Io& io, Is<Resolved> auto& x) {
  io("transfer", x.transfer);
  io("part", x.part);
  io("hop", x.hop);
  io("addresses", x.addresses);
  io("refused", x.refused);
}
template <class Io>
void fields(Io& io, Is<Stop> auto& x) {
  io("transfer", x.transfer);
}
template <class Io>
void fields(Io& io, Is<Pace> auto& x) {
  io("transfer", x.transfer);
  io("bytes_per_s", x.bytes_per_s);
}
template <class Io>
void fields(Io& io, Is<jobs::RenewedTokens> auto& x) {
  io("credential_id", x.credential_id);
  io("access_token", x.access_token);
  io("refresh_token", x.refresh_token);
  io("expires", x.expires);
}
template <class Io>
void fields(Io& io, Is<Renewed> auto& x) {
  io("transfer", x.transfer);
  io("tokens", x.tokens);
}
template <class Io>
void fields(Io& io, Is<Kept> auto& x) {
  io("transfer", x.transfer);
  io("refused", x.refused);
}
template <class Io>
void fields(Io& io, Is<Resolve> auto& x) {
  io("transfer", x.transfer);
  io("part", x.part);
  io("hop", x.hop);
  io("scheme", x.scheme);
  io("host", x.host);
  io("port", x.port);
}
template <class Io>
void fields(Io& io, Is<Responded> auto& x) {
  io("transfer", x.transfer);
  io("facts", x.facts);
}
template <class Io>
void fields(Io& io, Is<Progress> auto& x) {
  io("transfer", x.transfer);
  io("received_bytes", x.received_bytes);
  io("bytes_per_s", x.bytes_per_s);
  io("pieces", x.pieces);
  io("apart", x.apart);
  io("held_back", x.held_back);
}
template <class Io>
void fields(Io& io, Is<Finished> auto& x) {
  io("transfer", x.transfer);
  io("result", x.result);
}
template <class Io>
void fields(Io& io, Is<Ask> auto& x) {
  io("transfer", x.transfer);
  io("request", x.request);
}
template <class Io>
void fields(Io& io, Is<Browse> auto& x) {
  io("transfer", x.transfer);
  io("order", x.order);
}
template <class Io>
void fields(Io& io, Is<Offered> auto& x) {
  io("transfer", x.transfer);
  io("offers", x.offers);
}
template <class Io>
void fields(Io& io, Is<Answered> auto& x) {
  io("transfer", x.transfer);
  io("answer", x.answer);
  io("failure", x.failure);
}
template <class Io>
void fields(Io& io, Is<Ready> auto& x) {
  io("locks", x.locks);
}

namespace {

template <class T>
constexpr std::string_view type_name;
template <>
constexpr std::string_view type_name<Start> = "start";
template <>
constexpr std::string_view type_name<Resolved> = "resolved";
template <>
constexpr std::string_view type_name<Stop> = "stop";
template <>
constexpr std::string_view type_name<Pace> = "pace";
template <>
constexpr std::string_view type_name<Kept> = "kept";
template <>
constexpr std::string_view type_name<Renewed> = "renewed";
template <>
constexpr std::string_view type_name<Ready> = "ready";
template <>
constexpr std::string_view type_name<Resolve> = "resolve";
template <>
constexpr std::string_view type_name<Responded> = "responded";
template <>
constexpr std::string_view type_name<Progress> = "progress";
template <>
constexpr std::string_view type_name<Finished> = "finished";
template <>
constexpr std::string_view type_name<Ask> = "ask";
template <>
constexpr std::string_view type_name<Answered> = "answered";
template <>
constexpr std::string_view type_name<Browse> = "browse";
template <>
constexpr std::string_view type_name<Offered> = "offered";

template <class Variant>
std::string encode_any(const Variant& message) {
  return std::visit(
      [](const auto& one) {
        JsonWriter writer;
        fields(writer, one);
        json::object object = writer.take();
        object["type"] = type_name<std::remove_cvref_t<decltype(one)>>;
        return json::serialize(object);
      },
      message);
}

/// Fills `out` and says true if `type` names Message; a fault inside goes to `fault`.
template <class Message, class Variant>
bool decode_one(std::string_view type, const json::object& object, Variant& out, std::string& fault) {
  if (type != type_name<Message>) return false;
  Message message;
  JsonReader reader(object);
  reader.count_as_used();  // "type" itself
  fields(reader, message);
  if (!reader.complete()) fault = reader.fault();
  out = std::move(message);
  return true;
}

template <class Variant>
struct Decoder;
template <class... Messages>
struct Decoder<std::variant<Messages...>> {
  static Result<std::variant<Messages...>> decode(std::string_view packet) {
    if (packet.size() > max_packet_bytes) return fail(Reason::malformed, "a packet is larger than allowed");
    json::parse_options options;
    options.max_depth = 12;
    boost::system::error_code error;
    const json::value value = json::parse({packet.data(), packet.size()}, error, {}, options);
    if (error) return fail(Reason::malformed, "a packet is not JSON");
    const auto* object = value.if_object();
    const auto* type = object != nullptr ? object->if_contains("type") : nullptr;
    if (type == nullptr || !type->is_string()) return fail(Reason::malformed, "a packet has no type");
    const std::string_view name{type->get_string().data(), type->get_string().size()};
    std::variant<Messages...> out;
    std::string fault;
    const bool known = (decode_one<Messages>(name, *object, out, fault) || ...);
    if (!known) return fail(Reason::malformed, "a packet of an unknown type");
    if (!fault.empty()) return fail(Reason::malformed, "a packet \"" + std::string(name) + "\": " + fault);
    return out;
  }
};

}  // namespace

std::string encode(const ToWorker& message) {
  return encode_any(message);
}
std::string encode(const ToServer& message) {
  return encode_any(message);
}
Result<ToWorker> decode_to_worker(std::string_view packet) {
  return Decoder<ToWorker>::decode(packet);
}
Result<ToServer> decode_to_server(std::string_view packet) {
  return Decoder<ToServer>::decode(packet);
}

}  // namespace restante::worker
