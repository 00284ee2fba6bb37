#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs by name what a step needs, and nothing that is there already: setup.sh build|demo|test|bench|soak|fuzz|package
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What builds the programs, and the machines of the demo.
build=(clang-19 lld-19 cmake ninja-build ccache pkg-config ca-certificates
  libboost1.81-dev libboost-url1.81-dev libboost-json1.81-dev libcurl4-openssl-dev libsqlitecpp-dev libsqlite3-dev libssl-dev
  libsodium-dev libxxhash-dev libutf8proc-dev libhowardhinnant-date-dev tzdata libexpected-dev libcli11-dev libtomlplusplus-dev libspdlog-dev
  libfmt-dev libqrencode-dev libpugixml-dev libseccomp-dev zlib1g-dev python3 python3-yaml nginx-light openssl iproute2 util-linux)
# What the demo adds: a mail server, and a browser that takes the content.
demo=("${build[@]}" chromium python3-aiosmtpd libnss3-tools)
# What the tests add: sanitizers, test libraries, real peers, and Node for the schema's own validator.
test=("${demo[@]}" libclang-rt-19-dev clang-format-19 libgtest-dev libgmock-dev libical-dev python3-pytest python3-pytest-xdist python3-dnslib python3-h2 curl git strace apache2-bin xfsprogs e2fsprogs mount groff-base binutils
  jose dovecot-imapd python3-cryptography nftables qrencode vsftpd openssh-server)
bench=("${build[@]}" curl aria2 wget2 valgrind wrk chromium firefox-esr libnss3-tools)
package=("${build[@]}" debhelper dpkg-dev binutils)
fuzz=("${build[@]}" libclang-rt-19-dev llvm-19 libgtest-dev libgmock-dev git)
soak=("${fuzz[@]}" debhelper dpkg-dev binutils podman runc debootstrap xfsprogs e2fsprogs mount python3-dnslib apache2-bin
  python3-cryptography python3-pytest curl chromium firefox-esr)

want=${1:-demo}
case "$want" in
  build) packages=("${build[@]}") ;;
  demo) packages=("${demo[@]}") ;;
  test) packages=("${test[@]}") ;;
  bench) packages=("${bench[@]}") ;;
  soak) packages=("${soak[@]}") ;;
  fuzz) packages=("${fuzz[@]}") ;;
  package) packages=("${package[@]}") ;;
  *) echo "setup: '$want' is not known; say build, demo, test, bench, soak, fuzz or package" >&2; exit 2 ;;
esac
# The web app needs Node, and npm fetches one where the machine's own is too old (scripts/node.sh).
if [ "$want" != fuzz ] && ! command -v npm >/dev/null; then packages+=(nodejs npm); fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: these packages are missing: ${missing[*]}. Run ./dev setup $want as root, or install sudo." >&2; exit 1; }
    as_root=(sudo)
  fi
  echo "setup: installing ${#missing[@]} packages" >&2
  # A fresh machine has no package lists, and old lists name packages that are gone.
  "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=400 update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=400 \
    -o Dpkg::Use-Pty=0 install "${missing[@]}" >&2
fi
case "$want" in
  fuzz) ;;
  test) scripts/node.sh --fetch && scripts/node.sh --ci web tests/contract tests/web ;;
  bench) scripts/node.sh --fetch && scripts/node.sh --ci web bench/web tests/web ;;
  soak) scripts/node.sh --fetch && scripts/node.sh --ci web tests/web ;;
  *) scripts/node.sh --fetch && scripts/node.sh --ci web ;;
esac
