# SPDX-License-Identifier: Apache-2.0
"""The house keeps its own rules."""
import pathlib
import re
import subprocess
import sys

from bed import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import check_layers  # noqa: E402


def tracked(*patterns):
    return subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_dependencies_point_one_way():
    assert check_layers.faults() == []


def test_the_layer_check_can_fail(tmp_path, monkeypatch):
    (tmp_path / "src" / "base").mkdir(parents=True)
    (tmp_path / "src" / "base" / "bad.cpp").write_text('#include "jobs/model.hpp"\n#include <curl/curl.h>\n')
    monkeypatch.setattr(check_layers, "ROOT", tmp_path)

    assert len(check_layers.faults()) == 2


def test_the_layer_table_is_the_one_in_the_documents():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for module, known in check_layers.ALLOWED.items():
        row = f"| `{module}` | {', '.join(sorted(known)) or '-'} |"
        assert row in text, f"docs/architecture.md lacks the row: {row}"


def test_the_table_of_reasons_is_current():
    sys.path.insert(0, str(ROOT / "scripts"))
    import generate_reasons
    assert (ROOT / "docs" / "reasons.md").read_text() == generate_reasons.markdown(), \
        "run scripts/generate_reasons.py md docs/reasons.md"


def test_every_source_file_says_its_licence():
    for name in tracked("*.cpp", "*.hpp", "*.py", "*.sh", "*.mjs", "*CMakeLists.txt", "dev", ".ci/run"):
        assert "SPDX-License-Identifier: Apache-2.0" in (ROOT / name).read_text()[:300], name


def test_ci_runs_the_command_that_the_readme_names():
    assert "./dev test" in (ROOT / "README.md").read_text()
    assert "exec ./dev test" in (ROOT / ".ci" / "run").read_text()


def test_links_between_documents_lead_somewhere():
    for name in tracked("*.md"):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target:
                assert (pathlib.Path(ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_no_source_file_has_grown_past_seeing():
    for name in tracked("*.cpp", "*.hpp", "*.py"):
        lines = len((ROOT / name).read_text().splitlines())
        assert lines <= 700, f"{name} has {lines} lines: look for a second noun"


# Ways to take a certificate that nobody vouches for (docs/tls.md). In tests somebody is told whom to trust instead.
CARELESS = re.compile(r"ignore-certificate-errors|verify=False|CERT_NONE|_create_unverified|--insecure|--no-check-certificate"
                      r"|curl\b[^\n#]*[\"' ]-[a-zA-Z]*k[a-zA-Z]*[\"' ]|VERIFYPEER, 0")
# The control of a test about bad certificates: that its servers work, and only trust is missing.
CARELESS_CONTROLS = {"tests/integration/test_origins.py": 1,
                     "src/capture/curl_test.cpp": 3}  # commands that people paste; they are read, not run


def test_no_test_ignores_certificate_errors():
    found = {}
    for name in tracked("tests", "bench", "scripts", "src", "apps", "dev"):
        if name != "tests/house/test_house.py" and not name.endswith((".json", ".bin")) and "/corpus/" not in name:
            hits = CARELESS.findall((ROOT / name).read_text(errors="replace"))
            if hits:
                found[name] = len(hits)
    assert found == CARELESS_CONTROLS
    assert CARELESS.search('{"/usr/bin/curl", "-sk", url}') and CARELESS.search("curl -k https://x") and not CARELESS.search("curl -s --cacert x")
