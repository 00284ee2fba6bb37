#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev demo [URL]: the whole way of one download, with real programs.

Four network namespaces stand for four machines: a content server (nginx), the place (restanted), the device that asks and
the device that takes. The asking device sits on a slow link (8 Mbit/s), and its bytes are counted. Where namespaces are
not permitted, or with your own URL, everything runs on this machine, and the closing table says what was not measured.
It ends with a mail, whose link a browser opens that knows nothing but the link.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from bed import namespaces  # noqa: E402
from bed.certificates import Authority  # noqa: E402
from bed.chromium import Chromium  # noqa: E402
from bed.content import ContentServer, make_file  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.mail import Mail  # noqa: E402
from bed.mailbox import Mailbox  # noqa: E402
from bed.place import Place  # noqa: E402
from bed.process import BedError, free_port, wait_until  # noqa: E402

BIG, SMALL = 64 << 20, 8 << 20
PASSWORD = "open sesame"


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def shown(device: Device, *arguments, secret: str | None = None, show_errors: bool = True) -> str:
    """Runs a command of the device and prints it as a person would see it."""
    print("$ restante " + " ".join(f"'{a}'" if " " in str(a) or "&" in str(a) else str(a) for a in arguments), flush=True)
    done = device.run(*arguments, input=None if secret is None else secret + "\n", check=False, timeout=600)
    if show_errors and done.stderr.strip():
        print(done.stderr.rstrip())
    if done.stdout.strip():
        print(done.stdout.rstrip(), flush=True)
    if done.returncode != 0:
        raise BedError(f"that exited {done.returncode}")
    return done.stdout


def follow(device: Device, job: str) -> None:
    """Prints the live lines of `restante watch` until the download has ended."""
    print(f"$ restante watch {job[:8]}", flush=True)
    with subprocess.Popen(device.command("watch", job), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=device.environment(), stdin=subprocess.DEVNULL) as watching:
        assert watching.stdout
        for line in watching.stdout:
            print(line.rstrip(), flush=True)
        if watching.wait(600) != 0:
            raise BedError("watch says that the download did not end well")


def sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def submitted(device: Device, *arguments, secret: str | None = None) -> str:
    """Sends a request, prints it, and returns the download's id."""
    shown(device, "send", *arguments, secret=secret)
    return device.json("list")[0]["id"]


def done(device: Device, job: str) -> dict:
    return next(entry for entry in device.json("list") if entry["id"] == job)


class Machines:
    """The four machines, or this one four times."""

    def __init__(self, work: pathlib.Path, apart: bool):
        self.apart = apart
        self.content_address = "10.77.1.1" if apart else "127.0.0.1"
        self.prefixes = {name: [] for name in ("content", "place", "asker", "taker")}
        if apart:
            hosts = {name: namespaces.Host(name) for name in self.prefixes}
            self.prefixes = {name: host.prefix for name, host in hosts.items()}
            self.asker_host = hosts["asker"]
            namespaces.link(hosts["content"], "wan", "10.77.1.1", hosts["place"], "wan", "10.77.1.2")
            namespaces.link(hosts["place"], "mobile", "10.77.2.1", hosts["asker"], "mobile", "10.77.2.2", rate="8mbit")
            namespaces.link(hosts["place"], "lan", "10.77.3.1", hosts["taker"], "lan", "10.77.3.2")
            self.listen = ["10.77.2.1:8470", "10.77.3.1:8470"]
            self.open = ["10.77.2.1:8480", "10.77.3.1:8480"]
        else:
            self.listen = [f"127.0.0.1:{free_port()}"]
            self.open = []
        self.work = work

    def doors(self) -> str:
        """The section [listen]: the names that links go by, and doors without TLS for the page that explains trust."""
        if not self.apart:
            return ""
        return (f'[listen]\npublic_url = "https://{self.listen[0]}"\nlan_url = "https://{self.listen[-1]}"\n'
                f'open = {json.dumps(self.open)}\n')

    def asker_bytes(self) -> int | None:
        return sum(self.asker_host.counters("mobile")) if self.apart else None

    def for_taker(self, pairing_url: str) -> str:
        """The same place as the taking device reaches it: over the other network."""
        return pairing_url.replace(self.listen[0], self.listen[-1])


