// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/offers.hpp"
#include "jobs/ports.hpp"
#include "net/curl_url.hpp"
#include "transfer/header_block.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace restante::transfer {

/// What an order that only looks gathers: the beginning of a page or Metalink, in memory; of anything else
/// nothing but the header. Lives as long as its transfer.
class Look {
public:
  explicit Look(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// The answer that counts begins. Whether its body is to be read.
  bool begin(const HeaderBlock& head, const net::HttpUrl& url);
  bool reads() const { return reads_; }
  void add(std::string_view bytes);
  bool enough() const { return !reads_ || cut_; }  ///< the rest changes nothing

  /// What was found, when the answer has ended. `source`: the address of the order, which a file is asked for
  /// by; `facts`: of the answer. Error malformed: a Metalink that is broken.
  Result<jobs::Offers> offers(const net::HttpUrl& source, const jobs::ResponseFacts& facts) const;

private:
  Result<jobs::Offers> metalink_offers() const;

  std::size_t most_bytes_;
  net::HttpUrl url_;
  std::string type_, content_type_;
  std::string name_;  ///< of the answer: its Content-Disposition, else the path
  bool saved_ = false, metalink_ = false, reads_ = false, cut_ = false;
  std::string body_;
};

}  // namespace restante::transfer
