// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver.hpp"
#include "replay.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace restante::test {

/// How a transfer must end.
struct Ending {
  jobs::Outcome outcome = jobs::Outcome::complete;
  std::optional<Reason> reason = std::nullopt;     ///< none: it does not matter
  std::optional<std::string> file = std::nullopt;  ///< what lies in the file; none: it does not matter
};

/// One row of the catalogue, or a right twin of one, as bytes on the wire.
struct RawRow {
  std::string name;
  Script script;
  Ending ending;
  std::optional<Ending> over_tls = std::nullopt;  ///< where it ends in another way
  std::string held = {};                          ///< what lies in the file before
  std::function<void(jobs::TransferOrder&)> change = {};
  std::string leaf = "x.bin";
  bool every_position = false;  ///< also within the body; else only at its interesting places
  /// Cut just behind the announced end, what follows comes when nobody listens any more: then this ends it
  /// too, and the file holds exactly what was announced (M2).
  bool may_end_before_excess = false;
};

/// Rows M1 to M70 of HTTP that a single transfer meets, each with its twins. Contents are short, so that
/// every place of an answer can be cut.
std::vector<RawRow> raw_rows();

}  // namespace restante::test
