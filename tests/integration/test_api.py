# SPDX-License-Identifier: Apache-2.0
"""API v1 as other clients meet it: problems, ranges, events, batches, hosts."""
import hashlib
import http.client
import json
import socket
import threading
import urllib.request
import uuid

from bed.process import wait_until


def test_health_and_the_well_known_page_are_open(place):
    assert json.loads(place.get("/healthz")[2])["status"] == "ok"
    known = json.loads(place.get("/.well-known/restante")[2])
    assert known["api"] == "/v1" and len(known["jkt"]) == 43 and known["time"]["tz"]


def test_the_contract_is_served(place):
    served = json.loads(place.get("/v1/openapi.json")[2])

    assert served["openapi"].startswith("3.1") and "/v1/jobs/{job}" in served["paths"]


def test_requests_for_other_hosts_are_refused(place, ana):
    status, _, body = place.get("/v1/jobs", ana.token(), headers={"Host": "evil.example"})

    assert status == 421 and "hosts" in json.loads(body)["hint"]


def test_requests_from_other_sites_change_nothing(place, ana):
    job, = ana.json("send", "http://127.0.0.1:9/x", "--at", "+1w", "--no-probe")

    status, *_ = place.get(f"/v1/jobs/{job['id']}", ana.token(), "DELETE", headers={"Origin": "https://evil.example"})

    assert status == 403 and ana.json("list")[0]["state"] == "scheduled"


def test_a_file_has_ranges_validators_and_safe_headers(publish, place, ana):
    url, digest = publish("film.bin", 100_000)
    ana.json("send", url, "--wait")
    entry = ana.json("files")[0]
    path, token = f"/v1/files/{entry['id']}", ana.token()

    status, headers, body = place.get(path, token)
    headers = {name.lower(): value for name, value in headers.items()}
    part = place.get(path, token, headers={"Range": "bytes=1000-1999", "If-Range": headers["etag"]})
    stale = place.get(path, token, headers={"Range": "bytes=1000-1999", "If-Range": '"other"'})
    same = place.get(path, token, headers={"If-None-Match": headers["etag"]})
    beyond = place.get(path, token, headers={"Range": "bytes=200000-"})
    head = place.get(path, token, "HEAD")

    assert status == 200 and hashlib.sha256(body).hexdigest() == digest
    assert headers["etag"].startswith('"') and headers["accept-ranges"] == "bytes"
    assert headers["content-disposition"].startswith("attachment") and headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert (part[0], part[2]) == (206, body[1000:2000]) and part[1]["Content-Range"] == "bytes 1000-1999/100000"
    assert (stale[0], stale[2]) == (200, body)
    assert same[0] == 304 and beyond[0] == 416 and beyond[1]["Content-Range"] == "bytes */100000"
    assert head[0] == 200 and head[1]["Content-Length"] == "100000" and head[2] == b""


def test_the_digest_becomes_known_and_the_etag_stays(publish, place, ana):
    url, digest = publish("film.bin", 100_000)
    ana.json("send", url, "--wait")
    entry = ana.json("files")[0]
    path = f"/v1/files/{entry['id']}"
    etag = place.get(path, ana.token(), "HEAD")[1]["ETag"]

    known = wait_until("the digest", lambda: ana.json("files")[0].get("sha256"), 30)
    after = place.get(path, ana.token(), "HEAD")[1]

    assert known == digest and after["ETag"] == etag and after["Repr-Digest"].startswith("sha-256=:")


def test_a_file_changed_by_another_program_has_a_new_version(publish, place, ana):
    url, _ = publish("film.bin", 1000)
    ana.json("send", url, "--wait")
    entry = ana.json("files")[0]
    path = f"/v1/files/{entry['id']}"
    etag = place.get(path, ana.token(), "HEAD")[1]["ETag"]

    (place.data / "areas" / "ana" / "film.bin").write_bytes(b"edited by hand")
    _, headers, body = place.get(path, ana.token())

    assert body == b"edited by hand" and headers["ETag"] != etag and "Repr-Digest" not in headers


class Events:
    """Reads the event stream in a thread."""

    def __init__(self, place, token, last=None, job=None):
        request = urllib.request.Request(place.url + "/v1/events" + (f"?job={job}" if job else ""),
                                         headers={"Authorization": f"Bearer {token}", **({"Last-Event-ID": last} if last else {})})
        self.stream = urllib.request.urlopen(request, timeout=30)
        self.seen = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        current = {}
        try:
            for raw in self.stream:
                line = raw.decode().rstrip("\n")
                if line == "":
                    if "event" in current:
                        self.seen.append(current)
                    current = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    current[name] = value
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def states(self):
        return [json.loads(event["data"])["to"] for event in list(self.seen) if event["event"] == "job.state"]


def test_events_tell_every_change_and_go_on_where_one_stopped(publish, place, ana):
    url, _ = publish("film.bin", 1000)
    live = Events(place, ana.token())

    ana.json("send", url, "--wait")
    wait_until("the events", lambda: "done" in live.states())
    numbered = [event for event in live.seen if "id" in event]
    middle = numbered[0]["id"]
    place.stop()
    place.start()
    resumed = Events(place, ana.token(), last=middle)
    wait_until("the rest of the events", lambda: "done" in resumed.states())

    assert resumed.states() == [json.loads(event["data"])["to"] for event in numbered[1:] if event["event"] == "job.state"]
    assert len(resumed.states()) >= 2
    assert any(event["event"] == "file.done" for event in live.seen)


