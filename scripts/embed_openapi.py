#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes contract/openapi.yaml as JSON into a C++ source, as the server gives it out: embed_openapi.py OUTPUT."""
import json
import pathlib
import sys

import yaml

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "contract" / "openapi.yaml"
LINE = 30


def main() -> None:
    text = json.dumps(yaml.safe_load(SOURCE.read_text()), separators=(",", ":"), ensure_ascii=True)
    # Numbers: compilers need not take a literal of this length, also not in pieces.
    codes = [str(ord(character)) for character in text]
    rows = ",\n".join("    " + ",".join(codes[i:i + LINE]) for i in range(0, len(codes), LINE))
    output = pathlib.Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f"""// Generated from contract/openapi.yaml by scripts/embed_openapi.py; do not edit.
#include "api/openapi_json.hpp"

namespace restante::api {{

std::string_view openapi_json() {{
  static constexpr char text[] = {{
{rows}}};
  return {{text, sizeof text}};
}}

}}  // namespace restante::api
""")


if __name__ == "__main__":
    main()
