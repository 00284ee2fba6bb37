# SPDX-License-Identifier: Apache-2.0
"""Webhooks and topics, as real HTTPS servers receive them: signed, to their own host only, again until they are taken."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import types

import pytest
from bed import ROOT
from bed.certificates import Authority
from bed.device import Device
from bed.documents import document, fetch
from bed.place import Place
from bed.process import wait_until
from bed.sink import Sink, reply

HERE = "127.0.0.1"
CONFIG = '[address_guard]\nallow = ["127.0.0.1/32"]\n'
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def stage():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    authority = Authority(folder / "authority")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.issue(HERE))
    place = Place(folder / "place", CONFIG + f'[worker]\nca_bundle = "{authority.certificate}"\n')
    place.start()
    yield types.SimpleNamespace(folder=folder, authority=authority, tls=tls, place=place, people=0)
    place.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sinks(stage):
    with contextlib.ExitStack() as stack:
        yield lambda answer=None: stack.enter_context(contextlib.closing(Sink(answer, HERE, tls=stage.tls)))


class Person:
    def __init__(self, stage):
        stage.people += 1
        self.place, self.name = stage.place, f"p{stage.people}"
        self.place.add_user(self.name, password=PASSWORD)
        body = json.dumps({"user": self.name, "password": PASSWORD}).encode()
        status, _, answer = self.place.get("/v1/session", method="POST", body=body, headers={"Content-Type": "application/json"})
        assert status == 201, answer
        self.token = json.loads(answer)["token"]

    def call(self, method: str, path: str, body=None, status: int | None = None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        got, _, answer = self.place.get(path, self.token, method, None if body is None else json.dumps(body).encode(), headers)
        assert status is None or got == status, f"{method} {path}: {got} {answer!r}"
        return json.loads(answer) if answer else {}

    def add(self, address: str, kind: str = "webhook", **more) -> dict:
        return self.call("POST", "/v1/contacts", {"kind": kind, "address": address, **more}, 201)

    def contact(self, added: dict) -> dict:
        return next(one for one in self.call("GET", "/v1/contacts", status=200)["contacts"] if one["id"] == added["id"])

    def confirmed(self, address: str) -> dict:
        added = self.add(address)
        wait_until("the webhook to be confirmed", lambda: self.contact(added)["confirmed"])
        return added

    def test(self, added: dict) -> None:
        self.call("POST", f"/v1/contacts/{added['id']}:test", {}, 202)


@pytest.fixture
def person(stage):
    return Person(stage)


def judged(*deliveries) -> list[str]:
    """What the reference library of Standard Webhooks says to (secret, request) pairs."""
    coded = "\n".join(json.dumps({"secret": secret, "headers": {name: request.get(name) for name in
                                                                ("webhook-id", "webhook-timestamp", "webhook-signature")},
                                  "body": request.body.decode()}) for secret, request in deliveries)
    done = subprocess.run(["node", ROOT / "tests" / "contract" / "webhook_oracle.mjs"], input=coded, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_webhook_is_confirmed_and_told_by_deliveries_that_the_reference_library_verifies(stage, sinks):
    hook, content = sinks(), sinks(lambda request: reply(200, b"the content"))
    ana = Person(stage)
    device = Device(stage.folder / "ana")
    device.connect("home", stage.place.pair(ana.name))

    added, = device.json("notify", "add", hook.secure + "/in?key=1")
    wait_until("the confirmation", lambda: device.json("notify", "list")[0]["confirmed"])
    job = fetch(stage.place, ana.token, document(stage.place, content.secure + "/a.bin"))
    assert job["state"] == "done"
    wait_until("both deliveries", lambda: len(hook.requests) == 2)

    question, done = hook.requests
    assert judged((added["secret"], question), (added["secret"], done)) == ["ok", "ok"]
    forged = types.SimpleNamespace(get=done.get, body=done.body.replace(b"a.bin", b"b.bin"))
    assert judged((added["secret"], forged)) != ["ok"]
    assert (done.method, done.target) == ("POST", "/in?key=1")
    said = json.loads(done.body)
    assert (said["type"], said["data"]["job"], said["data"]["files"][0]["name"]) == ("job.done", job["id"], "a.bin")
    assert "key=1" not in done.body.decode() and ana.token not in done.raw.decode("latin-1")
    assert len(done.body) < 20_000
    assert "secret" not in device.json("notify", "list")[0]


def test_a_redirect_is_no_answer_and_nobody_goes_there(person, sinks):
    elsewhere = sinks()
    hook = sinks(lambda request: reply(307, b"", Location=elsewhere.secure + "/stolen"))

    added = person.add(hook.secure + "/")
    wait_until("the failure", lambda: person.contact(added).get("error"))

    assert "307" in person.contact(added)["error"] and not person.contact(added)["confirmed"]
    assert elsewhere.connections == 0


def test_addresses_that_downloads_may_not_reach_are_not_told_either(stage, person, sinks):
    own = f"127.0.0.2:{stage.place.listen[0].split(':')[1]}"
    for address in (f"https://{own}/", "https://10.0.0.1/latest/meta-data", "https://[::ffff:169.254.169.254]/"):
        added = person.add(address)
        wait_until("the refusal", lambda: person.contact(added).get("error"))
        assert "private or reserved" in person.contact(added)["error"] and not person.contact(added)["confirmed"]
        person.call("DELETE", f"/v1/contacts/{added['id']}", status=204)
    for address in ("https://2130706433/", "ftp://a.example/", "https://u:p@a.example/", "https://a.example\r\nX-A: b/", "file:///etc/passwd"):
        answer = person.call("POST", "/v1/contacts", {"kind": "webhook", "address": address})
        assert answer.get("status", 0) in (400, 422) or "error" in wait_until(
            "the refusal", lambda: (lambda one: one if one.get("error") else None)(person.contact(answer))), answer


def test_a_webhook_that_is_gone_is_told_nothing_any_more(person, sinks):
    status = {"now": 200}
    hook = sinks(lambda request: reply(status["now"], b""))
    added = person.confirmed(hook.secure + "/")

    status["now"] = 410
    person.test(added)
    wait_until("the webhook to be disabled", lambda: person.contact(added).get("disabled"))

    assert "410" in person.contact(added)["error"]
    assert len(hook.requests) == 2


def test_a_changed_key_signs_beside_the_one_before(stage, person, sinks):
    hook = sinks()
    added = person.confirmed(hook.secure + "/")

    changed = person.call("POST", f"/v1/contacts/{added['id']}:rotate", {}, 200)
    person.test(added)
    wait_until("the delivery", lambda: len(hook.requests) == 2)

    assert changed["secret"] != added["secret"]
    assert judged((changed["secret"], hook.requests[1]), (added["secret"], hook.requests[1])) == ["ok", "ok"]
    assert judged((changed["secret"], hook.requests[0])) != ["ok"]
    assert len(hook.requests[1].get("webhook-signature").split(" ")) == 2


def test_a_topic_is_confirmed_by_the_number_that_is_told_in_it(person, sinks):
    ntfy = sinks()
    token = "tk_S3CRETtoken"

    added = person.add(ntfy.secure + "/my_topic", "ntfy", secret=token)
    wait_until("the number", lambda: ntfy.requests)
    asked = json.loads(ntfy.requests[0].body)
    number = next(word for word in asked["message"].split() if word.isdigit() and len(word) == 8)
    wrong = person.call("POST", f"/v1/contacts/{added['id']}:confirm", {"code": "00000000" if number != "00000000" else "1"})
    assert wrong["status"] == 400
    confirmed = person.call("POST", f"/v1/contacts/{added['id']}:confirm", {"code": number}, 200)
    person.test(added)
    wait_until("the test", lambda: len(ntfy.requests) == 2)

    assert confirmed["confirmed"] and "secret" not in confirmed
    told = ntfy.requests[1]
    assert (told.method, told.target, told.get("authorization")) == ("POST", "/", f"Bearer {token}")
    assert told.raw.isascii() and b"\r\n\r\n" not in told.raw
    said = json.loads(told.body)
    assert said["topic"] == "my_topic" and said["title"].startswith("Restante") and said["priority"] in range(1, 6)


def test_a_webhook_that_never_answers_keeps_no_download_waiting(stage, person, sinks):
    free = threading.Event()
    silent = sinks(lambda request: free.wait(60) and None)
    content = sinks(lambda request: reply(200, b"the content"))
    for number in range(3):
        person.add(f"{silent.secure}/{number}")
    try:
        wait_until("the webhooks to hang", lambda: len(silent.requests) == 2)  # at once to one host

        job = fetch(stage.place, person.token, document(stage.place, content.secure + "/a.bin"))

        assert job["state"] == "done"
        assert len(silent.requests) == 2
    finally:
        free.set()


def test_what_is_told_for_somebody_ends_with_the_account(stage, sinks):
    left = threading.Event()
    silent = sinks(lambda request: left.wait(60) and None)
    person = Person(stage)
    person.add(silent.secure + "/")
    wait_until("the webhook to hang", lambda: silent.requests)
    try:
        before = len(stage.place.log())
        stage.place.run("user", "remove", person.name)

        line = wait_until("its end", lambda: next((line for line in stage.place.log()[before:].splitlines() if "not told by webhook" in line), ""), 30)
        assert "cancelled" in line  # and not that there was no answer in time
    finally:
        left.set()


def test_secrets_stay_in_the_place(stage, person, sinks):
    hook, ntfy = sinks(), sinks()
    token = "tk_C4NARYtoken"
    added = person.confirmed(hook.secure + "/path?auth=C4NARYquery")
    person.add(ntfy.secure + "/topic", "ntfy", secret=token)
    wait_until("the number", lambda: ntfy.requests)

    key = added["secret"].removeprefix("whsec_")
    hidden = [key.encode(), base64.b64decode(key), token.encode(), b"C4NARYquery"]
    shown = json.dumps(person.call("GET", "/v1/contacts", status=200)["contacts"])
    files = [path.read_bytes() for path in stage.place.data.rglob("*") if path.is_file() and not path.is_socket()]
    for secret in hidden:
        assert not any(secret in content for content in files), secret
        assert secret not in stage.place.log().encode(), secret
    assert key not in shown and token not in shown


def test_what_failed_or_was_not_written_down_comes_again_as_it_was(stage, sinks):
    """After a 503, and after a kill behind the 200: the same id and body, signed anew."""
    caught = threading.Event()
    answers = iter([200, 503])

    def answer(request):
        if json.loads(request.body)["type"] == "test" and not caught.is_set():
            os.kill(stage.place.program.pid, signal.SIGSTOP)  # it cannot write down what it is about to hear
            caught.set()
        return reply(200, b"")
    lost, failing = sinks(answer), sinks(lambda request: reply(next(answers, 200), b""))
    person = Person(stage)
    keys = [person.confirmed(hook.secure + "/") for hook in (failing, lost)]

    person.test(keys[0])
    wait_until("the 503 to be written down", lambda: "503" in person.contact(keys[0]).get("error", ""))
    person.test(keys[1])
    assert caught.wait(20)
    wait_until("the 200", lambda: len(lost.requests) == 2)
    stage.place.kill()
    stage.place.start()
    wait_until("both again", lambda: len(lost.requests) == len(failing.requests) == 3)

    for added, (question, first, copy) in zip(keys, (failing.requests, lost.requests)):
        assert question.get("webhook-id") != first.get("webhook-id") == copy.get("webhook-id")
        assert first.body == copy.body
        assert int(copy.get("webhook-timestamp")) >= int(first.get("webhook-timestamp")) + 5
        assert judged((added["secret"], first), (added["secret"], copy)) == ["ok", "ok"]
