# SPDX-License-Identifier: Apache-2.0
"""Links on the real server, by the real command, curl and a browser: who looks first, what ends a link, whose name it has
(THREATS.md D1, D7, D8)."""
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

import pytest
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place
from bed.process import free_port, wait_until
from bed.tab import Tab

PASSWORD = "correct horse battery"
BIG = 48 << 20  # more than the sockets between two programs hold
MUTATIONS = int(os.environ.get("RESTANTE_LINK_MUTATIONS", 300))


@pytest.fixture(scope="module")
def house():
    """A place with a name of its own, and ana who has film.bin, trip/a.bin, trip/b.bin and big.bin."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    content = ContentServer(work / "content").start()
    port = free_port()
    config = f'[address_guard]\nallow = ["127.0.0.0/8"]\n[listen]\npublic_url = "http://localhost:{port}"\n'
    place = Place(work / "place", config, [f"127.0.0.1:{port}"]).start()
    place.public = f"http://localhost:{port}"
    place.add_user("ana", password=PASSWORD)
    ana = Device(work / "ana")
    ana.connect("home", place.pair("ana"))
    trip = ("--folder", "trip")
    for name, size, more in (("film.bin", 5000, ()), ("big.bin", BIG, ()), ("a.bin", 100, trip), ("b.bin", 90, trip)):
        make_file(content.root / name, size, size)
        ana.run("send", f"{content.url}/{name}", "--wait", "--no-probe", *more)
    place.content, place.film = content, (content.root / "film.bin").read_bytes()
    yield place, ana
    place.stop()
    content.stop()
    shutil.rmtree(work, ignore_errors=True)


def made(ana, *options, **more) -> dict:
    return ana.json("link", *options, **more)[0]


def path_of(place, link) -> str:
    assert link["url"].startswith(place.public + "/d/"), link["url"]
    return link["url"].removeprefix(place.public)


def count_of(ana, link) -> int:
    return next(one["uses"] for one in ana.json("links") if one["id"] == link["id"])


def curl(*options) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-s", "-S", "--max-time", "30", *map(str, options)], capture_output=True, check=True)


def gone(place, below: str = "") -> bytes:
    """What an address that never was is answered."""
    return told(place, "GET", "/d/" + "A" * 22 + below)


def told(place, method: str, path: str) -> bytes:
    """The whole answer but for its time."""
    connection = http.client.HTTPConnection(place.listen[0], timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    fields = sorted(f"{name}: {value}" for name, value in answer.getheaders() if name.lower() != "date")
    out = f"{answer.status}\n{fields}\n".encode() + answer.read()
    connection.close()
    return out


# D8


def test_whoever_looks_first_uses_nothing_up(work, house):
    place, ana = house
    plain, counted = made(ana, "film.bin"), made(ana, "film.bin", "--count", "1")
    secret = made(ana, "film.bin", "--password-stdin", "--count", "2", input="open the door\n")
    with sqlite3.connect(f"file:{place.data}/restante.db?mode=ro", uri=True) as database:
        before = database.execute("SELECT * FROM links ORDER BY 1").fetchall()

    urls = [one["url"] for one in (plain, counted, secret)]
    for _ in range(50):
        curl("-I", *urls)
        curl(*urls)
    with Tab(work / "browser") as tab:
        for _ in range(50):
            assert [tab.value(f"fetch({json.dumps(url)}, {{method: {json.dumps(method)}, mode: 'no-cors'}}).then(() => 1, () => 1)")
                    for url in urls for method in ("HEAD", "GET")] == [1] * 6
        for _ in range(5):
            tab.open(urls[1])
            tab.open(urls[2])
        with sqlite3.connect(f"file:{place.data}/restante.db?mode=ro", uri=True) as database:
            assert database.execute("SELECT * FROM links ORDER BY 1").fetchall() == before
        assert count_of(ana, counted) == 0 and count_of(ana, secret) == 0

        tab.open(urls[1])
        assert "It can be opened once; looking at this page does not count." in tab.value("document.body.innerText")
        tab.value("document.querySelector('button').click()")
        wait_until("the use", lambda: count_of(ana, counted) == 1, pause=0.1)
    assert curl(urls[0]).stdout == place.film
    assert told(place, "GET", path_of(place, counted)) == gone(place), "once was once"
    assert curl("-L", "-b", "", "-d", "password=open the door", urls[2]).stdout == place.film
    assert count_of(ana, secret) == 1


# D7


def test_mutations_of_an_address_are_all_answered_like_one_that_never_was(house):
    place, ana = house
    file, folder = (path_of(place, made(ana, *one)) for one in (("film.bin",), ("trip", "--folder")))
    chance, letters = random.Random(20261122), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    nothing = gone(place)
    assert nothing.startswith(b"404\n")

    for number in range(MUTATIONS):
        token, below = chance.choice((file, folder)), ""
        kind = number % 6
        if kind == 0:
            at = chance.randrange(3, len(token))
            token = token[:at] + chance.choice(letters.replace(token[at], "")) + token[at + 1:]
        elif kind == 1:
            token = token[:chance.randrange(4, len(token))]
        elif kind == 2:
            token += "".join(chance.choices(letters, k=chance.randrange(1, 9)))
        elif kind == 3:
            token, below = file, chance.choice(("/", "/a.bin", "/film.bin", "/trip/a.bin", "/%2e%2e/film.bin", "/../x/a.bin"))
        elif kind == 4:
            token = folder
            below = chance.choice(("/film.bin", "/big.bin", "/a.bin/", "/A.bin", "/trip/a.bin", "/%2e%2e%2ffilm.bin", "/..%2Ffilm.bin", "//a.bin",
                                   "/c" + "".join(chance.choices(letters, k=4))))
        else:
            token = "/d/" + token[3:].swapcase()
        if token in (file, folder) and not below:
            continue
        # A path that climbs is refused before anybody looks for a link.
        wanted = gone(place, below) if ".." in below.replace("%2e", ".") else nothing
        assert not wanted.startswith(b"2") and told(place, "GET", token + below) == wanted, token + below
    assert told(place, "GET", file).startswith(b"200\n") and told(place, "GET", folder + "/a.bin").startswith(b"200\n")


def test_what_ends_a_link_ends_it_at_once(house):
    place, ana = house
    place.add_user("ben", password=PASSWORD)
    ben = Device(ana.home.parent / "ben")
    ben.connect("home", place.pair("ben"))
    for device, name in ((ana, "mine.bin"), (ben, "bens.bin")):
        make_file(place.content.root / name, 700, 3)
        device.run("send", f"{place.content.url}/{name}", "--wait", "--no-probe")
    revoked, deleted, of_ben = made(ana, "film.bin"), made(ana, "mine.bin"), made(ben, "bens.bin")
    ends = (("revoked", revoked, lambda: ana.run("links", "revoke", revoked["id"][:8])),
            ("deleted", deleted, lambda: ana.run("remove", "mine.bin")),
            ("user removed", of_ben, lambda: place.run("user", "remove", "ben")))

    for what, link, end in ends:
        path = path_of(place, link)
        assert told(place, "GET", path).startswith(b"200\n")
        end()
        since = time.monotonic()
        wait_until(f"the end of a link: {what}", lambda: told(place, "GET", path) == gone(place))
        print(f"{what}: 404 after {time.monotonic() - since:.3f} s")


def test_a_body_under_way_ends_with_its_link(house):
    place, ana = house
    link, other = made(ana, "big.bin"), made(ana, "big.bin")
    bodies = []
    for one in (link, other):
        address, port = place.listen[0].split(":")
        connection = socket.create_connection((address, int(port)), timeout=30)
        connection.sendall(f"GET {path_of(place, one)} HTTP/1.1\r\nHost: {place.listen[0]}\r\nConnection: close\r\n\r\n".encode())
        bodies.append([connection, len(connection.recv(4096))])

    ana.run("links", "revoke", link["id"])
    since = time.monotonic()

    def goes_on(body) -> bool:
        """Reads a little, as somebody far away does."""
        try:
            piece = body[0].recv(1 << 16)
        except ConnectionResetError:
            piece = b""
        body[1] += len(piece)
        return bool(piece)

    wait_until("the body's end", lambda: not goes_on(bodies[0]), 30)
    print(f"the end of the body after {time.monotonic() - since:.3f} s, {bodies[0][1]} of {BIG} bytes")
    while goes_on(bodies[1]):
        pass
    for connection, _ in bodies:
        connection.close()

    assert bodies[0][1] < BIG < bodies[1][1]


# The command


def test_the_command_makes_shows_and_revokes_links(house):
    place, ana = house
    url = ana.run("link", "film.bin", "--expires", "+1d").stdout.strip()
    assert re.fullmatch(re.escape(place.public) + "/d/[A-Za-z0-9_-]{22}", url) and curl(url).stdout == place.film
    never = ana.run("link", "trip", "--folder", "--expires", "never")
    assert "until you revoke it" in never.stderr and b"a.bin" in curl(never.stdout.strip()).stdout
    counted = made(ana, "film.bin", "--count", "3", "--password-stdin", input="open the door\n")
    login = made(ana, "film.bin", "--login")

    shown = ana.run("links").stdout
    listed = {one["id"]: one for one in ana.json("links")}
    assert "/d/" not in shown and f"{counted['id'][:8]}  film.bin" in shown and "opened 0 of 3 times" in shown
    assert listed[counted["id"]]["password"] and listed[counted["id"]]["count"] == 3 and listed[login["id"]]["login"]
    form = curl("-w", "%{http_code}", "-d", "password=wrong one", counted["url"]).stdout
    assert form.endswith(b"403") and b"This is not the password." in form
    assert curl("-L", "-b", "", "-d", "password=open the door", counted["url"]).stdout == place.film
    assert curl("-L", "-b", "", "-d", f"user=ana&account-password={PASSWORD}", login["url"]).stdout == place.film
    assert place.film not in curl(login["url"]).stdout

    ana.run("links", "revoke", counted["id"][:8])
    assert "leads to nothing" in curl(counted["url"]).stdout.decode()
    assert counted["id"] not in [one["id"] for one in ana.json("links")]
    ana.run("links", "revoke", counted["id"], check=1)
    ana.run("link", "nothing.bin", check=1)
    ana.run("link", "film.bin", "--expires", "yesterday-ish", check=False)
    ana.run("link", "film.bin", "--count", "0", check=2)
    ana.run("link", "film.bin", "--password", check=2)
    assert not any(one in place.log() for one in (url.split("/d/")[1], counted["url"].split("/d/")[1], "open the door"))


# D1


def test_a_links_host_is_the_places_own_whatever_was_asked(house):
    place, ana = house
    port = place.listen[0].split(":")[1]
    file = next(one["id"] for one in ana.json("files") if one["name"] == "film.bin")
    body = json.dumps({"file": file})
    evil = ("evil.example", f"evil.example:{port}", "evil.example@127.0.0.1", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
            "[::1].evil.example",
            "2130706433", "0x7f.1", "localhost.evil.example", "evil.example/", "evil.example#127.0.0.1",
            "xn--e1afmkfd.example", "", "127.0.0.1:99999")
    good = f"127.0.0.1:{port}"
    forwards = [(good, {name: value}) for name in ("X-Forwarded-Host", "X-Host", "X-Original-Host",
                                                  "X-Forwarded-Server", "Forwarded", "X-Forwarded-Prefix")
                for value in ("evil.example", "evil.example, 127.0.0.1")]
    variants = [(host, {}) for host in evil] + forwards + [(host, {"X-Forwarded-Host": good}) for host in evil[:3]] + \
        [(f"localhost:{port}", {}), (f"LOCALHOST:{port}", {}), (good, {})]
    assert len(variants) >= 30

    statuses = []
    for host, more in variants:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        connection.putrequest("POST", "/v1/links", skip_host=True)
        for name, value in {"Host": host, "Authorization": f"Bearer {ana.token()}", "Content-Type": "application/json",
                            "Content-Length": str(len(body)), **more}.items():
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        statuses.append(answer.status)
        assert answer.status in (201, 400, 421), (host, more, text)
        assert "evil" not in text.replace(host, "") or answer.status != 201, text
        if answer.status == 201:
            said = json.loads(text)
            assert said["url"].startswith(f"{place.public}/d/") and "lan_url" not in said, (host, more, said)
            assert "evil" not in text
        elif host == good:
            raise AssertionError((more, text))
    assert statuses.count(201) >= 13 and statuses.count(421) >= 8, statuses
