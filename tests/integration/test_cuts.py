# SPDX-License-Identifier: Apache-2.0
"""A handful of what tests/soak/cuts.py does by the hundred: cuts and kills while bytes flow, counted by a relay."""
import pytest

from soak.cuts import Cuts


@pytest.fixture
def cuts(work, request):
    # Slow: a worker that gets no turn for half a second still keeps up.
    options = {"rate": 2_000_000, **getattr(request, "param", {})}
    running = Cuts(work, seed=7, size=10_000_000, side_by_side=3, **options)
    yield running
    running.close()


@pytest.mark.parametrize("cuts", [{"connections": 1}, {"connections": 4, "rate": 700_000}], indirect=True, ids=["one", "several"])
def test_after_each_cut_and_kill_at_most_a_mebibyte_comes_again(cuts):
    cuts.cut(8, (200_000, 2_000_000))
    cuts.kill("worker", 3, (500_000, 2_000_000))
    cuts.kill("server", 2, (500_000, 2_000_000))
    cuts.finish()

    result = cuts.result()
    assert result["violations"] == [] and result["wrong_bytes"] == 0
    assert result["interruptions"]["worker"] >= 3 and result["interruptions"]["server"] >= 2
    assert cuts.interruptions("cut-fin", "cut-rst") >= 8
    several = max(content.most_active for content in cuts.relay.contents.values()) > 1
    assert several == (cuts.connections > 1)


@pytest.mark.parametrize("cuts", [{"ignore_ranges": True}], indirect=True)
def test_a_server_without_ranges_is_seen_as_fetched_again(cuts):
    cuts.cut(2, (1_500_000, 3_000_000))
    cuts.finish()

    assert cuts.result()["violations"], "the harness counts what comes again"
