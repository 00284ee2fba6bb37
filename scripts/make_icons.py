#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the web app's icons for home screens from web/app/public/icons/restante.svg, with Debian's Chromium.

The results are committed; run it again when the drawing has changed.
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.chromium import Chromium  # noqa: E402

ICONS = ROOT / "web" / "app" / "public" / "icons"
GROUND = "#1d4f91"  # of the drawing's own square
# A maskable icon may be cut to a circle of 80 % (W3C, Manifest: maskable icons): the drawing is smaller, on its ground.
DRAWN = {"restante-192": (192, 1.0, "transparent"), "restante-512": (512, 1.0, "transparent"), "restante-maskable-512": (512, 0.72, GROUND)}


def main() -> None:
    svg = (ICONS / "restante.svg").as_uri()
    with tempfile.TemporaryDirectory() as folder:
        browser = Chromium(pathlib.Path(folder))
        for name, (size, part, ground) in DRAWN.items():
            page = pathlib.Path(folder) / f"{name}.html"
            page.write_text(f"<style>body{{margin:0;background:{ground};display:grid;place-items:center;height:{size}px}}</style>"
                            f'<img src="{svg}" width="{round(size * part)}" height="{round(size * part)}">')
            subprocess.run(browser.command(f"--screenshot={ICONS / name}.png", f"--window-size={size},{size}", "--hide-scrollbars",
                                           "--default-background-color=00000000", page.as_uri()),
                           env=browser.environment(), check=True, capture_output=True, timeout=60)
            print(f"{name}.png")


if __name__ == "__main__":
    main()
