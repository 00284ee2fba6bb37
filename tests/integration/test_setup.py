# SPDX-License-Identifier: Apache-2.0
"""The first start by the real program: the one-time address, with a running server and without, and on a terminal only."""
import json
import os
import re
import subprocess

from bed.place import Place
from bed.process import wait_until

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/setup#c=([A-Za-z0-9_-]{22})")


def set_up(place: Place, code: str, name: str = "maria"):
    body = json.dumps({"code": code, "name": name, "password": "three green boats"}).encode()
    status, _, answer = place.get("/v1/setup", method="POST", body=body, headers={"Content-Type": "application/json"})
    return status, json.loads(answer)


def everything_stored(place: Place) -> bytes:
    return b"".join(path.read_bytes() for path in place.data.rglob("*") if path.is_file())


def test_a_code_made_before_the_server_runs_sets_it_up_and_lies_nowhere(tmp_path):
    place = Place(tmp_path / "place")
    code = ADDRESS.fullmatch(place.run("setup").stdout.strip()).group(1)
    place.start()
    try:
        assert json.loads(place.get("/v1/setup")[2]) == {"needed": True}
        assert set_up(place, "A" * 22)[0] == 401
        status, answer = set_up(place, code)
        assert status == 201 and answer["account"]["role"] == "admin"
        assert place.get("/v1/users", answer["token"])[0] == 200
        assert set_up(place, code, "eve")[0] == 409
        again = place.run("setup", check=False)
        assert again.returncode == 1 and "set up already" in again.stderr
    finally:
        place.stop()
    assert code not in place.log()
    assert code.encode() not in everything_stored(place)
    assert b"maria" in everything_stored(place), "what is searched holds what was stored"


def test_the_running_server_makes_a_code_for_its_own_address(tmp_path):
    place = Place(tmp_path / "place").start()
    try:
        first, second = (place.run("setup").stdout.strip() for _ in range(2))
        assert first.startswith(f"{place.url}/setup#c=")
        assert set_up(place, ADDRESS.fullmatch(first).group(1))[0] == 401, "another code takes its place"
        assert set_up(place, ADDRESS.fullmatch(second).group(1))[0] == 201
        assert "restanted setup" in place.log()
        assert not ADDRESS.search(place.log()), "without a terminal nothing is told by itself"
    finally:
        place.stop()


def test_on_a_terminal_the_server_tells_the_address_until_there_is_a_user(tmp_path):
    def said_by_server(place: Place) -> str:
        master, slave = os.openpty()
        command = [str(part) for part in place.command("serve", "--listen", place.listen[0])]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
        os.close(slave)
        os.set_blocking(master, False)
        said = b""

        def ready() -> bool:
            nonlocal said
            try:
                said += os.read(master, 65536)
            except BlockingIOError:
                pass
            return place.get("/healthz")[0] == 200 if b"listening on" in said else False

        try:
            wait_until("the server", ready)
            if b"no user yet" in said:
                wait_until("the address", lambda: ready() and ADDRESS.search(said.decode(errors="replace")))
                assert set_up(place, ADDRESS.search(said.decode(errors="replace")).group(1))[0] == 201
        finally:
            server.terminate()
            assert server.wait(20) == 0
            try:
                said += os.read(master, 65536)  # what came until the end
            except OSError:
                pass
            os.close(master)
        return said.decode(errors="replace")

    place = Place(tmp_path / "place")
    assert ADDRESS.search(said_by_server(place))
    assert not ADDRESS.search(said_by_server(place)), "there is a user"
