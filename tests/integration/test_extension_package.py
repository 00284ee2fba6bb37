# SPDX-License-Identifier: Apache-2.0
"""What browsers' shops look at before they take the extension, and what people read before they install it."""
import json
import re
import subprocess

import pytest
from bed.browser import EXTENSION, ROOT

PAGE = ROOT / "docs" / "extension.md"


def manifest(browser: str) -> dict:
    return json.loads((EXTENSION / browser / "manifest.json").read_text())


def explained() -> set[str]:
    """The names in the first column of the table of permissions."""
    section = PAGE.read_text().split("\n## Permissions and why\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_mozillas_linter_finds_no_error():
    lint = subprocess.run([ROOT / "scripts" / "node.sh", ROOT / "tests" / "web" / "node_modules" / ".bin" / "web-ext", "lint", "--source-dir", EXTENSION / "firefox",
                           "--output", "json", "--no-config-discovery"], capture_output=True, text=True, timeout=120)

    found = json.loads(lint.stdout)

    assert found["summary"]["errors"] == 0, found["errors"]
    assert {one["code"] for one in found["warnings"]} <= {"UNSAFE_VAR_ASSIGNMENT"}, found["warnings"]


def test_every_permission_is_explained_and_none_is_asked_for_that_is_not():
    asked = {name for browser in ("chromium", "firefox") for kind in ("permissions", "host_permissions") for name in manifest(browser)[kind]}

    assert asked == explained()


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_nothing_is_run_that_is_not_in_the_package(browser):
    policy = manifest(browser)["content_security_policy"]["extension_pages"]
    pages = list((EXTENSION / browser).glob("*.html"))

    assert "script-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
    assert len(pages) == 3
    for page in pages:
        assert not re.search(r'src="(https?:)?//|<script>[^<]', page.read_text()), page


def test_both_browsers_get_the_same_code():
    def code(browser: str) -> dict:
        folder = EXTENSION / browser
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"}

    assert code("chromium") == code("firefox")
