# SPDX-License-Identifier: Apache-2.0
"""Independent readers of addresses and URLs, to be compared with the server's own (guard_server judge, guard_server urls)."""
import ctypes
import ipaddress
import json
import random
import subprocess

from bed import BIN

from . import ranges

PROGRAM = BIN / "tests" / "guard_server"
HOST, CURLU_PUNYCODE = 5, 1 << 12


def ask(what: str, lines: list[str]) -> list[str]:
    done = subprocess.run([PROGRAM, what], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=120)
    out = done.stdout.splitlines()
    if len(out) != len(lines):
        raise RuntimeError(f"{len(lines)} questions, {len(out)} answers")
    return out


# ---- addresses

def is_public(address) -> bool:
    """By Python's table, the exceptions that ranges.py lists, and what the address carries."""
    if any(address in network for network in ranges.OLDER_ORACLE if network.version == address.version and not carried(address)):
        return False
    if address.version == 4:
        return address.is_global
    if address.packed[8:12] in (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe", b"\1\0\x5e\xfe", b"\3\0\x5e\xfe"):
        return address.is_global and is_public(ipaddress.IPv4Address(address.packed[12:]))
    if carried(address):
        return is_public(ipaddress.IPv4Address(address.packed[12:]))
    return address.is_global


def carried(address) -> bool:
    return any(address in network for network in ranges.CARRIED if network.version == address.version)


def addresses(dice: random.Random, count: int) -> list:
    """Both sides of every border, random ones of every range and of everywhere, and IPv4 in every carrier."""
    out = []
    for network in [*ranges.RANGES, *ranges.OLDER_ORACLE, *ranges.CARRIED]:
        first, last = int(network[0]), int(network[-1])
        make = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
        out += [make(number) for number in (first - 1, first, first + 1, last - 1, last, last + 1) if 0 <= number < 1 << network.max_prefixlen]
        out += [ranges.inside(network, dice) for _ in range(count // 100)]
    for _ in range(count):
        four = ipaddress.IPv4Address(dice.getrandbits(32))
        out += [four, ipaddress.IPv6Address(dice.getrandbits(128)), ipaddress.IPv6Address(1 << 125 | dice.getrandbits(125))]
        out.append(ipaddress.IPv6Address(dice.choice(list(ranges.carriers(four).values()))))
    return out


def disagreements_about_addresses(seed: int, count: int) -> tuple[int, list[str]]:
    asked = addresses(random.Random(seed), count)
    said = ask("judge", list(map(str, asked)))
    wrong = [f"{one}: {answer}, but public is {is_public(one)}" for one, answer in zip(asked, said) if (answer == "pass") != is_public(one)]
    wrong += [f"{one} of {network} passes" for network in ranges.RANGES for one, answer in zip(asked, said)
              if answer == "pass" and one.version == network.version and one in network]
    return len(asked), wrong


# ---- URLs

class Curl:
    """libcurl's own reading, without our program around it."""

    def __init__(self):
        self.library = ctypes.CDLL("libcurl.so.4")
        self.library.curl_url.restype = ctypes.c_void_p
        self.library.curl_url_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        self.library.curl_url_get.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.c_uint]
        self.library.curl_url_cleanup.argtypes = [ctypes.c_void_p]

    def host(self, url: str) -> str | None:
        if "\0" in url:
            return None
        handle = self.library.curl_url()
        try:
            if self.library.curl_url_set(handle, 0, url.encode("utf-8"), 0) != 0:
                return None
            text = ctypes.c_char_p()
            if self.library.curl_url_get(handle, HOST, ctypes.byref(text), CURLU_PUNYCODE) != 0:
                return None
            return text.value.decode().lower().strip("[]")
        finally:
            self.library.curl_url_cleanup(handle)


def browsers_hosts(urls: list[str]) -> list[str | None]:
    """As the URL standard reads them (Node has the browsers' rules)."""
    program = ("const fs = require('fs'); for (const line of fs.readFileSync(0, 'utf8').trimEnd().split('\\n')) { let host = null; "
               "try { const url = new URL(JSON.parse(line)); if (/^https?:$/.test(url.protocol)) host = url.hostname; } catch {} "
               "console.log(JSON.stringify(host)); }")
    done = subprocess.run(["node", "-e", program], input="\n".join(map(json.dumps, urls)) + "\n", capture_output=True, text=True, check=True)
    return [host and host.strip("[]") for host in map(json.loads, done.stdout.splitlines())]


def same_host(ours: str, theirs: str) -> bool:
    try:
        return ipaddress.ip_address(ours) == ipaddress.ip_address(theirs)
    except ValueError:
        return ours == theirs


def disagreements_about_urls(urls: list[str]) -> tuple[int, list[str]]:
    """How many URLs we accept, and those whose host somebody else reads otherwise."""
    curl, accepted, wrong = Curl(), 0, []
    for url, line, browser in zip(urls, ask("urls", list(map(json.dumps, urls))), browsers_hosts(urls)):
        read = json.loads(line)
        if "host" not in read:
            continue
        accepted += 1
        for reader, host in (("libcurl", curl.host(url)), ("libcurl, of our text", curl.host(read["text"])), ("browsers", browser)):
            if host is not None and not same_host(read["host"], host):
                wrong.append(f"{url!r}: we read {read['host']!r}, {reader} {host!r}")
    return accepted, wrong
