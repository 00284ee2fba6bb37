// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::log {

namespace {

/// Whether stderr leads to systemd's journal (JOURNAL_STREAM, systemd.exec(5)).
bool to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

/// A line's priority as the journal wants it before the text (sd-daemon(3)).
class Priority final : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const char priority = message.level >= spdlog::level::err    ? '3'
                          : message.level == spdlog::level::warn ? '4'
                          : message.level == spdlog::level::info ? '6'
                                                                 : '7';
    const char text[] = {'<', priority, '>'};
    out.append(text, text + sizeof text);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Priority>(); }
};

/// The journal keeps instant, program and priority itself.
std::unique_ptr<spdlog::formatter> formatter() {
  if (!to_journal())
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v",
                                                       spdlog::pattern_time_type::utc);
  auto made = std::make_unique<spdlog::pattern_formatter>();
  made->add_flag<Priority>('*').set_pattern("%*%v");
  return made;
}

}  // namespace

void start(const char* program, const char* level) {
  auto logger = std::make_shared<spdlog::logger>(program, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  logger->set_formatter(formatter());
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace restante::log
