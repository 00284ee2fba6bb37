# SPDX-License-Identifier: Apache-2.0
"""What addresses offer: listings of real servers, pages, Metalinks and hostile ones; what is chosen arrives with its folders."""
import hashlib
import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import types
import urllib.parse

import pytest
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.documents import document
from bed.place import Place
from bed.process import Program, free_port, wait_until
from bed.sink import Sink, reply

JSON = {"Content-Type": "application/json"}
HTML = "text/html; charset=utf-8"
MODULES = "/usr/lib/apache2/modules"


@pytest.fixture(scope="module")
def stage():
    """One place, one device and one nginx with a listing of `/pub/` for all of these tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    content = ContentServer(folder / "content", extra="location /pub/ { autoindex on; }").start()
    digests = {name: make_file(content.root / "pub" / name, 20_000 + seed, seed)
               for seed, name in enumerate(("a b.bin", "Wöche 12.mp4", "slides/one.pdf", "slides/old/two.pdf", "x & <y>.bin"))}
    place = Place(folder / "place")
    place.start()
    place.add_user("ana")
    ana = Device(folder / "ana")
    ana.connect("home", place.pair("ana"))
    yield types.SimpleNamespace(folder=folder, content=content, digests=digests, place=place, ana=ana, token=ana.token())
    content.stop()
    place.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sinks():
    made = []

    def make(answer=None, **options):
        made.append(Sink(answer, **options))
        return made[-1]
    yield make
    for sink in made:
        sink.close()


def browse(stage, url, access=(), headers=(), **query) -> tuple[int, dict]:
    core = document(stage.place, url, access, headers=headers)
    text = urllib.parse.urlencode(query, doseq=True)
    status, _, body = stage.place.get(f"/v1/browse?{text}", stage.token, "POST", json.dumps(core).encode(), JSON)
    return status, json.loads(body)


def offered(stage, url, **more) -> dict:
    status, answer = browse(stage, url, **more)
    assert status == 200, answer
    return answer


def paths(answer, kind="file") -> list[str]:
    return [f"{one['folder']}/{one['name']}" if "folder" in one else one["name"] for one in answer["offers"] if one["kind"] == kind]


def page(body: str, **fields) -> bytes:
    return reply(200, body.encode(), Content_Type=HTML, **fields)


def sha256_of(stage, name) -> str:
    target = stage.folder / "fetched"
    target.unlink(missing_ok=True)
    stage.ana.run("get", name, "-o", target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def test_a_listing_of_nginx_has_exact_sizes_and_dates(stage):
    answer = offered(stage, f"{stage.content.url}/pub/")

    assert (answer["kind"], answer["title"], answer["complete"], answer["folders_seen"]) == ("index", "pub", True, 0)
    assert sorted(paths(answer)) == sorted(name for name in stage.digests if "/" not in name)
    assert paths(answer, "folder") == ["slides"]
    for one in answer["offers"]:
        if one["kind"] == "file":
            assert one["size_bytes"] == (stage.content.root / "pub" / one["name"]).stat().st_size
            assert one["file"] == {"name": one["name"], "sources": [{"url": f"{stage.content.url}/pub/{urllib.parse.quote(one['name'])}"}]}
        else:
            assert one["source"] == {"url": f"{stage.content.url}/pub/slides/"}
        assert one["modified"].endswith("Z")


def test_folders_are_looked_into_as_deep_as_wished_and_patterns_choose(stage):
    url = f"{stage.content.url}/pub/"

    one, two = offered(stage, url, depth=1), offered(stage, url, depth=2)
    pdf, old = offered(stage, url, depth=8, match="*.PDF"), offered(stage, url, depth=8, match=["slides/old/*", "a?b.*"])

    assert "slides/one.pdf" in paths(one) and paths(one, "folder") == ["slides/old"]
    assert sorted(paths(two)) == sorted(stage.digests) and two["folders_seen"] == 2
    assert sorted(paths(pdf)) == ["slides/old/two.pdf", "slides/one.pdf"]
    assert sorted(paths(old)) == ["a b.bin", "slides/old/two.pdf"]


def test_what_is_chosen_arrives_with_its_folders(stage):
    listed = stage.ana.run("browse", f"{stage.content.url}/pub/", "--depth", "3").stdout.splitlines()
    rows = [line.split("\t") for line in listed]
    numbers = [number for number, kind, _, name in rows if kind == "file" and not name.startswith("x")]

    job, = stage.ana.json("browse", f"{stage.content.url}/pub/", "--depth", "3", "--select", ",".join(numbers), "--folder", "lectures",
                          "--wait", "--no-probe")

    assert job["state"] == "done" and job["name"] == "pub"
    wanted = {f"lectures/{name}": digest for name, digest in stage.digests.items() if not name.startswith("x")}
    assert {one["name"] for one in stage.ana.json("files") if one["job"] == job["id"]} == set(wanted)
    assert {name: sha256_of(stage, name) for name in wanted} == wanted


def test_a_selection_is_numbers_ranges_all_or_none(stage):
    url = f"{stage.content.url}/pub/"

    def select(text, check):
        return stage.ana.run("browse", url, "--match", "*.mp4", "--match", "slides", "--select", text, "--at", "+1d", "--no-probe", check=check)

    assert len(select("all", 0).stdout.splitlines()) == 1
    assert select("none", 0).stdout == ""
    assert "is a folder" in select("1", 2).stderr
    for wrong in ("9", "0", "2-1", "x", "1-9"):
        assert "none of the numbers" in select(wrong, 2).stderr


def test_a_terminal_is_asked_which_ones_are_wanted(stage):
    """stdin and stderr are a terminal, stdout is read by somebody else."""
    ours, theirs = pty.openpty()
    command = stage.ana.command("browse", f"{stage.content.url}/pub/", "--match", "*.mp4", "--at", "+1d", "--no-probe")
    asking = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True, env=stage.ana.environment())
    os.close(theirs)
    said = b""
    while b"Which of them?" not in said:
        said += os.read(ours, 1000)
    os.write(ours, b"1\n")

    lines = asking.communicate(timeout=30)[0].splitlines()

    os.close(ours)
    assert asking.returncode == 0
    assert lines[0].split("\t")[:2] == ["1", "file"] and len(lines) == 2
    assert "12.mp4" in lines[1]


def test_a_page_is_sent_where_its_own_number_is_given(stage, sinks):
    def answer(request):
        if request.path == "/":
            return page("<a href=/get?id=3>The thing</a><a href=a.bin>a</a>")
        return reply(200, b"lecture", ETag='"1"', Content_Disposition="attachment; filename=thing.dat")
    site = sinks(answer)

    everything = stage.ana.json("browse", site.plain + "/", "--select", "all,1-2", "--at", "+1d", "--no-probe")
    job, = stage.ana.json("browse", site.plain + "/", "--select", "2", "--wait", "--no-probe")

    assert [one["name"] for one in everything] == ["a.bin"]
    assert (job["state"], job["name"]) == ("done", "thing.dat")


def test_json_lines_have_a_number_and_the_offer(stage):
    lines = stage.ana.json("browse", f"{stage.content.url}/pub/", "--match", "*.mp4")

    assert [(one["number"], one["kind"], one["name"]) for one in lines] == [(1, "file", "Wöche 12.mp4")]
    assert lines[0]["file"]["sources"]


@pytest.fixture(scope="module")
def others(stage):
    """Listings of the same folder by Apache and by Python."""
    ports = {"python": free_port()}
    programs = [Program([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", stage.content.root, ports["python"]],
                        stage.folder / "python.log")]
    for name, options in (("apache", "FancyIndexing HTMLTable"), ("apache-plain", "None")):
        ports[name] = free_port()
        config = stage.folder / f"{name}.conf"
        config.write_text(f"ServerRoot {stage.folder}\nServerName localhost\nListen 127.0.0.1:{ports[name]}\nPidFile {stage.folder}/{name}.pid\n"
                          f"ErrorLog {stage.folder}/{name}.log\n"
                          + "".join(f"LoadModule {one}_module {MODULES}/mod_{one}.so\n" for one in ("mpm_event", "authz_core", "autoindex", "dir"))
                          + f"DocumentRoot {stage.content.root}\n<Directory {stage.content.root}>\nOptions +Indexes\nIndexOptions {options}\n"
                            "Require all granted\n</Directory>\n")
        programs.append(Program(["/usr/sbin/apache2", "-X", "-f", config], stage.folder / f"{name}.out"))
    for port in ports.values():
        wait_until("a listing", lambda port=port: subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/pub/"], capture_output=True).returncode == 0)
    yield ports
    for program in programs:
        program.stop()


@pytest.mark.parametrize("server", ["apache", "apache-plain", "python"])
def test_other_servers_list_the_same(stage, others, server):
    answer = offered(stage, f"http://127.0.0.1:{others[server]}/pub/", depth=4)

    assert answer["kind"] == "index" and answer["complete"]
    assert sorted(paths(answer)) == sorted(stage.digests)


def test_a_page_offers_its_links_and_media(stage, sinks):
    body = ('<title>Week 12</title><a href="week12.mp4?k=S3CR3T">The lecture</a><a href="/more">More</a><img src=cover.png alt=Cover>'
            '<a href="javascript:alert(1)">x</a><a href="mailto:a@b">y</a><a href="get?id=3" download="notes.pdf">Notes</a>')
    site = sinks(lambda request: page(body) if request.path == "/course/" else reply(200, b"lecture", ETag='"1"'))

    answer = offered(stage, f"{site.plain}/course/?token=S3CR3T")

    shown = {one["name"]: one for one in answer["offers"]}
    assert (answer["kind"], answer["title"], answer["url"]) == ("page", "Week 12", f"{site.plain}/course/")
    assert {name: one["kind"] for name, one in shown.items()} == {"week12.mp4": "file", "more": "page", "cover.png": "media", "notes.pdf": "file"}
    assert shown["week12.mp4"]["label"] == "The lecture" and shown["week12.mp4"]["url"] == f"{site.plain}/course/week12.mp4"
    assert shown["week12.mp4"]["file"] == {"sources": [{"url": f"{site.plain}/course/week12.mp4?k=S3CR3T"}]}
    assert shown["notes.pdf"]["file"]["name"] == "notes.pdf"
    assert len(site.requests) == 1


def test_what_a_page_links_is_asked_for_as_its_browser_would(stage, sinks):
    def answer(request):
        if request.path == "/course":
            return page('<a href="a.bin">a</a>') if request.get("cookie") == "sid=1" else reply(403, b"no")
        return reply(200, b"lecture", ETag='"1"')
    site = sinks(answer)
    cookies = stage.folder / "cookies.txt"
    cookies.write_text(f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t1\n")

    refused = stage.ana.run("browse", f"{site.plain}/course", check=1)
    stage.ana.run("browse", "http://127.0.0.1:9/", check=1)
    job, = stage.ana.json("browse", f"{site.plain}/course", "--cookies", cookies, "--select", "all", "--wait", "--no-probe")

    assert "403" in refused.stderr
    assert job["state"] == "done" and job["name"] == "a.bin"
    got = site.requests[-1]
    assert (got.path, got.get("cookie"), got.get("referer")) == ("/a.bin", "sid=1", f"{site.plain}/course")


def test_a_sign_in_that_is_missing_signs_nobody_out(stage):
    make_file(stage.content.root / "private" / "index.html", 10, 1)

    status, problem = browse(stage, f"{stage.content.url}/private/")

    assert (status, problem["reason"]) == (502, "auth-required")


def test_a_sign_in_goes_into_the_folders_too(stage):
    origin = stage.content.url
    basic = [{"id": "c", "kind": "basic", "scope": [origin], "user": "ana", "password": "open sesame"}]
    (stage.content.root / "private" / "index.html").write_text("<title>Index of /private/</title><a href='sub/'>sub</a>")
    (stage.content.root / "private" / "sub").mkdir(exist_ok=True)
    (stage.content.root / "private" / "sub" / "index.html").write_text("<title>Index of /private/sub/</title><a href='b.bin'>b</a>")

    answer = offered(stage, f"{origin}/private/", access=basic, depth=1)

    assert paths(answer) == ["sub/b.bin"]


def test_a_stored_sign_in_is_used(stage):
    login = json.dumps({"origin": stage.content.url, "kind": "basic", "user": "ana", "secret": "open sesame"}).encode()
    status, _, stored = stage.place.get("/v1/logins", stage.token, "POST", login, JSON)
    assert status in (200, 201), stored
    (stage.content.root / "private" / "page.html").write_text("<a href='c.bin'>c</a>")

    answer = offered(stage, f"{stage.content.url}/private/page.html")
    stage.place.get(f"/v1/logins/{json.loads(stored)['id']}", stage.token, "DELETE")

    assert paths(answer) == ["c.bin"]


def test_a_metalink_offers_its_files_with_mirrors_and_digests(stage):
    origin, digest = stage.content.url, stage.digests["a b.bin"]
    (stage.content.root / "set.meta4").write_text(
        f'<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="d/one.bin"><size>20000</size><hash type="sha-256">{digest}</hash>'
        f'<url priority="1">{origin}/gone.bin</url><url priority="2">{origin}/pub/a%20b.bin</url></file></metalink>')

    answer = offered(stage, f"{origin}/set.meta4")
    job, = stage.ana.json("browse", f"{origin}/set.meta4", "--select", "1", "--wait", "--no-probe")

    one, = answer["offers"]
    assert (answer["kind"], one["folder"], one["name"], one["size_bytes"]) == ("metalink", "d", "one.bin", 20000)
    assert one["file"]["digest"] == {"sha-256": digest} and one["file"]["path"] == "d" and len(one["file"]["sources"]) == 2
    assert job["state"] == "done" and sha256_of(stage, "d/one.bin") == digest


def test_a_file_is_one_offer_and_is_not_fetched(stage):
    size = 300 << 20
    with open(stage.content.root / "big.iso", "wb") as file:
        file.truncate(size)

    answer = offered(stage, f"{stage.content.url}/big.iso")

    one, = answer["offers"]
    assert (answer["kind"], one["kind"], one["name"], one["size_bytes"]) == ("file", "file", "big.iso", size)
    assert "size" not in one["file"] and "name" not in one["file"]
    line = wait_until("the line of the log", lambda: next((one for one in stage.content.requests() if "/big.iso" in one), None))
    assert int(line.split('" 200 ')[1].split()[0]) < size // 2


def test_more_than_256_files_are_several_requests(stage, sinks):
    names = [f"f{i:03}.bin" for i in range(300)]
    site = sinks(lambda request: page("<title>Many</title>" + "".join(f"<a href={name}>{name}</a>" for name in names)))

    jobs = stage.ana.json("browse", f"{site.plain}/", "--select", "all", "--at", "+1d", "--no-probe")

    assert [job["name"] for job in jobs] == ["Many (part 1 of 2)", "Many (part 2 of 2)"]
    assert [len(json.loads(stage.place.get(f"/v1/jobs/{job['id']}", stage.token)[2])["files"]) for job in jobs] == [256, 44]
    assert len(site.requests) == 1


def test_long_addresses_are_several_requests_too(stage, sinks):
    long = "x" * 6000
    site = sinks(lambda request: page("<title>Long</title>" + "".join(f"<a href='f{i}.bin?k={long}'>{i}</a>" for i in range(150))))

    jobs = stage.ana.json("browse", f"{site.plain}/", "--select", "all", "--at", "+1d", "--no-probe")

    counts = [len(json.loads(stage.place.get(f"/v1/jobs/{job['id']}", stage.token)[2])["files"]) for job in jobs]
    assert 5 < len(jobs) < 16 and sum(counts) == 150


def test_hostile_pages_are_bounded_and_told(stage, sinks):
    links = "".join(f"<a href=f{i}.zip>x</a>" for i in range(100_000))
    answers = {"/links": page(links), "/long": page("<a href=first.zip>" + " " * 10_000_000 + "<a href=last.zip>"),
               "/tags": page("<div>" * 400_000 + "<a href=a.zip>"),
               "/names": page('<a href="..%2f..%2fetc">a</a><a href="%00.zip">b</a><a href="x%0a.zip">c</a><a href="%e2%80%ae.zip">d</a>'
                              '<a href="/a" download="../../x.zip">e</a><base href="http://other.example/"><a href="rel.zip">f</a>'),
               "/loop": reply(302, b"", Location="/loop"), "/empty": page("")}
    site = sinks(lambda request: answers[request.path])

    many, long, tags, names = (offered(stage, site.plain + path) for path in ("/links", "/long", "/tags", "/names"))
    loop, empty = browse(stage, f"{site.plain}/loop"), browse(stage, f"{site.plain}/empty")

    assert len(many["offers"]) <= 4096 and not many["complete"] and many["left_out"]
    assert paths(long) == ["first.zip"] and not long["complete"]
    assert paths(tags) == ["a.zip"] and tags["complete"]
    assert all("/" not in one["name"] and "\n" not in one["name"] and one["name"] not in (".", "..") for one in names["offers"])
    assert next(one for one in names["offers"] if one.get("label") == "f")["file"]["sources"] == [{"url": "http://other.example/rel.zip"}]
    assert (loop[0], loop[1]["reason"]) == (502, "redirect-loop")
    assert empty[0] in (200, 502)


def test_a_page_without_end_ends(stage, sinks):
    def endless(request):
        return b"HTTP/1.1 200 x\r\nContent-Type: text/html\r\nContent-Length: 99999999\r\n\r\n<a href=a.zip>" + b"<p>" * 1_500_000
    site = sinks(endless)

    answer = offered(stage, f"{site.plain}/")

    assert paths(answer) == ["a.zip"] and not answer["complete"]


def test_a_listing_leads_nowhere_else(stage, sinks):
    other = sinks(lambda request: page("<title>Index of /</title><a href=stolen.bin>x</a>"))
    listing = ('<title>Index of /pub/</title><a href="../">../</a><a href="/secret/">x</a>'
               f'<a href="{other.plain}/pub/d/">y</a><a href="sub/">sub</a>')
    answers = {"/pub/": page(listing), "/pub/sub/": page('<title>Index of /pub/sub/</title><a href="../">../</a><a href="/pub/sub/sub/">again</a>'),
               "/pub/sub/sub/": reply(500, b"no")}
    site = sinks(lambda request: answers.get(request.path, reply(404, b"")))

    answer = offered(stage, f"{site.plain}/pub/", depth=8)

    assert [request.path for request in site.requests] == ["/pub/", "/pub/sub/", "/pub/sub/sub/"]
    assert other.requests == []
    assert not answer["complete"] and answer["left_out"][0]["what"] == "sub/sub"


def test_more_folders_than_the_limit_are_told(stage, sinks):
    def answer(request):
        return page(f"<title>Index of {request.path}</title>" + "".join(f"<a href='{i}/'>{i}</a>" for i in range(70)))
    site = sinks(answer)

    answered = offered(stage, f"{site.plain}/", depth=3)

    assert len(site.requests) == 64 and answered["folders_seen"] == 63
    assert not answered["complete"]


def test_private_addresses_are_refused(stage):
    status, problem = browse(stage, "http://192.168.7.7/pub/")

    assert (status, problem["reason"]) == (422, "address")


@pytest.mark.parametrize("query", ["depth=9", "depth=-1", "depth=x", "match=", "match=" + "a" * 256, "&".join(["match=*"] * 9)])
def test_wrong_wishes_are_refused(stage, query):
    core = document(stage.place, f"{stage.content.url}/pub/")

    status, _, body = stage.place.get(f"/v1/browse?{query}", stage.token, "POST", json.dumps(core).encode(), JSON)

    assert (status, json.loads(body)["reason"]) == (400, "invalid")


def test_one_address_is_looked_into_at_a_time(stage):
    core = document(stage.place, f"{stage.content.url}/pub/", mirrors=[f"{stage.content.url}/pub/2"])

    status, _, body = stage.place.get("/v1/browse", stage.token, "POST", json.dumps(core).encode(), JSON)

    assert (status, json.loads(body)["pointer"]) == (400, "/what/files")
    assert stage.place.get("/v1/browse", None, "POST", json.dumps(core).encode(), JSON)[0] == 401


@pytest.mark.parametrize("wrong", [["--depth", "9"], ["--match", ""], ["--name", "x"], ["--select", ""], ["--checksum", "md5=1"], []], ids=str)
def test_wrong_commands_send_nothing(stage, wrong):
    url = [f"{stage.content.url}/pub/"] if wrong else []

    told = stage.ana.run("browse", *url, *wrong, check=2)

    assert told.stdout == "" and told.stderr.count("\n") == 1
