// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::test {

/// SplitMix64: the same numbers on every machine.
class Rng {
public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// 0 to below `end`.
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(next() % end); }
  std::size_t between(std::size_t least, std::size_t most) { return least + below(most - least + 1); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

private:
  std::uint64_t state_;
};

/// One content of a server: what it means.
struct Entity {
  std::string bytes, etag, modified;
};

struct Request {
  std::string host, path;
  std::optional<std::uint64_t> range_start;
  std::string if_range;
  bool no_cache = false;
};

/// keep: the connection goes on; close: FIN, in TLS after close_notify; cut: FIN without close_notify; reset:
/// RST.
enum class Ending { keep, close, cut, reset };
enum class Framing { length, chunked, close };

/// What is put on the wire.
struct Reply {
  std::string bytes;
  Ending end = Ending::keep;
  std::string late;  ///< sent some milliseconds after the rest
};

/// A head and a body that are put together; spelling, order and frills come from the Rng.
class Answer {
public:
  Answer(Rng& rng, int status);
  Answer& field(std::string_view name, std::string_view value);
  /// As it is.
  Answer& raw(std::string line);
  Answer& body(std::string bytes, Framing framing);
  Reply reply(Ending end = Ending::keep) const;
  std::string head() const;

  Rng& rng;
  int status;
  std::string version = "HTTP/1.1";
  std::vector<std::string> lines;
  std::string coded;  ///< the body with its framing
  Framing framing = Framing::length;
};

std::string chunked(Rng& rng, std::string_view bytes, bool with_end = true);

/// As a server should: ranges and If-Range by RFC 9110; close-framed answers close.
Answer good(Rng& rng, const Entity& entity, const Request& request, Framing framing);
Reply sent(const Answer& answer);
/// The validators of an entity.
void describe(Answer& answer, const Entity& entity);

}  // namespace restante::test
