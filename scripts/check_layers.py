#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the dependency direction: reads the #include lines of src/ and apps/ and fails where a module looks upwards.

`check_layers.py` checks; `check_layers.py --dot` prints the graph as it is. docs/architecture.md shows the same table.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

ALLOWED = {
    "base": set(),
    "proxy": {"base"},
    "capture": {"base", "proxy"},
    "jobs": {"base", "proxy"},
    "files": {"base", "jobs"},
    "accounts": {"base", "proxy"},
    "intake": {"base", "proxy", "jobs", "accounts"},
    "net": {"base"},
    "notify": {"base", "proxy", "jobs", "files", "accounts", "net"},
    "store": {"base", "proxy", "jobs", "files", "accounts", "notify"},
    "worker": {"base", "proxy", "jobs", "net", "notify"},
    "transfer": {"base", "proxy", "capture", "jobs", "net", "worker"},
    "http": {"base"},
    "api": {"base", "proxy", "capture", "jobs", "files", "accounts", "intake", "notify", "http"},
    "request": {"base", "proxy", "net"},
}
# A third-party library belongs to one module (CONVENTIONS: "Shape"). Prefix of the include to the modules that may.
LIBRARIES = {
    "curl/": {"net"},
    "SQLiteCpp/": {"store"},
    "sqlite3.h": {"store"},
    "boost/beast": {"http"},
    "seccomp.h": {"worker"},
    "CLI/": {"apps"},
    "toml++/": {"apps"},
    "qrencode.h": {"apps"},
    "xxhash.h": {"base"},
    "date/": {"proxy"},
    "utf8proc.h": {"base"},
    "pugixml.hpp": {"capture", "net"},
    "zlib.h": {"http", "transfer"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def edges():
    for path in sorted([*ROOT.glob("src/**/*.?pp"), *ROOT.glob("apps/**/*.?pp")]):
        parts = path.relative_to(ROOT).parts
        module = parts[1] if parts[0] == "src" else "apps"
        for quoted, angled in INCLUDE.findall(path.read_text()):
            yield path.relative_to(ROOT), module, quoted, angled


def faults() -> list[str]:
    found = []
    for path, module, quoted, angled in edges():
        target = quoted.split("/")[0] if "/" in quoted else ""
        if target in ALLOWED and module != "apps" and target != module and target not in ALLOWED[module]:
            found.append(f"{path}: {module} may not include {quoted} ({module} knows {sorted(ALLOWED[module])})")
        if module != "apps" and quoted and "/" in quoted and target not in ALLOWED:
            found.append(f"{path}: {quoted} is in no module")
        for prefix, owners in LIBRARIES.items():
            if angled.startswith(prefix) and module not in owners:
                found.append(f"{path}: <{angled}> belongs to {sorted(owners)}")
    return found


def main() -> int:
    if "--dot" in sys.argv:
        pairs = {(m, q.split("/")[0]) for _, m, q, _ in edges() if "/" in q and q.split("/")[0] in ALLOWED}
        print("digraph {\n" + "\n".join(f'  "{a}" -> "{b}";' for a, b in sorted(pairs) if a != b) + "\n}")
        return 0
    found = faults()
    print("\n".join(found) or f"layers hold: {len(ALLOWED)} modules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
