# SPDX-License-Identifier: Apache-2.0
"""Files that would run in a browser, opened in a real one by all the ways a place serves them (THREATS.md D5).

Code that ran asks for an address of the sink, or shows a dialog, or changes the title. The control opens the same files from
nginx, where they do run."""
import json
import os
import pathlib
import re
import shutil
import tempfile
import urllib.parse

import pytest
from bed.content import ContentServer
from bed.device import Device
from bed.documents import document, fetch
from bed.place import Place
from bed.process import wait_until
from bed.sink import Sink, reply
from bed.tab import Tab

PASSWORD = "correct horse battery"
CLAIMED = ("text/plain", "image/png", "image/svg+xml", "application/xml", "application/pdf", "text/html", "application/octet-stream",
           "application/xhtml+xml")
TYPES = """types { text/html html; image/svg+xml svg; text/xml xml xsl; application/xhtml+xml xhtml; application/pdf pdf; image/jpeg jpg;
                   image/gif gif; text/javascript js; multipart/related mht; text/plain txt; }"""
# Markup in names runs where a page prints them as they are.
MARKUP = ("<img src=x onerror=document.title='RAN'>.html", "\"><img src=x onerror=document.title='RAN'>.txt",
          "' onmouseover=document.title='RAN' autofocus onfocus=document.title='RAN' .html", "&lt;img src=x onerror=document.title='RAN'&gt;.txt",
          "<script>document.title='RAN'<.txt", "javascript:document.title='RAN'")


def code(name: str, sink: str) -> str:
    return f"document.title='RAN';new Image().src='{sink}/ran/{name}';"


def html(name: str, sink: str) -> str:
    run = code(name, sink)
    return f"<!doctype html><title>page</title><body><script>{run}</script><img src=x onerror=\"{run}\"><svg onload=\"{run}\"></svg></body>"


def svg(name: str, sink: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><title>picture</title><script>new Image().src="{sink}/ran/{name}";</script></svg>'


def xhtml(name: str, sink: str) -> str:
    return f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><script>{code(name, sink)}</script></body></html>'


def pdf(name: str, sink: str) -> bytes:
    run = f"app.alert('RAN {name}'); this.getURL('{sink}/ran/{name}');"
    objects = ["<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (" + run.replace("(", "\\(").replace(")", "\\)") + ") >> >>",
               "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>"]
    out, offsets = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return out + f"xref\n0 4\n0000000000 65535 f \n{table}trailer << /Size 4 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n".encode()


def hostile_files(sink: str) -> dict[str, bytes]:
    """Path below the server's /trap/ -> bytes. The last part of the path without its ending names what ran."""
    sheet = ('<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><html><body>'
             f'<script>{code("sheet", sink)}</script></body></html></xsl:template></xsl:stylesheet>')
    mime = ("MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n"
            f"Content-Location: http://a.example/\r\n\r\n{html('archive', sink)}\r\n--b--\r\n")
    out = {"page.html": html("page", sink), "picture.svg": svg("picture", sink), "cross.xhtml": xhtml("cross", sink),
           "sheet.xml": '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="style.xsl"?><a/>', "style.xsl": sheet,
           "paper.pdf": pdf("paper", sink), "code.js": code("code", sink), "archive.mht": mime,
           # JPEG with markup in a comment; GIF that is JavaScript, too.
           "jpeg.jpg": b"\xff\xd8\xff\xfe\x0f\xff" + html("jpeg", sink).encode() + b"\xff\xd9",
           "jpeg-as-page.html": b"\xff\xd8\xff\xfe\x0f\xff" + html("jpeg-as-page", sink).encode() + b"\xff\xd9",
           "gif.gif": b"GIF89a/*" + b"\0" * 6 + b"*/=1;" + code("gif", sink).encode(),
           "gif-as-code.js": b"GIF89a/*" + b"\0" * 6 + b"*/=1;" + code("gif-as-code", sink).encode()}
    for number, claimed in enumerate(CLAIMED):
        name = f"claimed-{number}"
        made = xhtml if claimed in ("application/xhtml+xml", "application/xml") else svg if claimed == "image/svg+xml" else html
        out[f"as{number}/{name}"] = made(name, sink)
    return {path: body.encode() if isinstance(body, str) else body for path, body in out.items()}


RUN_BY_OPENING = {"page", "picture", "cross", "jpeg-as-page", "claimed-2", "claimed-3", "claimed-5", "claimed-7"}
RUN_AS_SCRIPT = {"code", "gif-as-code"}


class Watched(Tab):
    """A tab that notes dialogs, answers, and downloads of all tabs."""

    def __init__(self, home):
        self.dialogs, self.answers, self.ended, self.downloads, self._urls = [], {}, set(), set(), {}
        super().__init__(home)
        for method in ("Page.enable", "Network.enable"):
            self._call(method)
        session, self._session = self._session, None
        self._call("Browser.setDownloadBehavior", behavior="deny", eventsEnabled=True)
        self._session = session

    def heard(self, event):
        method, what = event.get("method"), event.get("params", {})
        if method == "Page.javascriptDialogOpening":
            self.dialogs.append(what["message"])
            close = {"id": 1_000_000_000, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}, "sessionId": event["sessionId"]}
            os.write(self._commands, json.dumps(close).encode() + b"\0")
        elif method == "Network.requestWillBeSent":
            self._urls[what["requestId"]] = what["request"]["url"]
        elif method == "Network.responseReceived":
            self.answers[what["response"]["url"]] = what["response"]["status"]
            self.ended.add(what["response"]["url"])
        elif method in ("Network.loadingFailed", "Network.loadingFinished"):
            self.ended.add(self._urls.get(what["requestId"]))
        elif method == "Browser.downloadWillBegin":
            self.downloads.add(what["url"])

    def navigate(self, url: str) -> str:
        """Goes there; the title, once it is there or saved."""
        self._call("Page.navigate", url="about:blank")
        failed = self._call("Page.navigate", url=url).get("errorText")
        assert failed in (None, "net::ERR_ABORTED"), (url, failed)
        if failed is None:
            wait_until("the page", lambda: self.value("location.href != 'about:blank' && document.readyState == 'complete'"), 20)
        return self.value("document.title") or ""

    def cookie(self, name: str, value: str, url: str) -> None:
        self._call("Network.setCookie", name=name, value=value, url=url)

    def press(self, expression: str):
        """As if a person had clicked: windows may be opened."""
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)["result"].get("value")


