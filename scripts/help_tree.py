# SPDX-License-Identifier: Apache-2.0
"""What a program says of itself: its commands and options, read from `--help` of every command (CLI11's layout)."""
import dataclasses
import re
import subprocess

SECTION = re.compile(r"^(\w[\w ]*):$")
OPTION = re.compile(r"^  ((?:--?[\w-]+)(?:,--?[\w-]+)*)(?: (.*))?$")
POSITIONAL = re.compile(r"^  ([A-Z\[][^ ]*)(?: (.*))?$")
COLUMN = 30  # where CLI11 begins the words of an option


@dataclasses.dataclass
class Option:
    names: list[str]
    value: str  # what follows the name, as people read it: FILE, SIZE ...; empty for a flag
    choices: list[str]
    words: str
    repeatable: bool = False


@dataclasses.dataclass
class Command:
    path: list[str]
    words: str
    usage: str
    options: list[Option]
    positionals: list[Option]
    closing: list[str]
    children: list["Command"]

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()


def _left_and_words(line: str) -> tuple[str, str]:
    """An entry's left column, and its words if they stand on the same line."""
    if len(line) > COLUMN and line[COLUMN - 1] == " ":
        return line[:COLUMN].rstrip(), line[COLUMN:].strip()
    return line.rstrip(), ""


def _value(text: str) -> tuple[str, list[str], bool]:
    repeatable = text.endswith(" ...")
    text = text.removesuffix(" ...").replace(" REQUIRED", "").strip()
    choices = re.search(r":?\{([^}]*)\}", text)
    value = re.split(r":(?:INT|UINT|FLOAT|TEXT|\{)| in \[", text)[0].strip()
    return re.sub(r" (TEXT|INT|UINT)( \.\.\.)?$", "", value), choices.group(1).split(",") if choices else [], repeatable


def parse(text: str, path: list[str]) -> tuple[Command, list[str]]:
    """(the command, the names of its subcommands)"""
    command = Command(path, "", "", [], [], [], [])
    names: list[str] = []
    section, last = "", None
    for line in text.splitlines():
        heading = SECTION.match(line)
        if heading and heading.group(1) in ("Options", "Subcommands", "Positionals"):
            section, last = heading.group(1), None
        elif line.startswith("Usage: "):
            command.usage = line.removeprefix("Usage: ")
        elif not section:
            command.words = f"{command.words} {line.strip()}".strip()
        elif not line.strip():
            last = None
        elif not line.startswith("  "):
            command.closing.append(line)
        elif section == "Subcommands":
            if not line.startswith("   "):
                names.append(line.split()[0])
        elif line.startswith(" " * COLUMN):
            if last:
                last.words = f"{last.words} {line.strip()}".strip()
        else:
            left, words = _left_and_words(line)
            found = (OPTION if section == "Options" else POSITIONAL).match(left)
            if found:
                value, choices, repeatable = _value(found.group(2) or "")
                last = Option(found.group(1).split(","), value, choices, words, repeatable)
                (command.options if section == "Options" else command.positionals).append(last)
    return command, names


def read(program: list[str], path: list[str]) -> Command:
    """The tree below `path`, whose first word is the program's name; `program` is how it is started."""
    text = subprocess.run([*program, *path[1:], "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    command, names = parse(text, path)
    command.children = [read(program, [*path, name]) for name in names]
    return command
