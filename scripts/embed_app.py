#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the web app's bundle into the program: embed_app.py OUTPUT.cpp [FOLDER].

Writes OUTPUT.cpp (the table of api::AppFile) and OUTPUT.bin beside it (all bodies, packed where that is shorter). Without a
folder the table is empty. The same bundle gives the same bytes.
"""
import gzip
import hashlib
import pathlib
import sys

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
LARGEST = 4 << 20  # of all files together: more is a mistake in the bundle


def files_of(folder: pathlib.Path):
    """(path, media type, content) of each file, by path."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        path = "/" + file.relative_to(folder).as_posix()
        if file.suffix not in MEDIA_TYPES:
            sys.exit(f"embed_app: {path}: say in {pathlib.Path(__file__).name} what media type {file.suffix} is")
        yield path, MEDIA_TYPES[file.suffix], file.read_bytes()


def main() -> None:
    output = pathlib.Path(sys.argv[1])
    rows, bodies = [], b""
    for path, media_type, content in files_of(pathlib.Path(sys.argv[2])) if len(sys.argv) > 2 else ():
        packed = gzip.compress(content, 9, mtime=0)
        is_packed = len(packed) < len(content)
        body = packed if is_packed else content
        immutable = path.startswith("/assets/")
        rows.append(f'    {{"{path}", "{media_type}", "{hashlib.sha256(content).hexdigest()[:32]}",\n'
                    f"     {{restante_web_app + {len(bodies)}, {len(body)}}}, {len(content)}, {str(is_packed).lower()}, {str(immutable).lower()}}},\n")
        bodies += body
    if len(bodies) > LARGEST:
        sys.exit(f"embed_app: {len(bodies)} bytes are more than {LARGEST}")
    binary = output.with_suffix(".bin")
    output.parent.mkdir(parents=True, exist_ok=True)
    binary.write_bytes(bodies + b"\0")
    output.write_text(f"""// Made by scripts/embed_app.py; do not edit. Bodies: {hashlib.sha256(bodies).hexdigest()}
#include "web_app.hpp"

#include <array>

asm(R"(
  .pushsection .rodata
  .globl restante_web_app
restante_web_app:
  .incbin "{binary}"
  .popsection
)");
extern "C" const char restante_web_app[{len(bodies) + 1}];

namespace restante::daemon {{

api::App web_app() {{
  static constexpr std::array<api::AppFile, {len(rows)}> files{{{{
{''.join(rows)}  }}}};
  return files;
}}

}}  // namespace restante::daemon
""")


if __name__ == "__main__":
    main()
