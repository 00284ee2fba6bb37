#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Format and house rules, in seconds: clang-format, prettier, the web app's types, SPDX lines, layers, unfinished marks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 --dry-run --Werror
without=$(git ls-files '*.cpp' '*.hpp' '*.py' '*.sh' '*.mjs' '*.ts' '*.svelte' 'web/*.css' 'web/*.js' '*.cmake' '*CMakeLists.txt' dev .ci/run | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
[ -z "$without" ] || { echo "no SPDX line in: $without" >&2; exit 1; }
if git grep -nE '\b(TODO|FIXME|XXX|HACK)\b' -- '*.cpp' '*.hpp' '*.py' '*.sh' '*.mjs' '*.ts' '*.svelte' 'web/*.css' dev ':!scripts/lint.sh'; then
  echo "unfinished marks: finish them, or say them in docs/limits.md" >&2; exit 1
fi
/usr/bin/python3 scripts/check_layers.py
/usr/bin/python3 scripts/web_flows.py --check
scripts/node.sh npm --prefix web run --silent format:check
scripts/node.sh npm --prefix web run --silent check
/usr/bin/python3 -m compileall -q scripts tests bench
