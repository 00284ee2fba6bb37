# SPDX-License-Identifier: Apache-2.0
"""What an installation consists of: the tree that `cmake --install` makes, its unit, man pages and completions.

The package's whole life on a bare system is `./dev soak --only package`.
"""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

import pytest
import yaml

from bed import BIN, ROOT
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place

BUILD = BIN.parent
OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]*)")


def helps(program: str) -> dict[tuple, str]:
    """--help of the program and of every command below it."""
    def below(path: tuple) -> dict:
        text = subprocess.run([BIN / program, *path, "--help"], capture_output=True, text=True, check=True).stdout
        found = {path: text}
        for name in re.findall(r"^  ([a-z][\w-]*) ", text.partition("\nSubcommands:\n")[2], re.M):
            found.update(below((*path, name)))
        return found
    return below(())


def options_of(text: str) -> set[str]:
    """The options that a command's help defines, not those that its words mention."""
    return {name for line in text.splitlines() if line.startswith("  -") for name in OPTION.findall(line[:30].split("  ")[1])}


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> pathlib.Path:
    """The staged tree of an installation below /usr."""
    staged = tmp_path_factory.mktemp("staged")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], env={**os.environ, "DESTDIR": str(staged)}, check=True, capture_output=True)
    return staged


@pytest.fixture(scope="module")
def programs() -> dict:
    return {name: helps(name) for name in ("restante", "restanted")}


def manual(tree: pathlib.Path, page: str) -> str:
    """A man page as its reader sees it, in one line."""
    path = next(tree.glob(f"usr/share/man/man*/{page}"))
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-rLL=500n", "-ww", path], capture_output=True, text=True, check=True)
    assert shown.stderr == "", shown.stderr
    return shown.stdout


