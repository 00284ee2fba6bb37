// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.hpp"

#include "base/text.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ifaddrs.h>
#include <list>
#include <netdb.h>
#include <netinet/in.h>

namespace restante::net {

std::optional<Endpoint> Endpoint::from(const sockaddr& address, socklen_t length) {
  Endpoint out;
  if (address.sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in, clean{};
    std::memcpy(&in, &address, sizeof in);
    clean.sin_family = AF_INET;
    clean.sin_port = in.sin_port;
    clean.sin_addr = in.sin_addr;
    std::memcpy(&out.address, &clean, sizeof clean);
    out.length = sizeof clean;
    return out;
  }
  if (address.sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in, clean{};
    std::memcpy(&in, &address, sizeof in);
    if (in.sin6_scope_id != 0) return std::nullopt;
    clean.sin6_family = AF_INET6;
    clean.sin6_port = in.sin6_port;
    clean.sin6_addr = in.sin6_addr;
    std::memcpy(&out.address, &clean, sizeof clean);
    out.length = sizeof clean;
    return out;
  }
  return std::nullopt;
}

namespace {

sockaddr_in v4_of(const Endpoint& endpoint) {
  sockaddr_in out;
  std::memcpy(&out, &endpoint.address, sizeof out);
  return out;
}
sockaddr_in6 v6_of(const Endpoint& endpoint) {
  sockaddr_in6 out;
  std::memcpy(&out, &endpoint.address, sizeof out);
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// What inet_aton (and with it libcurl and getaddrinfo) may read as a part of an IPv4 address: decimal, octal
/// or hexadecimal.
bool looks_numeric(std::string_view label) {
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  if (!label.starts_with("0x") && !label.starts_with("0X")) return false;
  return label.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}

tl::unexpected<Error> other_spelling(std::string_view host) {
  return fail(Reason::address, "\"" + std::string(host) + "\" is a number spelt in an unusual way",
              "write an address as 192.0.2.1 or [2001:db8::1]");
}

Result<std::optional<Endpoint>> read_v6(std::string_view host, std::uint16_t port) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  if (host.size() > 45 || ::inet_pton(AF_INET6, std::string(host).c_str(), &in.sin6_addr) != 1)
    return other_spelling(host);
  const auto* bytes = in.sin6_addr.s6_addr;
  constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
  if (std::equal(mapped, mapped + 12, bytes) || std::equal(nat64, nat64 + 12, bytes))
    return fail(Reason::address, "[" + std::string(host) + "] hides an IPv4 address",
                "write the IPv4 address itself");
  return Endpoint::from(reinterpret_cast<const sockaddr&>(in), sizeof in);
}

/// IPv6 and IPv4 by turns, beginning with the family that the system prefers; twice the same is left out.
std::vector<Endpoint> interleave(const std::vector<Endpoint>& in, std::size_t most) {
  std::vector<Endpoint> first, second, out;
  for (const auto& endpoint : in) {
    auto& same = endpoint.family() == in.front().family() ? first : second;
    if (std::find(same.begin(), same.end(), endpoint) == same.end()) same.push_back(endpoint);
  }
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  if (out.size() > most) out.resize(most);
  return out;
}

Result<std::vector<Endpoint>> only_permitted(const std::string& host, const std::vector<Endpoint>& found,
                                             const AddressPolicy& policy, Lan lan, Judge layer1) {
  std::vector<Endpoint> permitted;
  std::optional<Error> refusal;
  for (const auto& endpoint : found) {
    auto verdict = layer1(endpoint.raw(), endpoint.length, policy, lan);
    if (verdict)
      permitted.push_back(endpoint);
    else if (!refusal)
      refusal = std::move(verdict.error());
  }
  if (!permitted.empty()) return permitted;
  if (!refusal) return fail(Reason::dns, "\"" + host + "\" has no address");
  if (found.front().numeric() != host) refusal->message = "\"" + host + "\" leads to " + refusal->message;
  return fail(std::move(*refusal));
}

}  // namespace

std::uint16_t Endpoint::port() const {
  // Both families have the port at the same place (RFC 3493 §3.3).
  return ntohs(v4_of(*this).sin_port);
}

std::string Endpoint::numeric() const {
  if (family() == AF_INET) {
    const auto in = v4_of(*this);
    return net::numeric(AF_INET, &in.sin_addr);
  }
  const auto in = v6_of(*this);
  return net::numeric(AF_INET6, &in.sin6_addr);
}

bool Endpoint::same_host(const Endpoint& other) const {
  if (family() != other.family()) return false;
  if (family() == AF_INET) return v4_of(*this).sin_addr.s_addr == v4_of(other).sin_addr.s_addr;
  const auto a = v6_of(*this), b = v6_of(other);
  return std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0;
}

Result<std::optional<Endpoint>> read_literal(std::string_view host, std::uint16_t port) {
  if (host.find(':') != std::string_view::npos) return read_v6(host, port);
  const bool known = std::all_of(host.begin(), host.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
  if (!known || host.empty() || host.size() > 253)
    return fail(Reason::dns,
                "the host is not a name (other characters than letters, digits, '-' and '.', or too long)",
                "write an international name in its xn-- form");
  std::string_view rest = host;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  std::string_view last;
  for (std::size_t start = 0; start <= rest.size();) {
    const auto dot = std::min(rest.find('.', start), rest.size());
    last = rest.substr(start, dot - start);
    if (last.empty() || last.size() > 63)
      return fail(Reason::dns, "\"" + std::string(host) + "\" is not a host name");
    start = dot + 1;
  }
  // As in the URL standard: a host whose last part is a number is meant as an IPv4 address.
  if (!looks_numeric(last)) return std::nullopt;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  const bool canonical = ::inet_pton(AF_INET, std::string(host).c_str(), &in.sin_addr) == 1 &&
                         numeric(AF_INET, &in.sin_addr) == host;
  if (!canonical) return other_spelling(host);
  return Endpoint::from(reinterpret_cast<const sockaddr&>(in), sizeof in);
}

Result<std::vector<Endpoint>> Resolver::system_lookup(const std::string& name, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0) {
    auto failure = fail(Reason::dns, "\"" + name + "\": " + ::gai_strerror(error));
    // There is no such name, in contrast to a name server that has a fault (CONTENT_SERVERS.md M62).
    if (error == EAI_NONAME || error == EAI_NODATA) failure.value().transient = false;
    return failure;
  }
  std::vector<Endpoint> out;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next)
    if (auto endpoint = Endpoint::from(*one->ai_addr, one->ai_addrlen)) out.push_back(*endpoint);
  ::freeaddrinfo(list);
  if (out.empty()) return fail(Reason::dns, "\"" + name + "\" has no usable address");
  return out;
}

