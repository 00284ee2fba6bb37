# SPDX-License-Identifier: Apache-2.0
"""A whole internet in one namespace: every address that this side does not have itself answers there, public or not.

This side (where the server under test runs) has one cable and default routes into it. On this side a sniffer counts every
connection attempt by destination address and port, also those on loopback; nothing forbidden has to listen for it to be seen.
"""
import asyncio
import collections
import ctypes
import ipaddress
import pathlib
import socket
import subprocess
import sys
import threading
import time

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord

from bed.namespaces import Host
from bed.process import BedError, wait_until

# Addresses that belong to nobody special: everything that the world calls public comes from here.
PUBLIC4 = ipaddress.ip_network("93.0.0.0/10")
PUBLIC6 = ipaddress.ip_network("2a0a:4000::/32")
HERE4, THERE4, HERE6, THERE6, NAMES = "93.255.0.1", "93.255.0.2", "2a0a:ffff::1", "2a0a:ffff::2", "93.254.0.53"
OWN_PRIVATE = ("10.77.0.1", "fd77::1")  # this side's own, where accounts with --lan may not go
MAC_HERE, MAC_THERE = "02:00:00:00:00:01", "02:00:00:00:00:02"
SITE_PORT, ZONE, BODY_BYTES = 80, "guard.test", 256
SYN, ACK, TCP, UDP, OUTGOING = 0x02, 0x10, 6, 17, 4


def is_public(address: str) -> bool:
    one = ipaddress.ip_address(address)
    return one in (PUBLIC4 if one.version == 4 else PUBLIC6)


def public4(number: int) -> str:
    return str(PUBLIC4[number])


def public6(number: int) -> str:
    return str(PUBLIC6[number])


def _run(*command) -> None:
    subprocess.run(command, check=True, capture_output=True)


def inside(name: str, make):
    """make() on a thread of that namespace: the sockets it opens belong there for ever."""
    result = {}

    def work():
        with open(f"/run/netns/{name}") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
                result["error"] = OSError(ctypes.get_errno(), "setns")
                return
        try:
            result["value"] = make()
        except OSError as error:
            result["error"] = error
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in result:
        raise BedError(f"no socket in {name}: {result['error']}")
    return result["value"]


