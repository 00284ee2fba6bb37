# SPDX-License-Identifier: Apache-2.0
"""Every attack on the address guard as one request each, with a port of its own, so that a packet tells which request sent it.

Attacks and their twins: for each form in which a forbidden address may come there is one with a public address, which must
arrive (or, spelt in a way that we do not read, be refused; never lead elsewhere).
"""
import dataclasses
import ipaddress
import random

from . import ranges, readers, schemes, urls
from .world import OWN_PRIVATE, SITE_PORT, ZONE, World, public4, public6

FIRST_PORT, LAST_PORT = 1100, 32000
CODES = (301, 302, 303, 307, 308)
LAST_HOP = 10  # the redirects that one transfer may follow
REFUSED = frozenset({"address"})
# What a reader of URLs may say of a spelling before any address is known.
UNREAD = frozenset({"address", "invalid", "dns", "scheme"})
DONE = frozenset({"done"})
ANY_FAILURE = frozenset({"address", "malformed", "server-error", "redirect-refused", "auth-required", "forbidden", "incomplete", "source-changed"})


@dataclasses.dataclass
class Case:
    attack: str
    form: str
    url: str
    port: int
    reasons: frozenset = REFUSED  # "done", or why not
    allowed: frozenset = frozenset()  # where an attempt at that port may go
    user: str = "ana"
    later: bool = False  # runs when the names have changed sides, seconds after it was accepted
    looked: bool = False  # looked at first, and never run
    refresh: str = ""  # the new link under which it runs, if `later`
    mirrors: tuple = ()  # further sources
    grant: str = ""  # where its access token is to be renewed
    listening: bool = False  # somebody listens where it must not go
    counted: bool = True  # without either layer, something forbidden is touched
    twin_at: frozenset = frozenset()  # of a twin: the only addresses that may have been connected
    hops: tuple = ()  # hosts on the way, which the person is told


def bracketed(address) -> str:
    return f"[{address}]" if ":" in str(address) else str(address)


