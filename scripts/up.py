#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev up: starts restanted for real use, with its usual data folder, and prints the URL that connects a device.

RESTANTE_DATA chooses another folder. The first run makes a user with your login's name. Ctrl-C stops the server; what it
holds stays, and goes on at the next start.
"""
import getpass
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

BIN = pathlib.Path(__file__).resolve().parent.parent / "build" / "bin"


def main() -> int:
    restanted = str(BIN / "restanted")
    user = re.sub(r"[^a-z0-9._-]", "-", getpass.getuser().lower()) or "me"
    users = subprocess.run([restanted, "--json", "user", "list"], capture_output=True, text=True)
    if users.returncode == 0 and not users.stdout.strip():
        password = subprocess.run(["openssl", "rand", "-base64", "18"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run([restanted, "user", "add", user, "--role", "admin", "--password-stdin"], input=password + "\n", text=True,
                       check=True)
        print(f"made the user {user} with the password {password} (change it: {shlex.quote(restanted)} user passwd {user})")
    names = subprocess.run([restanted, "--json", "user", "list"], capture_output=True, text=True, check=True).stdout
    first = re.search(r'"name":"([^"]+)"', names.replace('": "', '":"'))
    server = subprocess.Popen([restanted, "serve"], stderr=subprocess.PIPE, text=True, env=os.environ)
    signal.signal(signal.SIGINT, lambda *_: server.terminate())
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    assert server.stderr and first
    for line in server.stderr:
        sys.stderr.write(line)
        if "listening on" in line:
            break
    if server.poll() is None:
        address = subprocess.run([restanted, "pair", first.group(1)], text=True, stdout=subprocess.PIPE).stdout.strip()
        print("open this address in a browser, or connect a device with the line below; it is valid once and for 15 minutes:")
        print(f"  {address}")
        print(f"  {shlex.quote(str(BIN / 'restante'))} place add home '{address}'", flush=True)
    for line in server.stderr:
        sys.stderr.write(line)
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