class Sniffer(threading.Thread):
    """Every TCP SYN that leaves this side, on any interface: `seen[port]` is the set of addresses it went to."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: root only
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.seen: dict[int, set[str]] = collections.defaultdict(set)
        self.datagrams: set[tuple[str, int]] = set()

    def run(self):
        buffer = bytearray(2048)
        while True:
            size, place = self.socket.recvfrom_into(buffer)
            if place[2] == OUTGOING:
                self.look(buffer, size, place[1], place[0])

    def look(self, data: bytearray, size: int, kind: int, interface: str) -> None:
        if kind == 0x0800 and size >= 20:
            family, start, protocol, to = socket.AF_INET, (data[0] & 15) * 4, data[9], bytes(data[16:20])
        elif kind == 0x86dd and size >= 40:
            family, start, protocol, to = socket.AF_INET6, 40, data[6], bytes(data[24:40])
        else:
            return
        port = int.from_bytes(data[start + 2:start + 4], "big")
        if protocol == TCP and data[start + 13] & (SYN | ACK) == SYN:
            self.seen[port].add(socket.inet_ntop(family, to))
        elif protocol == UDP and interface != "lo":
            self.datagrams.add((socket.inet_ntop(family, to), port))

    def dropped(self) -> int:
        """Packets that the kernel could not keep for us since the last call."""
        return int.from_bytes(self.socket.getsockopt(263, 6, 8)[4:8], sys.byteorder)  # SOL_PACKET, PACKET_STATISTICS


class Names(threading.Thread):
    """The only name server. A name's rule is called with the number of its look-up (1, 2, ...; A and AAAA count apart)
    and returns addresses, or a name that it is an alias of. No answer may be kept (TTL 0)."""

    def __init__(self, place: socket.socket):
        super().__init__(daemon=True)
        self.socket = place
        self.rules: dict[str, object] = {}
        self.asked: collections.Counter = collections.Counter()
        self.given: dict[str, list[str]] = collections.defaultdict(list)

    def run(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(self.answer(DNSRecord.parse(packet)).pack(), client)
            except (OSError, ValueError) as error:
                print(f"name server: {error}", file=sys.stderr)

    def answer(self, query: DNSRecord) -> DNSRecord:
        reply, name, kind = query.reply(), str(query.q.qname).rstrip(".").lower(), QTYPE[query.q.qtype]
        if kind not in ("A", "AAAA") or name not in self.rules:
            reply.header.rcode = RCODE.NXDOMAIN if name not in self.rules else RCODE.NOERROR
            return reply
        self.asked[name, kind] += 1
        number, owner = self.asked[name, kind], name
        for _ in range(8):
            said = self.rules[owner](number)
            if not isinstance(said, str):
                break
            reply.add_answer(RR(owner, QTYPE.CNAME, rdata=CNAME(said), ttl=0))
            owner = said
        for address in said:
            if (":" in address) == (kind == "AAAA"):
                self.given[name].append(address)
                reply.add_answer(RR(owner, getattr(QTYPE, kind), rdata=(AAAA if kind == "AAAA" else A)(address), ttl=0))
        return reply


class Site(threading.Thread):
    """Answers HTTP at port 80 of every address of the world. /ok/... is a small file; /hop/ID/N is redirect number N of a plan."""

    def __init__(self, places: list[socket.socket]):
        super().__init__(daemon=True)
        self.places = places
        self.plans: dict[str, list[tuple[int, str]]] = {}
        self.requests: list[tuple[str, str, str]] = []  # address that was connected, Host, path

    def run(self):
        async def serve():
            servers = [await asyncio.start_server(self.talk, sock=place, limit=1 << 20, backlog=4096) for place in self.places]
            await asyncio.gather(*(server.serve_forever() for server in servers))
        asyncio.run(serve())

    async def talk(self, reader, writer):
        address = writer.get_extra_info("sockname")[0]
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *fields = head.decode("latin-1").split("\r\n")
                path = first.split(" ")[1]
                host = next((field[5:].strip() for field in fields if field.lower().startswith("host:")), "")
                self.requests.append((address, host, path))
                writer.write(self.answer(path))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            pass
        finally:
            writer.close()

    def answer(self, path: str) -> bytes:
        parts = path.split("/")
        if parts[1] == "hop" and len(parts) >= 4 and parts[2] in self.plans and parts[3].isdigit() \
                and int(parts[3]) < len(self.plans[parts[2]]):
            code, target = self.plans[parts[2]][int(parts[3])]
            if code == 200:  # an answer that only pretends to lead elsewhere
                page = f'<meta http-equiv="refresh" content="0;url={target}">'.ljust(BODY_BYTES).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nRefresh: 0;url={target}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
                return head.encode() + page
            return b"HTTP/1.1 %d Over there\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (code, target.encode("utf-8", "surrogateescape"))
        body = f"public {path}"[:BODY_BYTES].ljust(BODY_BYTES).encode("latin-1")
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nETag: \"1\"\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class World:
    def __init__(self, folder: pathlib.Path):
        self.host = Host("world")
        name = self.host.name
        _run("ip", "link", "add", "e0", "address", MAC_HERE, "type", "veth", "peer", "name", "e1", "address", MAC_THERE, "netns", name)
        for to, interface, four, six in (([], "e0", HERE4, HERE6), (["-n", name], "e1", THERE4, THERE6)):
            _run("ip", *to, "addr", "add", f"{four}/24", "dev", interface)
            _run("ip", *to, "addr", "add", f"{six}/64", "dev", interface, "nodad")
            _run("ip", *to, "link", "set", interface, "up")
        for own in OWN_PRIVATE:
            _run("ip", "addr", "add", own, "dev", "lo", *(["nodad"] if ":" in own else []))
        # Nobody has to ask who a neighbour is: the first packet goes out at once.
        for to, interface, four, six, mac in (([], "e0", THERE4, THERE6, MAC_THERE), (["-n", name], "e1", HERE4, HERE6, MAC_HERE)):
            _run("ip", *to, "neigh", "replace", four, "lladdr", mac, "dev", interface)
            _run("ip", *to, "neigh", "replace", six, "lladdr", mac, "dev", interface)
        _run("ip", "route", "add", "default", "via", THERE4)
        _run("ip", "-6", "route", "add", "default", "via", THERE6)
        # Whatever else arrives there is for the world itself. In the main table, so that this side's subnet comes first.
        _run("ip", "-n", name, "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "main")
        _run("ip", "-n", name, "-6", "route", "add", "local", "::/0", "dev", "lo", "table", "main")
        resolv = folder / "resolv.conf"
        resolv.write_text(f"nameserver {NAMES}\noptions timeout:10 attempts:1\n")
        _run("mount", "--bind", str(resolv), "/etc/resolv.conf")  # in our own mount namespace only
        self.names = Names(inside(name, lambda: self.bound(socket.SOCK_DGRAM, NAMES, 53)))
        self.site = Site([inside(name, lambda: self.bound(socket.SOCK_STREAM, "0.0.0.0", SITE_PORT)),
                          inside(name, lambda: self.bound(socket.SOCK_STREAM, "::", SITE_PORT))])
        self.sniffer = Sniffer()
        self.listeners: list[socket.socket] = []
        for part in (self.names, self.site, self.sniffer):
            part.start()
        wait_until("the world", self.complete)

    @staticmethod
    def bound(kind: int, address: str, port: int) -> socket.socket:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in address:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        return one

    @staticmethod
    def complete() -> bool:
        try:
            for address in (public4(1), public6(1), "10.0.0.1", "fd00::1"):
                socket.create_connection((address, SITE_PORT), timeout=1).close()
            return True
        except OSError:
            return False

    def listen(self, port: int) -> None:
        """Somebody listens at that port everywhere, here and there, and never answers."""
        def both():
            return [self.bound(socket.SOCK_STREAM, address, port) for address in ("0.0.0.0", "::")]
        for one in (*both(), *inside(self.host.name, both)):
            one.listen(16)
            self.listeners.append(one)

    def fall_silent(self) -> None:
        while self.listeners:
            self.listeners.pop().close()

    def touch(self, address: str, port: int) -> None:
        """One attempt of our own, for the controls of the sniffer."""
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
            one.settimeout(2)
            one.connect_ex((address, port))

    def settle(self, port: int) -> None:
        """Until the sniffer has read everything that was sent so far: a last attempt of ours is the mark."""
        self.touch("10.255.255.254", port)
        wait_until("the sniffer", lambda: "10.255.255.254" in self.sniffer.seen[port])


def preload(folder: pathlib.Path) -> pathlib.Path:
    library = folder / "connects.so"
    _run("clang-19", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(library), str(pathlib.Path(__file__).parent / "connects.c"))
    return library


def read_connects(log: pathlib.Path) -> dict[int, set[str]]:
    seen: dict[int, set[str]] = collections.defaultdict(set)
    if log.exists():
        for line in log.read_text().splitlines():
            address, port = line.split()
            seen[int(port)].add(address)
    return seen


def soon(seconds: float) -> str:
    """An instant as documents write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