def core(place, number, url="http://127.0.0.1:9/x"):
    known = json.loads(place.get("/.well-known/restante")[2])
    return {"v": 1, "id": str(uuid.UUID(int=(0x01999f3c7a107c549000000000000000 & ~0) | number, version=4)), "aud": [{"jkt": known["jkt"]}],
            "iat": known["time"]["now"], "exp": known["time"]["now"] + 86400, "what": {"files": [{"sources": [{"url": url}]}]},
            "when": {"start": "2037-01-01T00:00:00Z"}}


def test_a_batch_answers_a_line_each_in_order(place, ana):
    good = [core(place, number, f"http://127.0.0.1:9/{number}") for number in range(50)]
    lines = [json.dumps(document) for document in good]
    lines[10] = "{nonsense"
    lines[20] = json.dumps({**good[20], "v": 9})
    lines[30] = lines[29]

    status, headers, body = place.get("/v1/proxies", ana.token(), "POST", "\n".join(lines).encode(), {"Content-Type": "application/jsonl"})
    results = [json.loads(line) for line in body.splitlines()]

    assert status == 200 and headers["Content-Type"].startswith("application/jsonl") and len(results) == 50
    assert [r["status"] for r in results].count("accepted") == 47
    assert results[10]["status"] == "refused" and results[20]["error"]["pointer"] == "/v"
    assert results[30]["status"] == "replayed" and results[30]["job"]["id"] == results[29]["job"]["id"]


def test_lists_come_in_pages(place, ana):
    body = "\n".join(json.dumps(core(place, number)) for number in range(120)).encode()
    place.get("/v1/proxies", ana.token(), "POST", body, {"Content-Type": "application/jsonl"})

    seen, path = [], "/v1/jobs?limit=50"
    while path:
        status, headers, page = place.get(path, ana.token())
        assert status == 200
        seen += [job["id"] for job in json.loads(page)]
        link = headers.get("Link", "")
        path = link.split(">")[0].lstrip("<") if 'rel="next"' in link else None

    assert len(seen) == len(set(seen)) == 120


def test_too_many_submissions_a_minute_are_told_when_to_come_back(work):
    from bed.device import Device
    from bed.place import ALLOW_LOOPBACK, Place
    place = Place(work / "limited", ALLOW_LOOPBACK + "[limits]\nsubmit_per_minute = 3\n").start()
    try:
        place.add_user("ana")
        ana = Device(work / "limited-ana")
        ana.connect("home", place.pair("ana"))
        answers = [place.get("/v1/proxies", ana.token(), "POST", json.dumps(core(place, number)).encode(),
                             {"Content-Type": "application/json"}) for number in range(5)]

        assert [status for status, *_ in answers][:3] == [202] * 3
        assert answers[-1][0] == 429 and int(answers[-1][1]["Retry-After"]) >= 1
    finally:
        place.stop()


def test_changes_need_the_version_they_change(place, ana):
    job, = ana.json("send", "http://127.0.0.1:9/x", "--at", "+1w", "--no-probe")
    path, media = f"/v1/jobs/{job['id']}", {"Content-Type": "application/merge-patch+json"}
    etag = place.get(path, ana.token())[1]["ETag"]

    without = place.get(path, ana.token(), "PATCH", b'{"name":"a"}', media)
    right = place.get(path, ana.token(), "PATCH", b'{"name":"a"}', {**media, "If-Match": etag})
    stale = place.get(path, ana.token(), "PATCH", b'{"name":"b"}', {**media, "If-Match": etag})

    any_version = place.get(path, ana.token(), "PATCH", b'{"name":"c"}', {**media, "If-Match": "*"})

    assert (without[0], right[0], stale[0], any_version[0]) == (428, 200, 412, 200)


def raw(place, request: bytes) -> bytes:
    host, port = place.listen[0].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_ambiguous_requests_are_refused_and_the_connection_closed(place):
    host = f"Host: {place.listen[0]}\r\n".encode()
    hidden = b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n"
    for head in (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 3\r\nContent-Length: 4\r\n",
                 b"Transfer-Encoding: chunked, identity\r\n", b"Content-Length: -1\r\n"):
        answer = raw(place, b"POST /v1/session HTTP/1.1\r\n" + host + head + b"\r\n0\r\n\r\n" + hidden)
        assert answer.startswith(b"HTTP/1.1 4") and answer.count(b"HTTP/1.1 ") == 1, head
    for request in (b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\n" + host + host + b"\r\n"):
        assert raw(place, request).startswith(b"HTTP/1.1 4")


def test_paths_with_hidden_parts_are_refused(place, ana):
    for path in ("/v1/files/..%2f..%2fkeys", "/v1/jobs/%00", "/v1/../v1/jobs", "/v1/files/%2e%2e"):
        assert place.get(path, ana.token())[0] in (400, 404)


def test_problems_have_the_form_of_rfc_9457(place, ana):
    status, headers, body = place.get("/v1/jobs/" + "f" * 32, ana.token())
    problem = json.loads(body)

    assert headers["Content-Type"] == "application/problem+json"
    assert (problem["type"], problem["status"], status) == ("/problems/not-found", 404, 404)
    assert problem["title"] and problem["detail"]
    assert place.get("/v1/nonsense", ana.token())[0] == 404
    assert place.get("/v1/jobs", ana.token(), "PUT", b"{}")[0] == 405