def closing_table(machines: Machines, asked: int | None, size: int, fetched: list[tuple[str, int, bool]], seconds: float) -> None:
    say("What this cost")
    width = max(len(name) for name, *_ in fetched)
    for name, bytes_, right in fetched:
        print(f"  {name:{width}}  {bytes_:>12,} bytes  {'the right bytes' if right else 'WRONG BYTES'}")
    print(f"  size of the content                       {size:>14,} bytes")
    if asked is None:
        print("  over the asking device's link                not measured (no network namespaces of its own here)")
    else:
        print(f"  over the asking device's link (both ways) {asked:>14,} bytes = {100 * asked / size:.3f} %")
    print(f"  time                                      {seconds:>14.1f} s")


def curl(machine: list, *arguments) -> str:
    done = subprocess.run([*machine, "curl", "-sS", "--max-time", "20", *map(str, arguments)], text=True, capture_output=True)
    if done.returncode != 0:
        raise BedError(f"curl: {done.stderr.strip()}")
    return done.stdout


def shown_mail(mail: Mail) -> None:
    print(f"To: {mail['To']}\nSubject: {mail['Subject']}\n")
    print("\n".join("  " + line for line in mail.text.rstrip().splitlines()), flush=True)


def link_for(mails: list[Mail], name: str, host: str) -> str:
    """The link that leads to a file, by the place's name in the viewer's network."""
    for mail in mails:
        if name in mail.text:
            return next(url for url in mail.urls("/d/") if f"//{host}/" in url)
    raise BedError(f"no mail speaks of {name}")


def confirm(machines: Machines, mailbox: Mailbox, work: pathlib.Path) -> None:
    """She opens the link of the mail and presses the button."""
    mail = mailbox.wait_for(1)[0]
    print(f"mail to {mail['To']}: {mail['Subject']}; she opens its link and presses the button")
    phone, link = machines.prefixes["asker"], mail.urls("/notify/confirm/")[0]
    trusted = []
    if machines.open:
        curl(phone, "-o", work / "phone.pem", f"http://{machines.open[0]}/trust/restante.pem")
        trusted = ["--cacert", work / "phone.pem"]
    if "Confirmed" not in curl(phone, *trusted, "--data", "", link):
        raise BedError("the address is not confirmed")


def trust(machines: Machines, browser: Chromium) -> pathlib.Path | None:
    """What the place's page /trust tells to do, once for each device."""
    if not machines.open:
        return None
    # A browser asks whether a file that came without TLS may be kept; here nobody would answer.
    certificate = browser.home / "restante.pem"
    curl(machines.prefixes["taker"], "-o", certificate, f"http://{machines.open[-1]}/trust/restante.pem")
    browser.trust("home", certificate)
    print(f"the browser trusts the place from now on, for the names and addresses of its own network only (http://{machines.open[-1]}/trust)")
    return certificate


def by_link(machines: Machines, mails: list[Mail], browser: Chromium, authority: pathlib.Path | None) -> pathlib.Path:
    """Scanners first, then a person: what a link gives to both."""
    machine, link = machines.prefixes["taker"], link_for(mails, "lecture.mp4", machines.listen[-1])
    trusted = ["--cacert", authority] if authority else []
    for scan in range(50):
        how = ["--head"] if scan % 2 else ["--range", "0-1023"]
        curl(machine, *trusted, *how, "-o", "/dev/null", link)
    print("50 scanners and previews came before her, by HEAD and GET; they used nothing up")
    print(f"$ chromium {link}", flush=True)
    return browser.download(link)


