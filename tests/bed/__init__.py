# SPDX-License-Identifier: Apache-2.0
"""The test bed: real parts (nginx, restanted, restante, network namespaces) that demo, tests and benches start and end.

Everything started here is ended by its pid, listens on loopback or inside namespaces that we made, and leaves nothing.
"""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("RESTANTE_PROGRAMS", ROOT / "build" / "bin"))  # where the programs under test lie
