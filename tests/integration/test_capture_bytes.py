# SPDX-License-Identifier: Apache-2.0
"""How much of a body of 100 MB reaches a browser that captures it, at the browser's own interface, over 8 Mbit/s."""
import os
import pathlib
import shutil
import tempfile
import time

import pytest
from bed.capturing import SIZE, World

BY_REQUEST, BY_HEAD = 1_000, 200_000  # bytes; what was promised


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.fail("needs to be root, to make network namespaces")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-bytes-"))
    made = World(folder, "chromium")
    try:
        yield made.start()
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_what_is_captured_before_it_is_asked_for_costs_a_kilobyte(world):
    world.capture("#saved")  # the first one opens the connection to the place

    for selector in ("#saved", "#zip"):
        cost = world.capture(selector)
        assert cost["received"] <= BY_REQUEST and cost["downloads"] == 0, (selector, cost)


def test_what_is_captured_by_its_head_costs_less_than_two_hundred_kilobytes(world):
    for selector in ("#attachment", "#member", "#send"):
        cost = world.capture(selector)
        assert cost["received"] <= BY_HEAD and cost["downloads"] == 0, (selector, cost)


def test_without_capture_the_body_comes(world):
    """The control: what is counted is what the browser receives."""
    world.browser.set(capture="off")
    world.browser.ask("goto", url=f"{world.origin.url}/page")
    begun = world.near.counters("lan")[0]
    world.browser.ask("click", selector="#attachment")
    end = time.monotonic() + 20

    while (received := world.near.counters("lan")[0] - begun) < 5 * BY_HEAD and time.monotonic() < end:
        time.sleep(0.1)

    assert 5 * BY_HEAD <= received < SIZE
