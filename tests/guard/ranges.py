# SPDX-License-Identifier: Apache-2.0
"""What is not public, written down once more from the registries, and the forms in which it may hide.

RANGES is the IANA IPv4 and IPv6 Special-Purpose Address Registry row by row, then what other documents keep apart.
"""
import ipaddress
import random

RANGES = [ipaddress.ip_network(text) for text in """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 192.0.0.8/32
192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24
192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32
224.0.0.0/4 168.63.129.16/32 169.254.169.254/32
::1/128 ::/128 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48
2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16
fc00::/7 fe80::/10 fec0::/10 ff00::/8 fd00:ec2::254/128
::/96 ::ffff:0:0:0/96 4000::/3 8000::/2 200::/7
""".split()]

# ipaddress.is_global of Python 3.11 follows an older edition of the registries. Where it says "global", we say why not.
OLDER_ORACLE = [ipaddress.ip_network(text) for text in """
192.0.0.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.175.48.0/24 224.0.0.0/4 168.63.129.16/32
64:ff9b:1::/48 100:0:0:1::/64 2001::/23 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fec0::/10 ff00::/8 ::/8 100::/8 200::/7 400::/6
800::/5 1000::/4 4000::/2 8000::/1
""".split()]
# Reachable for all, but what they carry decides: these hold addresses of both kinds.
CARRIED = [ipaddress.ip_network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96")]


def inside(network, dice: random.Random):
    return network[dice.randrange(network.num_addresses)]


def samples(dice: random.Random, more: int):
    """(network, address): both ends of each range and `more` random ones."""
    for network in RANGES:
        for address in dict.fromkeys([network[0], network[-1], *(inside(network, dice) for _ in range(more))]):
            yield network, address


def v4_samples(dice: random.Random, count: int) -> list[ipaddress.IPv4Address]:
    ranges = [network for network in RANGES if network.version == 4]
    return [inside(ranges[number % len(ranges)], dice) for number in range(count)]


def _v6(*parts: bytes) -> str:
    return str(ipaddress.IPv6Address(b"".join(parts)))


def carriers(address: ipaddress.IPv4Address) -> dict[str, str]:
    """The same IPv4 address inside every IPv6 form that carries one."""
    four = address.packed
    hidden = bytes(byte ^ 0xff for byte in four)
    return {
        "mapped": _v6(bytes(10), b"\xff\xff", four),
        "compatible": _v6(bytes(12), four),
        "siit": _v6(bytes(8), b"\xff\xff\0\0", four),
        "nat64": _v6(b"\0\x64\xff\x9b", bytes(8), four),
        "nat64-local-48": _v6(b"\0\x64\xff\x9b\0\1", four[:2], b"\0", four[2:], bytes(5)),
        "nat64-local-64": _v6(b"\0\x64\xff\x9b\0\1\0\0", b"\0", four, bytes(3)),
        "nat64-local-96": _v6(b"\0\x64\xff\x9b\0\1", bytes(6), four),
        "6to4": _v6(b"\x20\x02", four, bytes(9), b"\1"),
        "teredo": _v6(b"\x20\x01\0\0", b"\x5d\x01\x02\x03", b"\0\0", b"\x12\x34", hidden),
        "teredo-server": _v6(b"\x20\x01\0\0", four, b"\0\0", b"\x12\x34", bytes(byte ^ 0xff for byte in b"\x5d\x01\x02\x03")),
        "isatap": _v6(b"\x2a\x0a\x40\0\0\0\0\1", b"\0\0\x5e\xfe", four),
        "isatap-global": _v6(b"\x2a\x0a\x40\0\0\0\0\1", b"\2\0\x5e\xfe", four),
    }


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xfee0) if "!" <= c <= "~" else c for c in text)


def spellings4(address: ipaddress.IPv4Address) -> dict[str, str]:
    """Authorities, but for the port, that some program somewhere takes for this address."""
    a, b, c, d = address.packed
    number = int(address)
    plain = str(address)
    return {
        "decimal": str(number), "hexadecimal": f"0x{number:08x}", "hexadecimal-upper": f"0X{number:08X}", "octal": f"0{number:o}",
        "octal-fields": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", "hexadecimal-fields": f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        "mixed-fields": f"0x{a:x}.0{b:o}.{c}.{d}", "two-parts": f"{a}.{number & 0xffffff}", "three-parts": f"{a}.{b}.{number & 0xffff}",
        "padded": f"{a:04d}.{b:04d}.{c:03d}.{d:03d}", "dot-at-the-end": plain + ".", "decimal-with-dot": f"{number}.",
        "more-than-32-bits": str(number + (1 << 32)), "full-width": _wide(plain), "full-width-digits": _wide(plain).replace("．", "."),
        "ideographic-dots": plain.replace(".", "。"), "percent-encoded": "".join(f"%{ord(x):02x}" for x in plain),
        "percent-encoded-dot": plain.replace(".", "%2e"), "user-in-front": f"public.guard.test@{plain}",
        "user-with-port": f"93.0.0.9:80@{plain}", "user-twice": f"a@93.0.0.9@{plain}", "backslash": f"93.0.0.9\\@{plain}",
        "encoded-nul": f"{plain}%00.guard.test", "encoded-slash": f"{plain}%2f.guard.test", "tab-inside": plain.replace(".", ".\t", 1),
        "plus": f"+{plain}", "leading-space": f" {plain}", "name-of-it": f"{plain}.as.guard.test", "brackets": f"[{plain}]",
        "mapped-in-words": f"[::ffff:{plain}]", "mapped-in-full": f"[0:0:0:0:0:FFFF:{plain}]",
    }


def in_octal(spelling: str) -> ipaddress.IPv4Address | None:
    """The address, if every field with a zero in front is octal."""
    try:
        return ipaddress.IPv4Address(bytes(int(field, 8 if field.startswith("0") else 10) for field in spelling.split(".")))
    except ValueError:
        return None


def spellings6(address: ipaddress.IPv6Address) -> dict[str, str]:
    short, full, tail = str(address), address.exploded, ipaddress.IPv4Address(address.packed[12:])
    head = ":".join(full.split(":")[:6])
    return {
        "full": f"[{full}]", "upper-case": f"[{full.upper()}]", "dotted-end": f"[{head}:{tail}]", "padded": f"[0{full}]",
        "zone": f"[{short}%25lo]", "bare-zone": f"[{short}%lo]", "zone-number": f"[{short}%251]", "no-brackets": short,
        "encoded-colons": f"[{short.replace(':', '%3A')}]", "space": f"[ {short}]", "future": f"[v1.{short}]",
        "dot-behind": f"[{short}].", "text-behind": f"[{short}]x", "user-in-front": f"93.0.0.9@[{short}]",
        "prefix": f"[{short}/64]", "full-width": f"[{_wide(short)}]",
    }
