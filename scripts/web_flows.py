#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of what people do in the web app and which test does it: docs/internals/web-flows.md.

web_flows.py         writes it
web_flows.py --check fails if it is not true, or if a flow ends without asking the server
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOWS = ROOT / "tests" / "web" / "flows"
TABLE = ROOT / "docs" / "internals" / "web-flows.md"
LEAST = 30  # flows that there have to be
HEAD = """# The flows of the web app
What people do in it, and the test that does it with Debian's Chromium against the real programs
([how](../../tests/web/README.md)). Each ends by asking the server what it then holds: the last column. Made by
`scripts/web_flows.py` from the tests.

| flow | test | asked in the end |
| --- | --- | --- |
"""
TEST = re.compile(r"^test\(\s*(['\"`])(?P<title>.*?)\1,", re.MULTILINE)
ASKED = re.compile(r"\.(?:read|until|call|get|fetch)\(\s*(?:(['\"`])(?P<path>[^'\"`]*)\1|(?P<name>\w[\w.]*))")


def bodies(text: str):
    """(title, body) of each test at the top level of a file."""
    found = list(TEST.finditer(text))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        yield match["title"], text[match.end():end]


def asked(body: str) -> list[str]:
    paths = []
    for match in ASKED.finditer(body):
        path = match["path"]
        if path is None:
            continue
        path = re.sub(r"\$\{(?:bed\.place|url)\}", "", path)
        path = re.sub(r"\$\{[^}]*\}", "…", path).split("?")[0]
        if path.startswith("/") and path not in paths:
            paths.append(path)
    return paths[-3:]


def main() -> int:
    rows, without = [], []
    for file in sorted(FLOWS.glob("*.spec.ts")):
        for title, body in bodies(file.read_text()):
            paths = asked(body)
            if not paths:
                without.append(f"{file.name}: {title}")
            rows.append(f"| {title.replace('|', '/')} | `{file.name}` | {', '.join(f'`{path}`' for path in paths)} |\n")
    text = HEAD + "".join(rows)
    if "--check" not in sys.argv[1:]:
        TABLE.write_text(text)
        print(f"{len(rows)} flows")
        return 0
    problems = [f"{flow} asks the server nothing" for flow in without]
    if len(rows) < LEAST:
        problems.append(f"{len(rows)} flows; there have to be {LEAST}")
    if not TABLE.exists() or TABLE.read_text() != text:
        problems.append("docs/internals/web-flows.md is not what the tests say: run scripts/web_flows.py")
    for problem in problems:
        print("web flows:", problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
