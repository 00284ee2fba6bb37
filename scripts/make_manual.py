#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_manual.py OUT --programs FOLDER --version V [--emulator PROGRAM]: man pages and bash completions.

restante(1) is docs/commands.md and restante.toml(5) is docs/configuration.md; the commands of restanted(8) and all completions
are what the programs say with --help.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bash_completion  # noqa: E402
import help_tree  # noqa: E402
import markdown_to_man as man  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent


def option_lines(option: help_tree.Option) -> list[str]:
    names = ", ".join(f"`{name}`" for name in option.names)
    value = "|".join(option.choices) or option.value
    tag = man.inline(names) + (f" \\fI{man.escape(value)}\\fR" if value else "")
    return [".TP", tag, man.line_of(man.escape(option.words)) or "\\ "]


def command_lines(root: help_tree.Command) -> list[str]:
    """Every command that has no commands below it, with its own options."""
    out = []
    for command in root.all():
        if command.children or command is root:
            continue
        arguments = " ".join(one.names[0] if one.names else "" for one in command.positionals)
        out += [f".SS {man.quote(' '.join(command.path) + (' ' + arguments if arguments else ''))}",
                man.line_of(man.escape(command.words[:1].upper() + command.words[1:] + "."))]
        for option in command.options:
            if "--help" not in option.names:
                out += option_lines(option)
    return out


def restante_1(version: str) -> str:
    text = (ROOT / "docs" / "commands.md").read_text()
    introduction, *rest = text.split("\n## ")
    body = [".SH DESCRIPTION", *man.convert(introduction.split("\n", 2)[2])]
    body += [".SH COMMANDS"] + man.convert("".join(f"\n### {part}" for part in rest), 0)
    body += [".SH FILES", ".TP", "\\fB~/.config/restante\\fR", "places, keys and outbox of this device; \\fBRESTANTE_HOME\\fR moves it",
             ".SH SEE ALSO", "restanted(8), restante.toml(5)"]
    return man.page("restante", 1, version, "ask a place to download, and take the files home later",
                    ["`restante` [_options_] _command_ [_arguments_]"], body)


def restanted_8(version: str, tree: help_tree.Command) -> str:
    text = (ROOT / "packaging" / "man" / "restanted.8.md").read_text()
    body = []
    for line in man.convert(text):
        if line == "{commands}":
            body.pop()  # the paragraph's own request
            body += command_lines(tree)
        elif line == "{options}":
            body.pop()
            body += [one for option in tree.options if "--help" not in option.names for one in option_lines(option)]
        else:
            body.append(line)
    return man.page("restanted", 8, version, "the place that downloads while you are away",
                    ["`restanted` [_options_] _command_ [_arguments_]"], body)


def restante_toml_5(version: str) -> str:
    text = (ROOT / "docs" / "configuration.md").read_text()
    introduction, *rest = text.split("\n## ")
    body = [".SH DESCRIPTION", *man.convert(introduction.split("\n", 1)[1] if introduction.startswith("# ") else introduction)]
    body += man.convert("".join(f"\n## {part}" for part in rest))
    body += [".SH SEE ALSO", "restanted(8), restante(1)"]
    return man.page("restante.toml", 5, version, "configuration of the place", [], body)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("--programs", type=pathlib.Path, required=True)
    options.add_argument("--version", required=True)
    options.add_argument("--emulator", default="", help="what runs the programs, when they are built for another machine")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    start = chosen.emulator.split(";") if chosen.emulator else []
    trees = {name: help_tree.read([*start, str(chosen.programs / name)], [name]) for name in ("restante", "restanted")}
    made = {"restante.1": restante_1(chosen.version), "restanted.8": restanted_8(chosen.version, trees["restanted"]),
            "restante.toml.5": restante_toml_5(chosen.version),
            **{f"{name}.bash": bash_completion.script(tree) for name, tree in trees.items()}}
    for name, text in made.items():
        (chosen.out / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
