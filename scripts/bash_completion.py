# SPDX-License-Identifier: Apache-2.0
"""A program's bash completion, made from what it says of itself."""
import help_tree

FRAME = """# bash completion of {name}; made by scripts/make_manual.py
# SPDX-License-Identifier: Apache-2.0
_{function}() {{
  local word path={name} cur=${{COMP_WORDS[COMP_CWORD]}} prev= commands= options= files= skip= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    if [ -n "$skip" ]; then skip=; continue; fi
    case "$path $word" in
{steps}
      *) case "$word" in {valued}) skip=1; prev=$word ;; esac ;;
    esac
  done
  # What the option before takes: one of a few words, a file, or something that nobody can guess.
  if [ -n "$skip" ]; then
    case "$path $prev" in
{values}
    esac
    return
  fi
  case "$path" in
{entries}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    if [ -n "$files" ]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY+=($(compgen -f -- "$cur"))
    fi
  fi
}}
complete -F _{function} {name}
"""
FILES = ("FILE", "PATH", "DIR")


def script(root: help_tree.Command) -> str:
    everywhere = [name for option in root.options for name in option.names]
    steps, entries, values, valued = [], [], [], set()
    for command in root.all():
        path = " ".join(command.path)
        if command is not root:
            steps.append(f'      "{path}") path="{path}" ;;')
        own = [name for option in command.options for name in option.names]
        words = " ".join(sorted(set(own + everywhere)))
        files = " files=1" if any(one.names[0].strip("[]") in FILES for one in command.positionals) else ""
        children = " ".join(child.path[-1] for child in command.children)
        entries.append(f'    "{path}") commands="{children}" options="{words}"{files} ;;')
        for option in command.options:
            if not (option.value or option.choices):
                continue
            valued.update(option.names)
            for name in option.names:
                left = f'      *" {name}")' if command is root else f'      "{path} {name}")'
                if option.choices:
                    values.append(f'{left} COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur")) ;;')
                elif option.value.split("=")[0] in FILES:
                    values.append(f'{left} compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;')
    return FRAME.format(name=root.path[0], function=root.path[0].replace("-", "_"), steps="\n".join(steps), values="\n".join(values or ["      -) ;;"]),
                        entries="\n".join(entries), valued=" | ".join(sorted(valued)) or "-")
