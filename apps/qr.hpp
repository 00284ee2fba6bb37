// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <qrencode.h>

#include <iostream>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace restante {

/// One QR code on stderr, for a phone's camera. False, and nothing: stderr is no terminal, or the text is too
/// long for its width.
inline bool show_qr(const std::string& text) {
  if (::isatty(STDERR_FILENO) == 0) return false;
  const std::unique_ptr<QRcode, void (*)(QRcode*)> code(
      QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1), QRcode_free);
  if (!code) return false;
  constexpr int quiet = 2;  // modules around it
  const int width = code->width;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && width + 2 * quiet > size.ws_col)
    return false;
  const auto dark = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < width && y < width && (code->data[y * width + x] & 1) != 0;
  };
  // Two rows of modules a line, light on dark inverted.
  for (int y = -quiet; y < width + quiet; y += 2) {
    for (int x = -quiet; x < width + quiet; ++x) {
      const bool top = !dark(x, y), bottom = !dark(x, y + 1);
      std::cerr << (top && bottom ? "\u2588" : top ? "\u2580" : bottom ? "\u2584" : " ");
    }
    std::cerr << '\n';
  }
  return true;
}

}  // namespace restante
