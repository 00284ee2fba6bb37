# SPDX-License-Identifier: Apache-2.0
"""The words that cmd.exe and the C library of Windows make of a command: by their documentation, and by none of our own code."""


def after_cmd(line: str) -> str:
    """What cmd.exe hands to a program of what was pasted at its prompt. %NAME% stays as it is: nothing is called so there."""
    out, quoted, at = [], False, 0
    while at < len(line):
        sign = line[at]
        if sign == '"':
            quoted = not quoted
        elif sign == "^" and not quoted:
            at += 1
            if line[at:at + 2] == "\r\n":
                at += 1
            if line[at:at + 1] == "\n":  # goes, and what follows it is taken as it stands
                at += 1
            out.append(line[at:at + 1])
            at += 1
            continue
        elif sign in "&|<>\n" and not quoted:
            raise ValueError(f"{sign!r} ends the command at {at}")
        elif sign == "\n":
            raise ValueError(f"a line ends within quotes at {at}")
        out.append(sign)
        at += 1
    return "".join(out)


def arguments(text: str) -> list[str]:
    """The arguments of a program that was built with Microsoft's C library ("Parsing C command-line arguments")."""
    words, word, quoted, begun, at = [], [], False, False, 0
    while at < len(text):
        slashes = len(text[at:]) - len(text[at:].lstrip("\\"))
        if slashes:
            at += slashes
            if text[at:at + 1] == '"':
                word.append("\\" * (slashes // 2))
                if slashes % 2:
                    word.append('"')
                    at += 1
            else:
                word.append("\\" * slashes)
            begun = True
            continue
        sign = text[at]
        at += 1
        if sign == '"':
            begun = True
            if quoted and text[at:at + 1] == '"':
                word.append('"')
                at += 1
            else:
                quoted = not quoted
        elif sign in " \t" and not quoted:
            if begun:
                words.append("".join(word))
            word, begun = [], False
        else:
            word.append(sign)
            begun = True
    return words + (["".join(word)] if begun else [])


def cmd_words(command: str) -> list[str]:
    return arguments(after_cmd(command.rstrip("\r\n")))
