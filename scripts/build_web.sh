#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The web app's bundle, into a folder outside the source tree: build_web.sh OUT. One at a time: the types that are made from
# the contract lie in the source tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$1
scripts/node.sh --ci web
exec 9<web/package.json
flock 9
mkdir -p "$out"
cd web
NO_COLOR=1 RESTANTE_WEB_OUT=$out NODE_ENV=production ../scripts/node.sh npm run --silent build >"$out.log" 2>&1 || { cat "$out.log" >&2; exit 1; }
