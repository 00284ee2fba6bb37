# SPDX-License-Identifier: Apache-2.0
"""The address guard: what it calls public, whom it takes a URL for, and that nothing forbidden is ever connected.

`play.py` runs the real server in a namespace where every address answers; this file asks it for a part of all cases, and
`./dev soak --only guard` for all of them.
"""
import json
import random
import re
import subprocess
import sys

import pytest

from bed import ROOT

from . import readers, urls

SCALE = 0.03
# Where sockets that lead out may be made: one function for the server. The others accept, or speak with this machine:
# the control socket, the service manager, and the device's own way to its place.
SOCKETS = {"src/net/connector.cpp": {"socket", "connect"}, "src/http/listener.cpp": {"socket", "connect"},
           "apps/restanted/service_manager.cpp": {"socket", "sendto"}, "src/http/stream.cpp": {"sendmsg"},
           "src/worker/channel.cpp": {"sendmsg"}, "src/worker/connector_thread.cpp": {"sendmsg"}}


def test_every_address_is_judged_as_independent_tables_do():
    asked, wrong = readers.disagreements_about_addresses(random.SystemRandom().randrange(1 << 31), 3000)

    assert asked > 12000
    assert wrong == []


def test_every_accepted_url_has_one_host_for_us_for_libcurl_and_for_browsers():
    accepted, wrong = readers.disagreements_about_urls(urls.corpus())

    assert len(urls.corpus()) >= 300 and accepted >= 50
    assert wrong == []


def test_only_the_connector_makes_sockets_that_lead_out():
    found = {}
    for path in [*ROOT.glob("src/**/*.?pp"), *ROOT.glob("apps/**/*.?pp")]:
        if path.name.endswith(("_test.cpp", "_child.cpp", "_stub.hpp", "test_support.hpp")):
            continue
        code = "\n".join(line.split("//")[0] for line in path.read_text().splitlines())
        calls = set(re.findall(r"(?<!\w)::(socket|connect|sendto|sendmsg|sendmmsg)\(", code))
        if re.search(r"async_connect|tcp::socket\b|udp::|ip::tcp::resolver", code):
            calls.add("asio")
        if calls:
            found[str(path.relative_to(ROOT))] = calls

    assert found == SOCKETS
    client = (ROOT / "src/net/http_client.cpp").read_text()
    assert "CURLOPT_OPENSOCKETFUNCTION" not in client  # the device's, with libcurl's own sockets: never in a server or a worker
    servers = [path for folder in ("apps/restanted", "apps/restante-transfer", "src/worker", "src/transfer", "src/api", "src/jobs")
               for path in (ROOT / folder).glob("*.?pp")]
    # The operator's commands speak with the running server over its own sockets.
    assert sorted(path.name for path in servers if "http_client" in path.read_text()) == ["client.cpp", "receive.cpp"]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    out = tmp_path_factory.mktemp("guard") / "result.json"
    done = subprocess.run([sys.executable, ROOT / "tests" / "guard" / "play.py", "--scale", str(SCALE), "--json", out], capture_output=True,
                          text=True, timeout=280)
    assert out.exists(), done.stdout + done.stderr
    return {**json.loads(out.read_text()), "output": done.stdout + done.stderr, "status": done.returncode}


def test_nothing_forbidden_is_connected_by_the_product_or_by_either_layer_alone(played):
    held = played["forbidden_connections"]

    assert (held["both layers"], held["layer 1 alone"], held["layer 2 alone"]) == (0, 0, 0), played["output"]


def test_webhooks_and_topics_are_never_told_where_downloads_may_not_go(played):
    contacts = played["contacts"]
    told = contacts["told_where_nobody_may_go"]

    assert (told["both layers"], told["layer 1 alone"], told["layer 2 alone"]) == (0, 0, 0), played["output"]
    assert told["no layer"] == contacts["judged_by_a_layer"] >= 5, played["output"]


def test_without_layers_every_case_is_counted(played):
    assert played["judged_by_a_layer"] >= 300
    assert played["forbidden_connections"]["no layer"] == played["judged_by_a_layer"], played["output"]


def test_each_request_ends_as_it_should_and_public_twins_arrive(played):
    assert played["faults"] == [] and played["status"] == 0, played["output"]
    assert played["outcomes"]["done"] >= 30