class House:
    """The servers, the hostile files at all of them, and a browser."""

    def __init__(self, work: pathlib.Path):
        self.sink = Sink(lambda request: reply(200, b"", Access_Control_Allow_Origin="*", Content_Type="text/plain"))
        self.files = hostile_files(self.sink.plain)
        self.foreign = Sink(lambda request: reply(200, b"<!doctype html><title>foreign</title><body></body>", Content_Type="text/html"))
        claimed = "\n".join(f"location /trap/as{number}/ {{ types {{}} default_type {kind}; }}" for number, kind in enumerate(CLAIMED))
        self.nginx = ContentServer(work / "content", extra=f"location /trap/ {{ {TYPES} }}\n{claimed}")
        for path, body in self.files.items():
            there = self.nginx.root / "trap" / path
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(body)
        for name in MARKUP:
            (self.nginx.root / "trap" / name).write_text(html("markup", self.sink.plain))
        self.nginx.start()
        self.place = Place(work / "place").start()
        self.place.add_user("ana", password=PASSWORD)
        self.ana = Device(work / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        self._fetch_all()
        self.tab = Watched(work / "browser")

    def _fetch_all(self):
        urls = [f"{self.nginx.url}/trap/{urllib.parse.quote(path)}" for path in (*self.files, *MARKUP)]
        wanted = document(self.place, urls[0])
        wanted["what"] = {"folder": "trap", "files": [{"sources": [{"url": url}]} for url in urls]}
        assert fetch(self.place, self.ana.token(), wanted)["state"] == "done"
        # And what another program gave its names.
        for name in MARKUP:
            (self.place.data / "areas/ana/trap" / f"own {name}").write_text(html("markup", self.sink.plain))
        self.kept = wait_until("all files", lambda: (lambda all: all if len(all) == len(self.files) + 2 * len(MARKUP) else None)(
            json.loads(self.place.get("/v1/files?folder=trap", self.ana.token())[2])["files"]), 30, 0.1)

    def link(self, **target) -> str:
        body = json.dumps(target).encode()
        status, _, answer = self.place.get("/v1/links", self.ana.token(), "POST", body, {"Content-Type": "application/json"})
        assert status == 201, answer
        return json.loads(answer)["url"]

    def ran(self) -> set[str]:
        return {request.path.removeprefix("/ran/") for request in self.sink.requests if request.path.startswith("/ran/")}

    def runs_a_marker(self) -> None:
        """What ran before has been heard of by the time this has."""
        self.tab.open(self.foreign.plain)
        self.tab.value(f"new Image().src='{self.sink.plain}/marker'")
        wait_until("the marker", lambda: any(one.path == "/marker" for one in self.sink.requests))

    def opened(self, urls) -> list[str]:
        """By navigation; those whose title changed."""
        return [url for url in urls if self.tab.navigate(url) == "RAN"]

    def embedded(self, urls, elements=("iframe", "embed", "object", "script")) -> None:
        """In elements of a foreign page; returns when each has been answered, or refused by the browser."""
        self.tab.open(self.foreign.plain)
        asked = {f"{url}?by={element}": element for element in elements for url in urls}
        self.tab.value("for (const [url, kind] of Object.entries(" + json.dumps(asked) + ")) { const one = document.createElement(kind);"
                       "one[kind == 'object' ? 'data' : 'src'] = url; document.body.append(one) }")
        # Each look lets the browser tell what has happened.
        wait_until("the elements", lambda: self.tab.value("1") and self.tab.ended.issuperset(asked), 60)

    def in_windows(self, urls) -> None:
        self.tab.open(self.foreign.plain)
        for url in urls:
            assert self.tab.press(f"!!window.open({json.dumps(url + '?by=window')})"), "a window"

    def close(self):
        self.tab.__exit__()
        self.place.stop()
        self.nginx.stop()
        self.sink.close()
        self.foreign.close()


@pytest.fixture(scope="module")
def house():
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    house = House(work)
    yield house
    house.close()
    shutil.rmtree(work, ignore_errors=True)


@pytest.fixture(autouse=True)
def quiet(house):
    house.sink.requests.clear()
    house.tab.dialogs.clear()


def test_from_a_place_nothing_runs(house):
    place = house.place
    folder = house.link(folder="trap")
    known = {path.split("/")[-1] for path in house.files}
    kept = [one for one in house.kept if one["name"].removeprefix("trap/").removesuffix(".txt") in known or "claimed" in one["name"]]
    assert len(kept) == len(known), house.kept
    links = [house.link(file=one["id"]) for one in kept]
    inside = [f"{folder}/{urllib.parse.quote(one['name'].split('/', 1)[1], safe='')}" for one in kept]
    files = [f"{place.url}/v1/files/{one['id']}" for one in kept]
    body = json.dumps({"user": "ana", "password": PASSWORD, "cookie": True}).encode()
    status, headers, _ = place.get("/v1/session", None, "POST", body, {"Content-Type": "application/json", "Origin": place.url})
    assert status == 201
    name, value = re.match(r"([^=]+)=([^;]+)", headers["Set-Cookie"]).groups()
    house.tab.cookie(name, value, place.url)
    everything = [*links, *inside, *files]
    served = {one["name"]: place.get(link.removeprefix(place.url))[1] for one, link in zip(kept, links)}
    types = {name.split("claimed-")[1][0]: fields["Content-Type"] for name, fields in served.items() if "claimed-" in name}
    assert types == {str(number): kind for number, kind in enumerate(CLAIMED)}, "the place says what it was told"

    ran = house.opened(everything)
    assert ran == []
    unseen = [url for url in everything if house.tab.answers.get(url) != 200]
    assert unseen == [], "each was really served to the browser"
    house.embedded(links)
    house.embedded([*inside, *files], ("iframe",))
    house.embedded(files, ("script",))
    house.in_windows(links)
    saved = {f"{link}?by=window" for fields, link in zip(served.values(), links) if fields["Content-Disposition"].startswith("attachment")}
    wait_until("the windows", lambda: house.tab.value("1") and house.tab.downloads >= saved)
    house.runs_a_marker()
    assert house.ran() == set() and house.tab.dialogs == []


def test_names_with_markup_are_only_text_on_a_page(house):
    page = house.link(folder="trap")

    assert house.tab.navigate(page) == "trap"
    shown = house.tab.value("document.body.innerText")
    elements = house.tab.value("[...document.querySelectorAll('*')].map(one => one.localName)")
    attributes = house.tab.value("[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())")

    assert all(f"own {name}" in shown for name in MARKUP)
    assert not {"img", "script", "svg", "iframe"} & set(elements)
    assert not any(one.startswith("on") for one in attributes)
    assert house.tab.value("[...document.links].every(one => one.protocol == 'http:')")
    house.runs_a_marker()
    assert house.ran() == set() and house.tab.dialogs == []


def test_from_plain_nginx_the_files_do_run(house):
    """The control of all the others; last, because what runs in its windows may be heard of later."""
    urls = [f"{house.nginx.url}/trap/{path}" for path in house.files]

    titles = house.opened(urls)
    wait_until("what runs when it is opened", lambda: house.tab.value("1") and RUN_BY_OPENING <= house.ran())
    assert len(titles) >= len(RUN_BY_OPENING) - 2
    house.sink.requests.clear()
    # Debian's Chromium falls over when it leaves a page with a paper in <embed>.
    house.embedded([url for url in urls if not url.endswith(".pdf")])
    wait_until("what runs when it is embedded", lambda: house.tab.value("1") and RUN_BY_OPENING | RUN_AS_SCRIPT <= house.ran())
    house.sink.requests.clear()
    house.in_windows([url for url in urls if url.endswith("page.html") or "claimed" in url])
    wait_until("what runs in a window", lambda: house.tab.value("1") and {"page", "claimed-2", "claimed-5"} <= house.ran())