def completed(tree: pathlib.Path, program: str, words: list[str]) -> set[str]:
    """What bash offers for the last of the words."""
    script = tree / "usr/share/bash-completion/completions" / program
    line = " ".join(shlex.quote(word) for word in [program, *words])
    done = subprocess.run(["bash", "-c", f"source {shlex.quote(str(script))}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _{program}; "
                                         'printf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_tree_holds_what_an_installation_needs(tree):
    everything = {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}
    extension = {name for name in everything if name.startswith("usr/share/restante/extension/")}
    files = everything - extension

    assert {f"usr/share/restante/extension/{browser}/{name}" for browser in ("chromium", "firefox") for name in ("manifest.json", "background.js", "popup.html")} <= extension
    assert files == {"usr/bin/restante", "usr/bin/restanted", "usr/libexec/restante/restante-transfer", "usr/lib/systemd/system/restanted.service",
                     "usr/share/man/man1/restante.1", "usr/share/man/man5/restante.toml.5", "usr/share/man/man8/restanted.8",
                     "usr/share/bash-completion/completions/restante", "usr/share/bash-completion/completions/restanted",
                     "usr/share/doc/restante/install.md", "usr/share/doc/restante/extension.md", "usr/share/doc/restante/limits.md", "usr/share/doc/restante/restante.toml"}
    for program in ("usr/bin/restante", "usr/bin/restanted", "usr/libexec/restante/restante-transfer"):
        dynamic = subprocess.run(["readelf", "-d", tree / program], capture_output=True, text=True, check=True).stdout
        assert "RUNPATH" not in dynamic and "RPATH" not in dynamic, program


def test_the_unit_and_the_example_are_right(tree):
    unit = (tree / "usr/lib/systemd/system/restanted.service").read_text()
    example = (ROOT / "packaging" / "restante.toml").read_text()

    assert "ExecStart=/usr/bin/restanted " in unit and "@bindir@" not in unit
    for namespace in ("user", "net", "mnt", "ipc", "uts", "cgroup"):  # what the cage is made of
        assert re.search(rf"^RestrictNamespaces=.*\b{namespace}\b", unit, re.M), namespace
    documented = (ROOT / "docs" / "configuration.md").read_text()
    for section, key in sections_and_keys(example):
        assert f"[{section}]" in documented and key in documented, (section, key)


def test_compose_and_containerfile_speak_of_the_same_places():
    service, = yaml.safe_load((ROOT / "packaging" / "compose.yaml").read_text())["services"].values()
    image = (ROOT / "packaging" / "Containerfile").read_text()

    assert {one.split(":")[1] for one in service["volumes"]} == set(re.search(r"^VOLUME (.*)$", image, re.M).group(1).split())
    assert service["ports"] == [f"{port}:{port}" for port in re.findall(r"^EXPOSE (\d+)$", image, re.M)]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    built_from = ROOT / "packaging" / service["build"]["context"] / service["build"]["dockerfile"]
    assert pathlib.Path(os.path.normpath(built_from)) == ROOT / "packaging" / "Containerfile"


def sections_and_keys(text: str):
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif found := re.match(r"^# (\w+) = ", line):
            yield section, found.group(1)


def test_every_example_in_the_configuration_is_taken(tmp_path):
    """All commented keys at once, with the default or example that they show."""
    example = (ROOT / "packaging" / "restante.toml").read_text()
    text, seen, section = "", set(), ""
    for line in example.splitlines():
        section = line if line.startswith("[") else section
        key = re.match(r"^# (\w+) = ", line)
        wanted = key and key.group(1) not in seen and section != "[tls]"  # there is no such certificate here
        text += (line[2:] if wanted else line) + "\n"
        seen.add(key.group(1) if key else "")
    media = tmp_path / "media"
    media.mkdir()
    place = Place(tmp_path / "place", text.replace("/srv/media", str(media)))

    assert place.run("check").returncode == 0


def test_every_command_and_option_is_in_the_manual(tree, programs):
    for program, page in (("restante", "restante.1"), ("restanted", "restanted.8")):
        text = manual(tree, page)
        for path, told in programs[program].items():
            name = " ".join((program, *path))
            assert name in text, f"{page} does not know {name}"
            if "\nSubcommands:\n" not in told:
                missing = [option for option in options_of(told) - {"--help"} if option not in text]
                assert not missing, f"{page} lacks {missing} of {name}"
    keys = (ROOT / "docs" / "configuration.md").read_text()
    text = manual(tree, "restante.toml.5")
    for key in re.findall(r"^\| `(\[\w+\] \w+)`", keys, re.M):
        assert key in text, key


def test_bash_offers_every_command_and_option(tree, programs):
    for program, texts in programs.items():
        everywhere = options_of(texts[()])
        for path, told in texts.items():
            commands = {other[-1] for other in texts if len(other) == len(path) + 1 and other[:-1] == path}
            assert completed(tree, program, [*path, ""]) >= commands, path
            assert completed(tree, program, [*path, "--"]) >= options_of(told) | everywhere, path


def test_bash_knows_what_an_option_takes(tree):
    assert completed(tree, "restanted", ["user", "add", "--role", ""]) == {"admin", "user", "guest"}
    assert completed(tree, "restante", ["--place", "send", "lis"]) == {"list"}, "the value of an option is no command"
    assert completed(tree, "restanted", ["user", "add", "--quota", ""]) == set()


def test_an_installed_place_finds_its_worker(tree, tmp_path):
    content = ContentServer(tmp_path / "content").start()
    digest = make_file(content.root / "film.bin", 100_000, 1)
    place = Place(tmp_path / "place", ALLOW_LOOPBACK, binaries=tree / "usr/bin").start()
    try:
        place.add_user("ana")
        ana = Device(tmp_path / "ana", binaries=tree / "usr/bin")
        ana.connect("home", place.pair("ana"))
        ana.run("send", f"{content.url}/film.bin", "--wait")

        assert ana.json("files")[0].get("sha256", digest) == digest
    finally:
        place.stop()
        content.stop()


def test_an_area_behind_another_mount_of_the_same_file_system_gets_its_files(tmp_path):
    """Two volumes of a container, or a unit's ReadWritePaths=: one file system, but no rename from one to the other."""
    content = ContentServer(tmp_path / "content").start()
    make_file(content.root / "film.bin", 100_000, 1)
    media = tmp_path / "media"
    media.mkdir()
    mounted = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", f'mount --bind "{media}" "{media}"; exec "$@"', "sh"]
    place = Place(tmp_path / "place", ALLOW_LOOPBACK + f'[areas]\npath = "{media}/{{user}}"\n', prefix=mounted).start()
    try:
        place.add_user("ana")
        ana = Device(tmp_path / "ana")
        ana.connect("home", place.pair("ana"))
        ana.run("send", f"{content.url}/film.bin", "--wait", "--max-attempts", "1")

        assert (media / "ana" / "film.bin").stat().st_size == 100_000
    finally:
        place.stop()
        content.stop()


def test_a_place_without_its_worker_does_not_start(tree, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "restanted").write_bytes((tree / "usr/bin/restanted").read_bytes())
    (tmp_path / "bin" / "restanted").chmod(0o755)
    place = Place(tmp_path / "place", binaries=tmp_path / "bin")

    refused = place.run("serve", "--listen", "127.0.0.1:0", check=False)

    assert refused.returncode == 1 and "libexec/restante/restante-transfer" in refused.stderr and refused.stderr.count("\n") == 1
    assert not (place.data / "restante.db").exists()


def test_a_wrong_configuration_ends_with_two(tmp_path):
    place = Place(tmp_path / "place", "[listen]\nadress = 1\n")

    assert place.run("serve", check=False).returncode == 2


def user_ids(pid: int) -> set[str]:
    """Real, effective, saved and file system users of all threads (proc(5))."""
    return {word for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status")
            for word in re.search(r"^Uid:\t(.*)$", status.read_text(), re.M).group(1).split()}


def test_root_acts_as_the_owner_of_the_data_folder():
    assert os.geteuid() == 0, "this needs root"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        place = Place(pathlib.Path(folder) / "place")
        place.data.mkdir(mode=0o700)
        os.chown(place.data, 12345, 12345)

        place.add_user("ana")
        place.start()
        running = user_ids(place.program.pid)
        place.run("user", "list")
        place.stop()

        assert {path.lstat().st_uid for path in place.data.rglob("*")} == {12345}
        assert running == {"12345"}
