// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace restante::test {

/// One answer to one request, byte by byte as a content server would send it.
struct Answer {
  enum class Then { keep, close, cut, reset };  ///< close: with close_notify over TLS; cut: without
  std::string bytes;
  Then then = Then::keep;
};

/// What one transfer meets: the answer to its n-th request, which wanted the bytes from `start` on. Called on
/// the server's thread.
using Script = std::function<Answer(std::size_t n, std::uint64_t start)>;

/// How an answer is cut into segments; a segment is a TLS record of its own, and is sent only when the other
/// side has read what came before.
struct Cut {
  enum class How { whole, once, every_byte };
  How how = How::whole;
  std::size_t answer = 0;  ///< the one that is cut; the others are sent whole
  std::size_t at = 0;      ///< once: behind so many bytes
};

/// Plays scripts over plain and TLS connections, many at once, on a thread of its own. It knows that a
/// segment was read by asking the kernel about the other end of the connection, which therefore lies in the
/// same process at first: see `client_socket`.
class Replay {
public:
  /// When its certificate is valid, in seconds from now.
  struct Validity {
    long from = -3600, until = 86400;
  };
  /// `origins` plain ones and as many with TLS: a worker asks few things of one origin at a time.
  explicit Replay(int origins, Validity validity = {-3600, 86400});
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  std::string ca_pem() const { return ca_pem_; }
  int origins() const { return static_cast<int>(plain_ports_.size()); }
  std::string origin(bool tls, int number) const;

  /// To be called with every connecting socket before it is handed on.
  void client_socket(int fd);

  /// The path under which the script is played; `leaf`: its last segment.
  std::string add(std::uint32_t id, Script script, Cut cut, const std::string& leaf);
  /// The transfer is over: what nobody reads any more is dropped. Returns what was sent for it, whole answers
  /// as they would be without cuts.
  std::vector<std::string> finished(std::uint32_t id);

private:
  struct State;
  void serve();

  std::string ca_pem_;
  std::vector<std::uint16_t> plain_ports_, tls_ports_;
  std::unique_ptr<State> state_;
  std::thread thread_;
};

}  // namespace restante::test
