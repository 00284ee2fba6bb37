# SPDX-License-Identifier: Apache-2.0
"""No notice is missing, and a second copy comes only from the gap between the relay's 250 and our commit (tests/durability/notices.py)."""
import concurrent.futures

from durability import notices
from durability.notices import BEFORE, GAP


def test_tells_everything_through_kills_and_twice_only_from_the_gap_and_the_harness_would_see_otherwise():
    with concurrent.futures.ThreadPoolExecutor() as side_by_side:
        controls = [side_by_side.submit(notices.control, which) for which in notices.CONTROLS]
        worlds = [side_by_side.submit(notices.run, [kind]) for kind in (GAP, GAP, GAP, BEFORE)]

        for world in worlds:
            faults, _ = world.result()
            assert not faults
        assert not [fault for control in controls for fault in control.result()]
