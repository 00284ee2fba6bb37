#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Node for whatever needs it: the machine's own where it is new enough, else one under .tools.
#   node.sh COMMAND...   runs it with that Node first on the PATH
#   node.sh --fetch      makes sure that there is one (./dev setup)
#   node.sh --ci DIR...  `npm ci` in each, if its package-lock.json changed since
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian 12's Node 18 is too old for Vite 8; the npm package is the binary itself.
NODE=22.23.3 NPM=10.9.9
OWN=$ROOT/.tools/node_modules

new_enough() {  # ^20.19 || >=22.12, as Vite and the Svelte plugin want it
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
             process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
}

own_path() {
  local binaries=("$OWN"/node-linux-*/bin)
  [ -x "${binaries[0]}/node" ] && [ -x "$OWN/.bin/npm" ] && PATH="${binaries[0]}:$OWN/.bin:$PATH"
}

fetch() {
  new_enough && return
  own_path && new_enough && return
  command -v npm >/dev/null || { echo "node: there is no npm to fetch Node with; run ./dev setup build" >&2; exit 1; }
  local machine
  case "$(uname -m)" in
    x86_64) machine=x64 ;;
    aarch64) machine=arm64 ;;
    *) echo "node: no Node is packed for $(uname -m); put Node 20.19, 22.12 or later on the PATH" >&2; exit 1 ;;
  esac
  echo "setup: fetching Node $NODE" >&2
  npm install --silent --no-audit --no-fund --no-save --prefix "$ROOT/.tools" "node-linux-$machine@$NODE" "npm@$NPM" >&2
}

use() {
  new_enough && return
  own_path && new_enough && return
  echo "node: Node 20.19, 22.12 or later is missing: ./dev setup build fetches one" >&2
  exit 1
}

ci() {
  local dir=$1 kept=$1/node_modules/.restante-lock
  (
    flock 9
    cmp -s "$dir/package-lock.json" "$kept" && exit
    npm ci --silent --no-audit --no-fund --prefix "$dir" >&2
    cp "$dir/package-lock.json" "$kept"
  ) 9<"$dir/package-lock.json"
}

case "${1:-}" in
  --fetch) fetch ;;
  --ci) shift; use; for dir in "$@"; do ci "$dir"; done ;;
  "") echo "node: say a command, --fetch or --ci DIR" >&2; exit 2 ;;
  *) use; exec "$@" ;;
esac
