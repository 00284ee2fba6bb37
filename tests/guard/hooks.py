# SPDX-License-Identifier: Apache-2.0
"""Webhooks and topics against the hostile internet (THREATS A9): the attacks A1 to A5 when a contact is added, and when it is told.

A contact is confirmed while its name leads to a public address where a real HTTPS server takes the signed question; then the
name changes sides (A5, A6), and the test message must go nowhere. What is forbidden from the start is refused at once.
"""
import ipaddress
import json
import pathlib
import ssl

from bed.certificates import Authority
from bed.process import wait_until
from bed.sink import Sink, reply

from . import ranges
from .world import ZONE, inside

HOOK_PORT, PASSWORD, AT_ONCE, PER_DAY = 943, "correct horse battery", 3, 10


class Hooks:
    """The contacts of all runs; each address of a contact is known by its port or by where its name leads."""

    def __init__(self, world, folder: pathlib.Path, catalogue):
        authority = Authority(folder / "authority")
        self.world, self.ca, self.later = world, authority.certificate, False
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*authority.issue(f"*.hook.{ZONE}"))
        self.sink = inside(world.host.name, lambda: Sink(lambda request: reply(200, b""), "0.0.0.0", HOOK_PORT, tls))
        self.fixed: dict[int, str] = {}  # refused when it is added: by port
        self.unread: set[str] = set()  # refused by how it is written, before a layer is asked
        count = catalogue.many(150)
        for number in range(count):
            port, four = catalogue.port(), ipaddress.ip_address(catalogue.forbidden_of(4))
            mapped = ranges.carriers(four)["mapped"]
            form = ("literal", "name", "name of a carrier", "decimal", "carrier")[number % 5]
            host = {"literal": str(four), "decimal": str(int(four)), "carrier": f"[{mapped}]"}.get(form) or \
                catalogue.name(port, [mapped if "carrier" in form else str(four)])
            self.fixed[port] = f"{'https' if number % 2 else 'http'}://{host}:{port}/topic"
            if form == "carrier":
                self.unread.add(self.fixed[port])
        self.moved: dict[str, str] = {}  # by where its name leads later
        for number in range(max(3, count // 5)):
            name, good, bad = f"h{number}.hook.{ZONE}", catalogue.fresh4(), catalogue.forbidden_of(4)
            world.names.rules[name] = lambda _, g=good, b=bad: (b,) if self.later else (g,)
            self.moved[bad] = f"https://{name}:{HOOK_PORT}/"

    def play(self, place) -> list[str]:
        """Faults; `touched` tells afterwards what was reached."""
        self.later, faults, people = False, [], []

        def person():
            name = f"hook{len(people)}"
            place.add_user(name, password=PASSWORD)
            answer = self.call(place, None, "POST", "/v1/session", {"user": name, "password": PASSWORD})
            people.append({"token": answer["token"], "left": PER_DAY})
            return people[-1]

        def someone():
            return people[-1] if people and people[-1]["left"] else person()

        waiting = list(self.fixed.items())
        while waiting:
            one = someone()
            part, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            for number, (port, url) in enumerate(part):
                if one["left"] == 0:
                    waiting = part[number:] + waiting
                    part = part[:number]
                    break
                one["left"] -= 1
                kind = "ntfy" if port % 3 == 0 else "webhook"
                added = self.call(place, one, "POST", "/v1/contacts", {"kind": kind, "address": url})
                if "id" not in added and added.get("type", "").rsplit("/", 1)[-1] not in ("invalid", "address", "scheme"):
                    faults.append(f"{url} was answered {added}")
            settled = wait_until("refusals", lambda: self.settled(place, one), 60)
            faults += [f"{contact['address']} was confirmed" for contact in settled if contact["confirmed"]]
            for contact in settled:
                self.call(place, one, "DELETE", f"/v1/contacts/{contact['id']}")
        for url in self.moved.values():
            one = someone()
            one["left"] -= 1
            added = self.call(place, one, "POST", "/v1/contacts", {"kind": "webhook", "address": url})
            wait_until(f"{url} to be confirmed", lambda: any(contact["confirmed"] for contact in self.contacts(place, one)
                                                             if contact["id"] == added["id"]), 60)
            self.later, asked = True, len(self.sink.requests)
            self.call(place, one, "POST", f"/v1/contacts/{added['id']}:test", {})

            def told():
                error = next(contact.get("error", "") for contact in self.contacts(place, one) if contact["id"] == added["id"])
                return error or (len(self.sink.requests) > asked and "delivered")
            end = wait_until(f"the end of {url}", told, 60)
            self.later = False
            if place.without != "both" and "private or reserved" not in end:
                faults.append(f"{url} ended as {end}")
        if len(self.sink.requests) < len(self.moved):
            faults.append(f"{len(self.sink.requests)} of {len(self.moved)} public webhooks were asked")
        self.sink.requests.clear()
        return faults

    def settled(self, place, one) -> list | None:
        contacts = self.contacts(place, one)
        return contacts if all(contact.get("error") or contact["confirmed"] for contact in contacts) else None

    def counted(self) -> set[str]:
        """What is reached when no layer refuses it."""
        return (set(self.fixed.values()) - self.unread) | set(self.moved.values())

    def touched(self, seen: dict, asked: dict) -> set[str]:
        """Of each contact that was told where nobody may go: its address. By packets, and by what was asked of the kernel."""
        fixed = {url for port, url in self.fixed.items() if seen[port] or asked.get(port)}
        return fixed | {url for bad, url in self.moved.items() if bad in seen[HOOK_PORT] | asked.get(HOOK_PORT, set())}

    def contacts(self, place, one) -> list:
        return self.call(place, one, "GET", "/v1/contacts")["contacts"]

    @staticmethod
    def call(place, one, method: str, path: str, body=None) -> dict:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        answer = place.get(path, one and one["token"], method, None if body is None else json.dumps(body).encode(), headers)[2]
        return json.loads(answer) if answer else {}