class Catalogue:
    def __init__(self, world: World, seed: int, scale: float):
        self.world, self.dice, self.scale = world, random.Random(seed), scale
        self.cases: list[Case] = []
        self.later = {"now": False}
        self._port, self._public = FIRST_PORT - 1, 256

    # ---- small parts

    def many(self, full: int) -> int:
        return max(1, round(full * self.scale))

    def port(self) -> int:
        self._port += 1
        if self._port > LAST_PORT:
            raise ValueError("more cases than ports")
        return self._port

    def fresh4(self) -> str:
        self._public += 1
        return public4(self._public)

    def fresh6(self) -> str:
        self._public += 1
        return public6(self._public)

    def name(self, port: int, rule, label: str = "n") -> str:
        name = f"{label}{port}.{ZONE}"
        self.world.names.rules[name] = rule if callable(rule) else lambda _, given=tuple(rule): given
        return name

    def forbidden(self):
        """Any special address but those that the kernel has no way to."""
        while True:
            address = ranges.inside(self.dice.choice(ranges.RANGES), self.dice)
            if not (address.is_multicast or address.is_link_local and address.version == 6 or int(address) == 0xffffffff):
                return address

    def add(self, attack: str, form: str, url: str, port: int, **more) -> None:
        self.cases.append(Case(attack, form, url, port, **more))

    def twin(self, attack: str, form: str, host: str, at: set, reasons: frozenset = DONE, **more) -> None:
        port = self.port()
        self.add(attack, form + " (twin)", f"http://{host}/ok/{port}", port, reasons=reasons, twin_at=frozenset(at), counted=False, **more)

    def chain(self, port: int, hosts: list[str], target: str, codes) -> str:
        """A plan of redirects along the hosts, then to the target; the URL to begin with."""
        steps = [f"http://{host}/hop/{port}/{number}" for number, host in enumerate(hosts)]
        self.world.site.plans[str(port)] = list(zip(codes, [*steps[1:], target]))
        return steps[0]

    # ---- the attacks

    def straight(self) -> None:
        """A1: every range, as a literal and by name."""
        for network, address in ranges.samples(self.dice, self.many(20)):
            port = self.port()
            self.add("A1", f"literal {network}", f"http://{bracketed(address)}:{port}/", port)
        for network in ranges.RANGES:
            for _ in range(self.many(12)):
                port = self.port()
                name = self.name(port, [str(ranges.inside(network, self.dice))])
                self.add("A1", f"name {network}", f"http://{name}:{port}/", port)
        for _ in range(self.many(60)):
            four, six = self.fresh4(), self.fresh6()
            self.twin("A1", "literal 4", four, {four})
            self.twin("A1", "literal 6", f"[{six}]", {six})
            self.twin("A1", "name", self.name(self._port + 1, [four]), {four})
            four, six = self.fresh4(), self.fresh6()
            self.twin("A1", "name of both families", self.name(self._port + 1, [four, six]), {four, six})

    def spelt(self) -> None:
        """A2."""
        for address in ranges.v4_samples(self.dice, self.many(60)):
            for form, authority in ranges.spellings4(address).items():
                self.spelling(form, authority, address)
        six = [network for network in ranges.RANGES if network.version == 6]
        for number in range(self.many(40)):
            address = ranges.inside(six[number % len(six)], self.dice)
            for form, authority in ranges.spellings6(address).items():
                self.spelling(form, authority, address)
        for host in ("localhost", "LOCALHOST", "localhost.", "x.localhost", "ip6-localhost", "0", "00", "0x0", "0.0", "127.1", "[::]", "[0::1]"):
            port = self.port()
            self.add("A2", "local names", f"http://{host}:{port}/", port, reasons=UNREAD)
        for _ in range(self.many(10)):
            four = ipaddress.IPv4Address(self.fresh4())
            for form, authority in ranges.spellings4(four).items():
                if form == "name-of-it":
                    self.world.names.rules[authority] = lambda _, given=(str(four),): given
                self.twin("A2", form, authority, {str(four)}, UNREAD | DONE)
            six = ipaddress.IPv6Address(self.fresh6())
            for form, authority in ranges.spellings6(six).items():
                self.twin("A2", form, authority, {str(six)}, UNREAD | DONE)

    def spelling(self, form: str, authority: str, address) -> None:
        port = self.port()
        if form == "name-of-it":
            self.world.names.rules[authority] = lambda _, given=(str(address),): given
        meant = ranges.in_octal(authority) if form == "padded" else None
        if meant and readers.is_public(meant):  # to browsers, libcurl and us it is another address, and a public one
            self.add("A2", form, f"http://{authority}:{port}/", port, reasons=UNREAD | {"unreachable"}, allowed=frozenset({str(meant)}),
                     counted=False)
        else:
            self.add("A2", form, f"http://{authority}:{port}/", port, reasons=UNREAD)

    def carried(self) -> None:
        """A3: as a literal and as the answer to an AAAA question."""
        for address in ranges.v4_samples(self.dice, self.many(100)):
            for form, carrier in ranges.carriers(address).items():
                port = self.port()
                self.add("A3", f"literal {form}", f"http://[{carrier}]:{port}/", port)
                port = self.port()
                self.add("A3", f"name {form}", f"http://{self.name(port, [carrier])}:{port}/", port)
        for _ in range(self.many(10)):
            four = self.fresh4()
            for form, carrier in ranges.carriers(ipaddress.IPv4Address(four)).items():
                opened = form in ("mapped", "nat64", "isatap", "isatap-global")
                at = {four if form == "mapped" else carrier}
                self.twin("A3", f"name {form}", self.name(self._port + 1, [carrier]), at, DONE if opened else REFUSED)

    def redirected(self) -> None:
        """A4: five codes, first, second and last hop, literals, names and odd spellings as targets."""
        for number in range(self.many(60)):
            for code in CODES:
                for hops in (1, 2, LAST_HOP):
                    port, address = self.port(), self.forbidden()
                    form = ("literal", "name", "no-scheme", "decimal", "user", "carrier", "name of a carrier")[number % 7]
                    host = bracketed(address)
                    if form == "name":
                        host = self.name(port, [str(address)], "target")
                    elif form == "decimal":
                        address = self.dice.choice(ranges.v4_samples(self.dice, 5))
                        host = str(int(address))
                    elif form.endswith("carrier"):
                        carrier = self.dice.choice(list(ranges.carriers(self.dice.choice(ranges.v4_samples(self.dice, 5))).values()))
                        host = f"[{carrier}]" if form == "carrier" else self.name(port, [carrier], "target")
                    target = f"{'' if form == 'no-scheme' else 'http:'}//{'93.0.0.9@' if form == 'user' else ''}{host}:{port}/"
                    way = [self.fresh4()] * (hops - 1) + [self.fresh4()]
                    self.add("A4", f"{code} at hop {hops}, {form}", self.chain(port, way, target, [code] * hops), port, hops=tuple(way))
        for code in CODES:
            for hops in (1, 2, LAST_HOP, LAST_HOP + 1):
                port, four = self.port(), self.fresh4()
                url = self.chain(port, [self.fresh4() for _ in range(hops)], f"http://{four}/ok/{port}", [code] * hops)
                self.add("A4", f"{code} at hop {hops} (twin)", url, port, twin_at=frozenset({four}), counted=False,
                         reasons=DONE if hops <= LAST_HOP else frozenset({"redirect-loop"}))
            port = self.port()
            url = self.chain(port, [self.fresh4()] * LAST_HOP + [self.fresh4()], f"http://{self.forbidden_literal()}:{port}/", [code] * 11)
            self.add("A4", f"{code} behind the last hop", url, port, reasons=frozenset({"redirect-loop"}), counted=False)
        for number in range(self.many(10)):
            port = self.port()
            url = self.chain(port, [self.fresh4()], f"http://{self.forbidden_literal()}:{port}/", [200])
            self.add("A4", "refresh and meta", url, port, reasons=DONE, counted=False)
            port, code = self.port(), (201, 300, 304, 305, 306, 309, 399, 401, 407, 503)[number % 10]
            url = self.chain(port, [self.fresh4()], f"http://{self.forbidden_literal()}:{port}/", [code])
            self.add("A4", f"{code} leads nowhere", url, port, reasons=ANY_FAILURE, counted=False)

    def forbidden_literal(self) -> str:
        return bracketed(self.forbidden())

    def rebound(self) -> None:
        """A5: what a name server can do."""
        for number in range(self.many(1000)):
            address = self.forbidden()
            kind = ("flip", "alternate", "beside", "alias", "quad-a", "third", "pool", "crowd")[number % 8]
            port, bad, good = self.port(), str(address), self.fresh4()
            if kind == "flip":  # public when it is asked first, then never again
                name = self.name(port, lambda n, g=good, b=bad: [g] if n == 1 else [b])
                url = self.chain(port, [name], f"http://{name}:{port}/", [302])
                self.add("A5", kind, url, port, hops=(name,))
            elif kind == "alternate":
                name = self.name(port, lambda n, g=good, b=bad: [g] if n % 2 else [b])
                url = self.chain(port, [name, self.fresh4()], f"http://{name}:{port}/", [307, 302])
                self.add("A5", kind, url, port, hops=(name,))
            elif kind == "beside":  # a public one that is closed, in the same answer
                name = self.name(port, self.dice.sample([good, bad], 2))
                self.add("A5", kind, f"http://{name}:{port}/", port, reasons=frozenset({"address", "unreachable"}), allowed=frozenset({good}))
            elif kind == "crowd":  # one public address, closed, among many
                crowd = [str(self.forbidden()) for _ in range(20)]
                name = self.name(port, [*crowd[:10], good, *crowd[10:]])
                self.add("A5", kind, f"http://{name}:{port}/", port, reasons=frozenset({"address", "unreachable"}), allowed=frozenset({good}))
            elif kind == "alias":
                last = self.name(port, [bad], "last")
                middle = self.name(port, lambda _, to=last: to, "middle")
                name = self.name(port, lambda _, to=middle: to, "first")
                self.add("A5", kind, f"http://{name}:{port}/", port)
            elif kind == "quad-a":  # the public IPv4 address is closed
                six = self.forbidden()
                while six.version != 6:
                    six = self.forbidden()
                name = self.name(port, [good, str(six)])
                self.add("A5", kind, f"http://{name}:{port}/", port, reasons=frozenset({"address", "unreachable"}), allowed=frozenset({good}))
            elif kind == "third":
                name = self.name(port, [bad], "third")
                first = self.name(port, [good], "first")
                url = self.chain(port, [first, self.fresh4(), self.fresh4()], f"http://{name}:{port}/", [308, 303, 301])
                self.add("A5", kind, url, port, hops=(first,))
            else:  # a kept connection to the name's public address is no way round: the name leads elsewhere now
                name = self.name(port, lambda n, g=good, b=bad: [g] if n == 1 else [b])
                url = self.chain(port, [name], f"http://{name}:{SITE_PORT}/ok/{port}", [302])
                self.add("A5", kind, url, port, counted=False, hops=(name,))
        for _ in range(self.many(40)):
            fours = [self.fresh4() for _ in range(4)]
            port = self.port()
            name = self.name(port, lambda n, given=fours: [given[min(n, 4) - 1]])
            url = self.chain(port, [name, name, name], f"http://{name}/ok/{port}", [302] * 3)
            self.add("A5", "public to public (twin)", url, port, reasons=DONE, twin_at=frozenset({fours[3]}), counted=False)
            four = self.fresh4()
            self.twin("A5", "public behind a crowd", self.name(self._port + 1, [*(str(self.forbidden()) for _ in range(20)), four]), {four})
            four = self.fresh4()
            self.twin("A5", "public beside forbidden", self.name(self._port + 1, [four, self.forbidden_of(4)]), {four})

    def forbidden_of(self, version: int) -> str:
        while True:
            address = self.forbidden()
            if address.version == version:
                return str(address)

    def days_later(self) -> None:
        """A6: public when the request was accepted and looked at, forbidden when it runs."""
        for number in range(self.many(300)):
            port, bad, good = self.port(), str(self.forbidden()), self.fresh4()
            name = self.name(port, lambda _, g=good, b=bad: [b] if self.later["now"] else [g])
            self.add("A6", "other address at run time", f"http://{name}:{port}/", port, later=True, allowed=frozenset({good}))
        for number in range(max(6, self.many(100))):
            port, good = self.port(), self.fresh4()
            kind, url = self.any_way(number, port)
            self.add("A6", f"new link, {kind}", f"http://{good}/look/{port}", port, later=True, refresh=url)
            port, good, other = self.port(), self.fresh4(), self.fresh4()
            self.add("A6", "new link (twin)", f"http://{good}/look/{port}", port, later=True, refresh=f"http://{other}/ok/{port}", reasons=DONE,
                     twin_at=frozenset({other}), counted=False)
        for _ in range(self.many(20)):
            first, second = self.fresh4(), self.fresh4()
            name = self.name(self._port + 1, lambda _, a=first, b=second: [b] if self.later["now"] else [a])
            self.twin("A6", "other public address at run time", name, {first, second}, later=True)

    def other_ways(self) -> None:
        """A9: whatever else asks for content on somebody's behalf."""
        for number in range(max(6, self.many(100))):
            port = self.port()
            kind, url = self.any_way(number, port)
            self.add("A9", f"look-first, {kind}", url, port, looked=True)
            port, closed = self.port(), self.fresh4()
            kind, url = self.any_way(number, port)
            self.add("A9", f"mirror, {kind}", f"http://{closed}:{port}/", port, mirrors=(url,), allowed=frozenset({closed}),
                     reasons=frozenset({"address", "unreachable"}))
        for number in range(max(4, self.many(40))):
            port, good = self.port(), self.fresh4()
            kind, url = self.any_way(number % 4, port)
            self.add("A9", f"token, {kind}", f"http://{good}/ok/token", port, grant=url.replace("http:", "https:"))
        for _ in range(self.many(10)):
            port, closed, four = self.port(), self.fresh4(), self.fresh4()
            self.add("A9", "mirror (twin)", f"http://{closed}:{port}/", port, mirrors=(f"http://{four}/ok/{port}",), allowed=frozenset({closed}),
                     reasons=DONE, twin_at=frozenset({four}), counted=False)

    def any_way(self, number: int, port: int) -> tuple[str, str]:
        """A1 to A5 in one URL each."""
        kind, bad, good = ("literal", "name", "decimal", "carrier", "redirect", "flip")[number % 6], self.forbidden(), self.fresh4()
        if kind == "literal":
            return kind, f"http://{bracketed(bad)}:{port}/"
        if kind == "name":
            return kind, f"http://{self.name(port, [str(bad)])}:{port}/"
        if kind == "decimal":
            return kind, f"http://{int(ipaddress.ip_address(self.forbidden_of(4)))}:{port}/"
        if kind == "carrier":
            return kind, f"http://{self.name(port, [ranges.carriers(ipaddress.ip_address(self.forbidden_of(4)))['mapped']])}:{port}/"
        if kind == "redirect":
            return kind, self.chain(port, [good, self.fresh4()], f"http://{bracketed(bad)}:{port}/", [302, 307])
        name = self.name(port, lambda n: [good] if n == 1 else [str(bad)])
        return kind, self.chain(port, [name], f"http://{name}:{port}/", [302])

    def oracles(self) -> None:
        """A10: by twos, with and without somebody who listens."""
        for number in range(self.many(200)):
            address = self.forbidden()
            if number % 4 == 0:
                address = ipaddress.ip_address(("127.0.0.1", "::1")[number // 4 % 2])
            for listening in (True, False):
                port = self.port()
                self.add("A10", "listening" if listening else "closed", f"http://{bracketed(address)}:{port}/", port, listening=listening)

    def schemes(self) -> None:
        """A8: as the address itself, and as where a redirect leads."""
        chosen = schemes.SCHEMES if self.scale >= 1 else self.dice.sample(schemes.SCHEMES, 40) + ["file", "gopher", "scp", "dict", "data"]
        for scheme in chosen:
            port = self.port()
            host = bracketed(self.forbidden())
            self.add("A8", "itself", f"{scheme}://{host}:{port}/", port, reasons=frozenset({"scheme"}), counted=False)
            port = self.port()
            rest = self.dice.choice([f"//{host}:{port}/", f"{host}", f"/etc/passwd?{port}", f"//{self.fresh4()}:{port}/x"])
            url = self.chain(port, [self.fresh4()], f"{scheme}:{rest}", [self.dice.choice(CODES)])
            self.add("A8", "redirect", url, port, reasons=frozenset({"redirect-refused"}), counted=False)
        for scheme in ("ftp", "ftps", "sftp"):
            port = self.port()
            self.add("A8", "file server", f"{scheme}://{bracketed(self.forbidden())}:{port}/a.bin", port)
            port = self.port()
            url = self.chain(port, [self.fresh4()], f"{scheme}://{self.fresh4()}:{port}/x", [self.dice.choice(CODES)])
            self.add("A8", "redirect", url, port, reasons=frozenset({"redirect-refused"}), counted=False)

    def lan(self) -> None:
        """Accounts with --lan: private ranges and nothing else."""
        private = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
        for network, address in ranges.samples(self.dice, self.many(4)):
            port = self.port()
            home = any(address in one for one in private) and address not in ipaddress.ip_network("fd00:ec2::/32")
            self.add("lan", "private" if home else f"still refused: {network}", f"http://{bracketed(address)}:{port}/", port, user="lan",
                     reasons=frozenset({"unreachable"}) if home else REFUSED, allowed=frozenset({str(address)}) if home else frozenset(),
                     counted=not home)
        for own in OWN_PRIVATE:
            for host in (bracketed(own), self.name(self._port + 1, [own])):
                port = self.port()
                self.add("lan", "this machine itself", f"http://{host}:{port}/", port, user="lan")
        for network in private:
            for _ in range(self.many(10)):
                home = str(ranges.inside(network, self.dice))
                self.twin("lan", f"private {network}", bracketed(home), {home}, user="lan")
        for address in ranges.v4_samples(self.dice, self.many(30)):
            for form, carrier in ranges.carriers(address).items():
                if form != "mapped":
                    port = self.port()
                    self.add("lan", f"still refused: {form}", f"http://{self.name(port, [carrier])}:{port}/", port, user="lan")

    def corpus(self) -> None:
        """A11: what two readers of URLs may take for different hosts. One is public, the other is not."""
        four = self.fresh4()
        self.world.names.rules[urls.GOOD] = lambda _: [four]
        self.world.names.rules[urls.BAD] = lambda _: ["10.9.8.7"]
        texts = urls.corpus()
        for text in texts if self.scale >= 1 else self.dice.sample(texts, self.many(len(texts))):
            self.add("A11", "itself", text, self.port(), reasons=UNREAD | DONE | {"unreachable"}, counted=False, twin_at=frozenset({four}))
            if not set("\r\n\0") & set(text):
                port = self.port()
                url = self.chain(port, [self.fresh4()], text, [302])
                self.add("A11", "redirect", url, port, reasons=UNREAD | DONE | {"unreachable", "redirect-refused", "redirect-loop", "malformed"},
                         counted=False, twin_at=frozenset({four}))

    def build(self) -> list[Case]:
        for part in (self.straight, self.spelt, self.carried, self.redirected, self.rebound, self.days_later, self.other_ways, self.oracles,
                     self.schemes, self.lan, self.corpus):
            part()
        return self.cases