// ---- Resolver

struct Resolver::State {
  Executor loop, pool;
  ResolveLimits limits;
  Lookup lookup;
  Judge layer1 = judge;
  std::size_t running = 0;
  std::list<Signal*> waiting;  // of the tasks below, first come first served

  void release() {
    --running;
    if (!waiting.empty()) waiting.front()->notify();
  }
};

Resolver::Resolver(Executor loop, Executor pool, ResolveLimits limits, Lookup lookup, Judge layer1)
    : state_(std::make_shared<State>()) {
  state_->loop = std::move(loop);
  state_->pool = std::move(pool);
  state_->limits = limits;
  state_->lookup = std::move(lookup);
  state_->layer1 = layer1;
}

Resolver::~Resolver() = default;

Task<Result<std::vector<Endpoint>>> Resolver::resolve(std::string host, std::uint16_t port,
                                                      AddressPolicy policy, Lan lan) {
  auto state = state_;
  auto literal = read_literal(host, port);
  if (!literal) co_return fail(std::move(literal.error()));
  if (literal->has_value()) co_return only_permitted(host, {**literal}, policy, lan, state->layer1);

  const auto until = std::chrono::steady_clock::now() + state->limits.deadline;
  if (state->running >= state->limits.parallel) {
    if (state->waiting.size() >= state->limits.waiting)
      co_return fail(Reason::busy, "too many host names are being looked up");
    Signal turn(state->loop);
    struct Place {
      State& state;
      std::list<Signal*>::iterator at;
      ~Place() { state.waiting.erase(at); }
    } place{*state, state->waiting.insert(state->waiting.end(), &turn)};
    while (state->running >= state->limits.parallel) {
      const auto left = until - std::chrono::steady_clock::now();
      if (!co_await turn.wait_for(left))
        co_return fail(Reason::timeout, "looking up \"" + host + "\" took too long");
    }
  }

  // The look-up cannot be interrupted: at the deadline it is left alone and only its place stays taken.
  struct Answer {
    explicit Answer(Executor loop) : arrived(std::move(loop)) {}
    Signal arrived;
    Result<std::vector<Endpoint>> found = fail(Reason::dns, "the look-up failed");
  };
  auto answer = std::make_shared<Answer>(state->loop);
  ++state->running;
  auto work = [state, answer, host, port] {
    auto found = std::make_shared<Result<std::vector<Endpoint>>>(state->lookup(host, port));
    asio::post(state->loop, [state, answer, found] {
      answer->found = std::move(*found);
      state->release();
      answer->arrived.notify();
    });
  };
  asio::post(state->pool, std::move(work));
  const auto left = until - std::chrono::steady_clock::now();
  if (!co_await answer->arrived.wait_for(left))
    co_return fail(Reason::timeout, "looking up \"" + host + "\" took too long");
  if (!answer->found) co_return fail(std::move(answer->found.error()));
  auto permitted = only_permitted(host, *answer->found, policy, lan, state->layer1);
  if (!permitted) co_return fail(std::move(permitted.error()));
  co_return interleave(*permitted, state->limits.addresses);
}

std::vector<AddressRange> own_addresses() {
  std::vector<AddressRange> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[INET6_ADDRSTRLEN] = "";
    const void* address =
        family == AF_INET ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr)
                          : &reinterpret_cast<sockaddr_in6*>(one->ifa_addr)->sin6_addr;
    if (::inet_ntop(family, address, text, sizeof text) == nullptr) continue;
    if (auto range = AddressRange::parse(text)) out.push_back(*range);
  }
  ::freeifaddrs(list);
  return out;
}

}  // namespace restante::net
