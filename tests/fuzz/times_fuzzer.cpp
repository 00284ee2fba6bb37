// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "proxy/zone.hpp"

#include <algorithm>
#include <string>

// Times, durations and windows as documents and people write them. Lines: the time, windows, an instant's
// second.
namespace restante::fuzz {

void times(std::string_view input) {
  const auto parts = lines(input, 3);
  const std::string_view text = parts[0];
  const Instant now(Seconds(1'795'335'600) + Seconds(parts[2].size() * 3607));
  for (const char* zone : {"Europe/Paris", "UTC"}) {
    if (const auto at = proxy::parse_ixdtf(text)) {
      check(proxy::has_ixdtf_shape(text), "what is read has the form");
      // Seconds are what is written.
      const Instant second = std::chrono::floor<Seconds>(*at);
      const bool four_digits =
          second > Instant(Seconds(-62'135'510'400)) && second < Instant(Seconds(253'402'210'800));
      const auto again = proxy::parse_ixdtf(proxy::to_ixdtf(zone, second));
      check(!four_digits || (again && *again == second), "an instant that is written is read");
      check(is_utf8(proxy::local_text(zone, *at)), "an instant is shown as text");
    }
    static_cast<void>(proxy::parse_person_time(text, zone, now));
  }
  if (const auto duration = proxy::parse_duration(text)) {
    const auto again = proxy::parse_duration(proxy::duration_text(*duration));
    check(again && *again == *duration, "a duration that is written is read");
  }
  static_cast<void>(proxy::is_zone(text));

  std::vector<proxy::Window> windows;
  std::string_view list = parts[1];
  while (!list.empty() && windows.size() < 8) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (const auto window = proxy::parse_person_window(list.substr(0, end))) {
      const auto again = proxy::parse_person_window(proxy::window_text(*window));
      check(again && proxy::window_text(*again) == proxy::window_text(*window),
            "a window that is written is read");
      windows.push_back(*window);
    }
    list.remove_prefix(std::min(list.size(), end + 1));
  }
  const auto opens = proxy::next_opening(windows, "Europe/Paris", now);
  check(opens && *opens >= now, "every week has an opening");
  check(proxy::window_open(windows, "Europe/Paris", *opens), "an opening is open");
  check((*opens == now) == proxy::window_open(windows, "Europe/Paris", now), "what is open opens at once");
  if (const auto closes = proxy::closing(windows, "Europe/Paris", *opens)) {
    check(*closes > *opens, "an opening lasts");
    check(!proxy::window_open(windows, "Europe/Paris", *closes), "what is closed is closed");
  }
}

}  // namespace restante::fuzz
