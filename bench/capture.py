# SPDX-License-Identifier: Apache-2.0
"""What of a body of 100 MB reaches a browser that captures it: bytes at the browser's own interface, over 8 Mbit/s."""
import json
import pathlib

from bed.capturing import World

ROUNDS = 5
# How it is captured, and by what it is clicked in the page of tests/web/extension/origin.py.
BY_REQUEST = {"a link to save": "#saved", "a link that ends like a file": "#zip"}
BY_HEAD = {"a link": "#plain", "an attachment": "#attachment", "a file for those who signed in": "#member", "a form": "#send",
           "a form in parts": "#sendmulti", "redirects": "#chain", "another site": "#foreign", "redirects to another site": "#chainforeign"}


def bench(work: pathlib.Path) -> dict:
    results: dict = {}
    for kind in ("chromium", "firefox"):
        world = World(work / kind, kind)
        try:
            world.start()
            found: dict = {"request": {}, "head": {}, "first": world.capture("#saved")["received"]}
            for _ in range(ROUNDS):
                for layer, cases in (("request", BY_REQUEST), ("head", BY_HEAD)):
                    for name, selector in cases.items():
                        cost = world.capture(selector)
                        assert cost["downloads"] == 0, (kind, name, cost)
                        found[layer].setdefault(name, []).append(cost["received"])
            results[kind] = found
            print(kind, json.dumps(found), flush=True)
        finally:
            world.close()
    return results
