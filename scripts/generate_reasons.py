#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what contract/reasons.yaml says as a C++ header or as a Markdown table: generate_reasons.py cpp|md OUTPUT."""
import pathlib
import sys

import yaml

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "contract" / "reasons.yaml"
CLASSES = {"transient", "permanent", "needs-you", "note"}
MAX_REASONS = 40


def load() -> tuple[list[dict], list[dict]]:
    document = yaml.safe_load(SOURCE.read_text())
    reasons, problems = document["reasons"], document["problems"]
    codes = [entry["code"] for entry in reasons + problems]
    assert len(codes) == len(set(codes)), "a code stands twice in reasons.yaml"
    assert len(reasons) <= MAX_REASONS, f"at most {MAX_REASONS} reasons; problems of requests have a list of their own"
    assert all(entry["class"] in CLASSES for entry in reasons + problems), "an unknown class in reasons.yaml"
    return reasons, problems


def name(code: str) -> str:
    return code.replace("-", "_")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def cpp() -> str:
    reasons, problems = load()
    entries = reasons + problems
    enum = ",\n  ".join(name(entry["code"]) for entry in entries)
    rows = "\n".join(
        f"    {{{quoted(entry['code'])}, ReasonClass::{name(entry['class'])}, {entry['status']}, "
        f"{quoted(entry['words'])}, {quoted(entry['remedy'])}}}," for entry in entries)
    return f"""// Generated from contract/reasons.yaml by scripts/generate_reasons.py; do not edit.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace restante {{

enum class ReasonClass {{ transient, permanent, needs_you, note }};

/// Why something is as it is; the first {len(reasons)} are reasons of downloads, the others answers to requests.
enum class Reason {{
  {enum}
}};

struct ReasonInfo {{
  std::string_view code;    ///< as in JSON and in problem types
  ReasonClass kind;
  int http_status;          ///< of a request that is refused for it
  std::string_view words;   ///< for people, lower case, no full stop
  std::string_view remedy;  ///< how to mend it
}};

inline constexpr std::array<ReasonInfo, {len(entries)}> reason_table{{{{
{rows}
}}}};

constexpr const ReasonInfo& info(Reason reason) {{ return reason_table[static_cast<std::size_t>(reason)]; }}
constexpr std::string_view code(Reason reason) {{ return info(reason).code; }}

constexpr std::optional<Reason> reason_from_code(std::string_view wanted) {{
  for (std::size_t i = 0; i < reason_table.size(); ++i)
    if (reason_table[i].code == wanted) return static_cast<Reason>(i);
  return std::nullopt;
}}

}}  // namespace restante
"""


def markdown() -> str:
    reasons, problems = load()
    lines = ["<!-- Generated from contract/reasons.yaml by scripts/generate_reasons.py; do not edit. -->", "# Reasons", ""]
    for title, entries in (("Why a download is where it is", reasons), ("What else a request can be answered", problems)):
        lines += [f"## {title}", "", "| code | class | in words | what to do |", "| --- | --- | --- | --- |"]
        lines += [f"| `{e['code']}` | {e['class']} | {e['words']} | {e['remedy']} |" for e in entries] + [""]
    return "\n".join(lines)


def main() -> None:
    kind, output = sys.argv[1], pathlib.Path(sys.argv[2])
    text = {"cpp": cpp, "md": markdown}[kind]()
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists() or output.read_text() != text:
        output.write_text(text)
    else:
        output.touch()


if __name__ == "__main__":
    main()
