# SPDX-License-Identifier: Apache-2.0
"""Signed and sealed documents, made by a second implementation (python3-cryptography) of docs/internals/jose.md."""
import base64
import hashlib
import json
import os
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import documents

SIGNED, SEALED = "vnd.restante.proxy+jws", "vnd.restante.sealed+json"
MEDIA_TYPES = {"compact": "application/jose", "json": "application/vnd.restante.sealed+json"}


def b64u(data: bytes | str) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact_json(value) -> str:
    return json.dumps(value, separators=(",", ":"))


def jwk_of(key: ec.EllipticCurvePublicKey) -> dict:
    numbers = key.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": b64u(numbers.x.to_bytes(32, "big")), "y": b64u(numbers.y.to_bytes(32, "big"))}


def thumbprint(jwk: dict) -> str:
    return b64u(hashlib.sha256(compact_json({name: jwk[name] for name in ("crv", "kty", "x", "y")}).encode()).digest())


def public_key(jwk: dict) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(unb64u(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


class SigningDevice:
    """A requesting device with a key of its own."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = jwk_of(self.key.public_key())
        self.jkt = thumbprint(self.jwk)
        self.token = ""

    def sign(self, payload: str, typ: str = SIGNED, **header) -> str:
        text = b64u(compact_json({"alg": "ES256", "kid": self.jkt, "typ": typ, **header})) + "." + b64u(payload)
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + b64u(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def connect(self, place, user: str, label: str = "a second implementation") -> "SigningDevice":
        fragment = dict(urllib.parse.parse_qsl(place.pair(user).split("#")[1]))
        proof = self.sign(compact_json({"code": fragment["c"], "jkt": fragment["k"]}), "restante-enrol+jws")
        body = json.dumps({"code": fragment["c"], "label": label, "jwk": self.jwk, "proof": proof}).encode()
        status, _, answer = place.get("/v1/devices", None, "POST", body, {"Content-Type": "application/json"})
        assert status == 201, answer
        self.token = json.loads(answer)["token"]
        return self


def newest_key(place) -> dict:
    """The key that requests for this place are sealed with, as anybody can fetch it."""
    return json.loads(place.get("/.well-known/restante-jwks.json")[2])["keys"][0]


def concat_kdf(agreed: bytes, algorithm: str) -> bytes:
    """RFC 7518 §4.6.2, without apu and apv."""
    size = len(algorithm).to_bytes(4, "big")
    return hashlib.sha256(b"\0\0\0\1" + agreed + size + algorithm.encode() + bytes(8) + (256).to_bytes(4, "big")).digest()


def seal(recipient: dict, signed: str, exp: int, form: str = "compact", /, **header) -> str:
    """For the key `recipient` (a JWK); `header` adds to, replaces or (None) removes members of the protected header."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    agreed = ephemeral.exchange(ec.ECDH(), public_key(recipient))
    key = os.urandom(32)
    wrapped = keywrap.aes_key_wrap(concat_kdf(agreed, "ECDH-ES+A256KW"), key)
    members = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": thumbprint(recipient), "epk": jwk_of(ephemeral.public_key()),
               **({"typ": SEALED, "cty": SIGNED, "exp": exp} if form == "json" else {}), **header}
    protected = b64u(compact_json({name: value for name, value in members.items() if value is not None}))
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, signed.encode(), protected.encode())
    parts = protected, b64u(wrapped), b64u(nonce), b64u(sealed[:-16]), b64u(sealed[-16:])
    if form == "compact":
        return ".".join(parts)
    return compact_json(dict(zip(("protected", "encrypted_key", "iv", "ciphertext", "tag"), parts)))


def request(place, device: SigningDevice, url: str, form: str = "compact", **members) -> str:
    """A sealed request for one URL."""
    core = documents.document(place, url, **members)
    return seal(newest_key(place), device.sign(compact_json(core)), core["exp"], form)


def post(place, document: str, token: str | None = None, form: str | None = None) -> tuple[int, dict]:
    form = form or ("json" if document.startswith("{") else "compact")
    status, _, answer = place.get("/v1/proxies", token, "POST", document.encode(), {"Content-Type": MEDIA_TYPES[form]})
    return status, json.loads(answer)


def job_id(jkt: str, proxy_id: str) -> str:
    """DESIGN.md §6."""
    return hashlib.sha256(f"restante-job\0{jkt}\0{proxy_id}".encode()).hexdigest()[:32]


def soon(seconds: int = 86400) -> int:
    return int(time.time()) + seconds
