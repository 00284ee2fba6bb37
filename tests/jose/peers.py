# SPDX-License-Identifier: Apache-2.0
"""The peers of the interoperation matrix: each signs, seals, verifies and opens, or refuses with a reason."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
from bed import sealed  # noqa: E402


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


class Key:
    """A P-256 key in every shape that a peer wants."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = sealed.jwk_of(self.key.public_key())
        self.jkt = sealed.thumbprint(self.public)
        self.private = {**self.public, "d": sealed.b64u(self.key.private_numbers().private_value.to_bytes(32, "big"))}
        self.pem = pem_of(self.key)


class Lines:
    """A program that answers a JSON object with one, line by line."""

    def __init__(self, name: str, command: list):
        self.name = name
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, op: str, **asked) -> dict:
        self.process.stdin.write(json.dumps({"op": op, **asked}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{self.name} ended with {self.process.wait(10)} at {op}"
        return json.loads(line)

    def sign(self, device: Key, text: str, typ: str) -> str:
        return self.ask("sign", pem=device.pem, key=device.private, kid=device.jkt, text=text, typ=typ)["out"]

    def seal(self, place: Key, text: str, exp: int, form: str) -> str:
        return self.ask("seal", recipient=place.public, kid=place.jkt, text=text, exp=exp, form=form)["out"]

    def document(self, place: Key, device: Key, text: str, now: int) -> dict:
        return self.ask("document", pem=place.pem, key=place.private, device=device.public, text=text, now=now)

    def open(self, place: Key, text: str, now: int) -> dict:
        return self.ask("open", pem=place.pem, key=place.private, text=text, now=now)

    def close(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(20) == 0, f"{self.name} did not end well"


class DebianJose:
    """The `jose` command (libjose). It cannot make the general form; its compact form carries epk in the protected header."""
    name = "Debian jose"

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def run(self, *arguments, input: str) -> subprocess.CompletedProcess:
        return subprocess.run(["jose", *map(str, arguments)], input=input, capture_output=True, text=True, errors="replace", timeout=60)

    def file(self, name: str, value) -> pathlib.Path:
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def sign(self, device: Key, text: str, typ: str) -> str:
        template = json.dumps({"protected": {"alg": "ES256", "kid": device.jkt, "typ": typ}})
        done = self.run("jws", "sig", "-I", self.file("payload", text), "-k", self.file("device.jwk", device.private), "-s", template, "-c", input="")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def seal(self, place: Key, text: str, exp: int, form: str) -> str:
        header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": place.jkt}
        if form == "json":
            header |= {"typ": sealed.SEALED, "cty": sealed.SIGNED, "exp": exp}
        done = self.run("jwe", "enc", "-i", json.dumps({"protected": header}), "-I", self.file("plain", text),
                        "-k", self.file("place.jwk", place.public), *(["-c"] if form == "compact" else []), input="")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def open(self, place: Key, text: str, now: int) -> dict:
        done = self.run("jwe", "dec", "-i", self.file("sealed", text), "-k", self.file("place.jwk", place.private), input="")
        return {"out": done.stdout} if done.returncode == 0 else {"refused": "jose", "message": done.stderr}

    def document(self, place: Key, device: Key, text: str, now: int) -> dict:
        if text.startswith("{") or text.count(".") == 4:
            opened = self.open(place, text, now)
            if "refused" in opened:
                return opened
            text = opened["out"]
        done = self.run("jws", "ver", "-i", self.file("signed", text), "-k", self.file("device.pub", device.public), "-O", "-", input="")
        return {"out": done.stdout} if done.returncode == 0 else {"refused": "jose", "message": done.stderr}

    def close(self) -> None:
        pass


def all_peers() -> list:
    """Ours first. Error: AssertionError, where one of them is not there."""
    named = os.environ.get("RESTANTE_JOSE_PEER")
    built = [pathlib.Path(named)] if named else [*ROOT.glob("build/bin/jose_peer"), *ROOT.glob("build/*/bin/jose_peer")]
    assert built, "jose_peer is not built: cmake --build --preset dev --target jose_peer"
    assert (HERE.parent / "contract" / "node_modules" / "jose").is_dir(), "npm's jose is missing: npm ci --prefix tests/contract"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-jose-"))
    return [Lines("our C++", [max(built, key=lambda path: path.stat().st_mtime)]),
            Lines("our TypeScript", [ROOT / "scripts" / "node.sh", "node", HERE / "sdk_peer.mjs", folder / "sdk"]),
            Lines("npm jose", [ROOT / "scripts" / "node.sh", "node", HERE / "npm_peer.mjs"]),
            DebianJose(folder)]
