#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The browser extension, for both kinds of browsers: build_extension.sh OUT makes OUT/chromium and OUT/firefox.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p "$1"
out=$(realpath "$1")
scripts/node.sh --ci web
exec 9<web/package.json
flock 9
cd web
{
  ../scripts/node.sh npm run --silent generate
  NO_COLOR=1 RESTANTE_EXTENSION_OUT=$out NODE_ENV=production ../scripts/node.sh npm run --silent --workspace extension build
} >"$out.log" 2>&1 || { cat "$out.log" >&2; exit 1; }
