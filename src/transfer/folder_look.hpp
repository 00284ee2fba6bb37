// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "transfer/file_server_run.hpp"

#include <string>

namespace restante::transfer {

/// One look at an address of a file server: lists it if it is a folder, else says what is known of the file.
class FolderLook final : public FileServerRun {
public:
  FolderLook(const Limits& limits, std::uint32_t id, jobs::TransferOrder order, Ways ways);

private:
  enum class Step { facts, list, file };  ///< MLSD; LIST; the address without a slash behind it

  void run() override;
  Taken take(std::string_view bytes) override;
  void on_answer(const net::CurlEnd& end) override;
  void while_running(TimePoint now) override;

  void ask_for(Step step);
  void tell_folder();
  void tell_file(const net::CurlEnd& end);

  Step step_ = Step::list;
  TimePoint end_;  ///< of its time
  bool cut_ = false;
  std::string listing_;
};

}  // namespace restante::transfer
