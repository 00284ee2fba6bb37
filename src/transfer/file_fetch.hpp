// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "transfer/body_writer.hpp"
#include "transfer/buffers.hpp"
#include "transfer/file_server_run.hpp"
#include "transfer/pace.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace restante::transfer {

/// One order for a file of a file server: its size and date are asked for, then its bytes, then size and date
/// again (M65, M67). It is complete only if the server said so, as many bytes came as it has, and nothing
/// about it changed. `buffers` outlives it.
class FileFetch final : public FileServerRun {
public:
  FileFetch(const Limits& limits, std::uint32_t id, jobs::TransferOrder order, Ways ways,
            BufferPool& buffers);

private:
  enum class Step { before, content, after };
  struct Facts {
    std::optional<std::uint64_t> size_bytes;
    std::optional<std::int64_t> modified;
    bool operator==(const Facts&) const = default;
  };

  void run() override;
  Taken take(std::string_view bytes) override;
  void on_answer(const net::CurlEnd& end) override;
  void while_running(TimePoint now) override;
  void complete(jobs::TransferResult& result) override;
  void set_pace(std::optional<std::uint64_t> bytes_per_s) override;

  void look(Step step);
  void on_facts(const Facts& facts);
  Result<void> can_begin() const;
  void fetch();
  void on_content_end(const net::CurlEnd& end);
  void judge(const Facts& after);
  std::string validator() const;
  jobs::ResponseFacts facts() const;
  void go_on_at_pace(TimePoint now);
  void begin_again(Reason reason, std::string message);

  BufferPool& buffers_;
  Step step_ = Step::before;
  Facts before_;
  std::uint64_t offset_;
  std::optional<BodyWriter::Options::Bound> room_;
  std::optional<BodyWriter> writer_;
  std::string held_;          ///< what lies in front of `offset_`, to be compared (M18)
  std::size_t compared_ = 0;  ///< of `held_`
  std::optional<Error> broken_;
  bool differs_ = false, paused_ = false, held_back_ = false, told_ = false;
  std::uint64_t received_bytes_ = 0, reported_bytes_;
  TimePoint last_byte_, reported_at_;
  Pace pace_;
  double bytes_per_s_ = 0;
};

}  // namespace restante::transfer