def own_content(machines: Machines, work: pathlib.Path) -> None:
    begin = time.monotonic()
    authority = Authority(work / "authority")
    content = ContentServer(work / "content", machines.content_address, machines.prefixes["content"], authority, password=PASSWORD,
                            rate="16m")
    digests = {"lecture.mp4": make_file(content.root / "lecture.mp4", BIG, 1),
               "slides.zip": make_file(content.root / "slides.zip", SMALL, 2),
               "notes.pdf": make_file(content.root / "private" / "notes.pdf", SMALL, 3)}
    sizes = {"lecture.mp4": BIG, "slides.zip": SMALL, "notes.pdf": SMALL}
    mailbox = Mailbox(work / "mail", authority, machines.prefixes["place"])
    config = (f'[address_guard]\nallow = ["10.77.1.0/24", "127.0.0.0/8"]\n[worker]\nca_bundle = "{authority.certificate}"\n'
              f'[place]\nname = "home"\n{machines.doors()}{mailbox.config()}')
    place = Place(work / "place", config, machines.listen, machines.prefixes["place"])
    asker = Device(work / "asker", machines.prefixes["asker"])
    taker = Device(work / "taker", machines.prefixes["taker"])
    browser = Chromium(work / "browser", machines.prefixes["taker"])
    try:
        say("1. A content server, and a place that will hold downloads")
        content.start()
        print(f"nginx: {content.url} and {content.tls_url}")
        mailbox.start()
        place.start()
        print(next(line for line in place.log().splitlines() if "listening on" in line))
        place.add_user("ana")

        say("2. Ana connects her phone, which sits on a slow link, and says where messages go")
        shown(asker, "place", "add", "home", place.pair("ana"))
        shown(asker, "notify", "add", "ana@mail.example")
        confirm(machines, mailbox, work)

        before = machines.asker_bytes()
        say("3. She asks for a film now, for slides in 8 seconds, and for notes behind a password, over https")
        film = submitted(asker, f"{content.url}/lecture.mp4")
        timed = submitted(asker, f"{content.url}/slides.zip", "--at", "+8s")
        secret = submitted(asker, f"{content.tls_url}/private/notes.pdf", "--user", "ana", "--secret-stdin", "--folder", "course",
                           secret=PASSWORD)
        asked = None if before is None else machines.asker_bytes() - before

        say("4. The place does the work; any of her devices can look on")
        shown(taker, "place", "add", "home", machines.for_taker(place.pair("ana")))
        for job in (film, secret, timed):
            follow(taker, job)
        for job in (film, timed, secret):
            entry = done(taker, job)
            if entry["state"] != "done":
                raise BedError(f"{entry['name']} is {entry['state']}: {entry.get('message', '')}")

        say("5. The content server goes away")
        content.stop()
        print("nginx: stopped")

        say("6. At home she takes the content over the fast network, on another device")
        shown(taker, "files")
        fetched = []
        for name in ("lecture.mp4", "slides.zip", "course/notes.pdf"):
            target = work / "taken" / pathlib.Path(name).name
            target.parent.mkdir(exist_ok=True)
            shown(taker, "get", name, "-o", str(target))
            fetched.append((name, target.stat().st_size, sha256(target) == digests[target.name]))

        say("7. A friend has neither the program nor an account: Ana passes on the link from her mail")
        mails = mailbox.wait_for(4)
        shown_mail(next(mail for mail in mails if "lecture.mp4" in mail.text))
        authority_file = trust(machines, browser)
        target = by_link(machines, mails, browser, authority_file)
        fetched.append((f"{target.name}, by the link", target.stat().st_size, sha256(target) == digests["lecture.mp4"]))
        closing_table(machines, asked, sum(sizes.values()), fetched, time.monotonic() - begin)
        if not all(right for *_, right in fetched):
            raise BedError("a digest differs")
    finally:
        content.stop()
        place.stop()
        mailbox.stop()


def own_url(machines: Machines, work: pathlib.Path, url: str) -> None:
    begin = time.monotonic()
    place = Place(work / "place", '[place]\nname = "home"\n[address_guard]\nallow = ["127.0.0.0/8"]\n', machines.listen)
    device = Device(work / "device")
    try:
        say("1. A place that will hold downloads")
        place.start()
        print(next(line for line in place.log().splitlines() if "listening on" in line))
        place.add_user("ana")
        say("2. A device is connected")
        shown(device, "place", "add", "home", place.pair("ana"))
        say("3. The request")
        job = submitted(device, url)
        follow(device, job)
        say("4. Taking it over")
        published = wait_until("the published file", lambda: [f for f in device.json("files") if f["job"] == job])[0]
        target = work / "taken"
        shown(device, "get", published["id"], "-o", str(target))
        right = not published.get("sha256") or sha256(target) == published["sha256"]
        kept = pathlib.Path.cwd() / pathlib.Path(published["name"]).name
        if not kept.exists():
            shutil.copyfile(target, kept)
            print(f"kept as {kept.name} in this folder")
        closing_table(machines, None, published["size_bytes"], [(published["name"], target.stat().st_size, right)],
                      time.monotonic() - begin)
        if not right:
            raise BedError("the digest differs")
    finally:
        place.stop()


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else None
    apart = url is None and namespaces.enter()
    if url is None and not apart:
        print("Network namespaces are not permitted here: everything runs on this machine, and bytes over links are not measured.")
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-demo-"))
    try:
        machines = Machines(work, apart)
        if url:
            own_url(machines, work, url)
        else:
            own_content(machines, work)
        say("Done: every file arrived, and its digest is right.")
        return 0
    except (BedError, subprocess.SubprocessError, OSError) as error:
        print(f"\ndemo: failed: {error}", file=sys.stderr)
        for log in sorted(work.rglob("restanted*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
