# SPDX-License-Identifier: Apache-2.0
"""Documents outside the profile (FORMATS.md §1.2), or broken: each with the reason for which ours refuse it."""
import base64
import hmac
import json
import os
import zlib

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from peers import Key, sealed

b64u, dense = sealed.b64u, sealed.compact_json


def jws(device: Key, core: str, **header) -> str:
    signer = sealed.SigningDevice()
    signer.key, signer.jkt = device.key, device.jkt
    return signer.sign(core, **header)


def unsigned(device: Key, core: str, alg: str, key: bytes = b"") -> str:
    text = b64u(dense({"alg": alg, "kid": device.jkt, "typ": sealed.SIGNED})) + "." + b64u(core)
    return text + "." + (b64u(hmac.digest(key, text.encode(), "sha256")) if key else "")


def encrypted(place: Key, header: dict, key: bytes, plain: bytes, wrapped: bytes = b"", nonce: bytes = b"", tag: int = 16) -> str:
    """A compact JWE of these parts, whatever they mean."""
    protected, nonce = b64u(dense(header)), nonce or os.urandom(12)
    out = AESGCM(key).encrypt(nonce, plain, protected.encode())
    return ".".join((protected, b64u(wrapped), b64u(nonce), b64u(out[:-16]), b64u(out[-16:][:tag])))


def agreed(place: Key, curve=ec.SECP256R1()):
    ephemeral = ec.generate_private_key(curve)
    return ephemeral, ephemeral.exchange(ec.ECDH(), place.key.public_key()) if curve.name == "secp256r1" else b""


def direct(place: Key, plain: bytes) -> str:
    ephemeral, secret = agreed(place)
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": place.jkt, "epk": sealed.jwk_of(ephemeral.public_key())}
    return encrypted(place, header, sealed.concat_kdf(secret, "A256GCM"), plain)


def wrapped(place: Key, plain: bytes, key: bytes, nonce: bytes = b"", tag: int = 16, **more) -> str:
    ephemeral, secret = agreed(place)
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": place.jkt, "epk": sealed.jwk_of(ephemeral.public_key()), **more}
    return encrypted(place, header, key, plain, keywrap.aes_key_wrap(sealed.concat_kdf(secret, "ECDH-ES+A256KW"), key), nonce, tag)


def by_password(plain: bytes, rounds: int, salt: bytes) -> str:
    alg = "PBES2-HS256+A128KW"
    header = {"alg": alg, "enc": "A256GCM", "p2c": rounds, "p2s": b64u(salt)}
    key, wrapping = os.urandom(32), os.urandom(16)
    if rounds < 100_000:
        wrapping = PBKDF2HMAC(hashes.SHA256(), 16, alg.encode() + b"\0" + salt, rounds).derive(b"password")
    return encrypted(None, header, key, plain, keywrap.aes_key_wrap(wrapping, key))


def flattened(document: str, **more) -> str:
    parts = dict(zip(("protected", "encrypted_key", "iv", "ciphertext", "tag"), document.split(".")))
    return dense({**parts, **more})


def swap(document: str, other: str, part: int) -> str:
    mine, theirs = document.split("."), other.split(".")
    mine[part] = theirs[part]
    return ".".join(mine)


def documents(place: Key, device: Key, core: str, exp: int) -> dict[str, tuple[str, str]]:
    """What is wrong -> (document, reason of ours)."""
    inner = jws(device, core)
    plain = inner.encode()
    good, other = (sealed.seal(place.public, inner, exp) for _ in range(2))
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    far = {"crv": "P-384", "kty": "EC", "x": b64u(p384.x.to_bytes(48, "big")), "y": b64u(p384.y.to_bytes(48, "big"))}
    x, key32 = sealed.unb64u(place.public["x"]), os.urandom(32)
    bomb = zlib.compress(b"0" * (8 << 20), 9)[2:-4]
    head = json.loads(sealed.unb64u(good.split(".")[0]))

    def seal(**header):
        return sealed.seal(place.public, inner, exp, **header)

    refused = "seal-refused"
    return {
        "JWS alg none": (unsigned(device, core, "none"), refused),
        "JWS HS256 keyed by the public key": (unsigned(device, core, "HS256", dense(device.public).encode()), refused),
        "JWS ES384": (jws(device, core, alg="ES384"), refused),
        "JWS crit": (jws(device, core, crit=["exp"], exp=1), refused),
        "JWS b64 false": (jws(device, core, b64=False, crit=["b64"]), refused),
        "JWS jku": (jws(device, core, jku="https://evil.example/keys"), refused),
        "JWS x5u": (jws(device, core, x5u="https://evil.example/chain"), refused),
        "JWS x5c": (jws(device, core, x5c=["AAAA"]), refused),
        "JWS jwk of another key": (jws(device, core, jwk=Key().public), refused),
        "JWS another typ": (jws(device, core, typ="JWT"), refused),
        "JWS kid of nobody": (jws(device, core, kid=Key().jkt), "unknown-device"),
        "JWS signed by another key": (jws(Key(), core, kid=device.jkt), "bad-signature"),
        "JWE RSA1_5": (seal(alg="RSA1_5"), refused),
        "JWE RSA-OAEP": (seal(alg="RSA-OAEP"), refused),
        "JWE dir": (encrypted(place, {"alg": "dir", "enc": "A256GCM", "kid": place.jkt}, key32, plain), refused),
        "JWE ECDH-ES direct": (direct(place, plain), refused),
        "JWE ECDH-ES+A128KW": (seal(alg="ECDH-ES+A128KW"), refused),
        "JWE A128GCM": (wrapped(place, plain, os.urandom(16), enc="A128GCM"), refused),
        "JWE A256CBC-HS512": (seal(enc="A256CBC-HS512"), refused),
        "JWE PBES2": (by_password(plain, 1000, os.urandom(16)), refused),
        "JWE PBES2 with a huge p2c": (by_password(plain, 2**31 - 1, os.urandom(16)), refused),
        "JWE crit": (seal(crit=["exp"], exp=exp), refused),
        "JWE zip": (wrapped(place, zlib.compress(plain)[2:-4], os.urandom(32), zip="DEF"), refused),
        "JWE zip bomb": (wrapped(place, bomb, os.urandom(32), zip="DEF"), refused),
        "JWE jku": (seal(jku="https://evil.example/keys"), refused),
        "JWE another typ": (seal(typ="JWT"), refused),
        "JWE another cty": (seal(cty="JWT"), refused),
        "JWE without kid": (seal(kid=None), refused),
        "JWE for another key": (sealed.seal(Key().public, inner, exp), "not-for-me"),
        "JWE expired": (sealed.seal(place.public, inner, 1000, "json"), "expired"),
        "JWE exp of a text": (seal(exp="soon"), refused),
        "JWE epk on P-384": (seal(epk=far), refused),
        "JWE epk off the curve": (seal(epk={**place.public, "y": place.public["x"]}), refused),
        "JWE epk at infinity": (seal(epk={**place.public, "x": b64u(bytes(32)), "y": b64u(bytes(32))}), refused),
        "JWE epk with its private half": (seal(epk=Key().private), refused),
        "JWE epk short of a byte": (seal(epk={**place.public, "x": b64u(x[1:])}), refused),
        "JWE iv of 11 bytes": (wrapped(place, plain, key32, nonce=os.urandom(11)), refused),
        "JWE iv of 16 bytes": (wrapped(place, plain, key32, nonce=os.urandom(16)), refused),
        "JWE tag of 12 bytes": (wrapped(place, plain, key32, tag=12), refused),
        "JWE key of 16 bytes": (wrapped(place, plain, os.urandom(16)), refused),
        "JWE name twice in the header": (good.replace(good.split(".")[0], b64u(dense(head)[:-1] + ',"enc":"A256GCM"}')), refused),
        "JWE name in two headers": (flattened(good, unprotected={"enc": "A256GCM"}), refused),
        "JWE name in protected and recipient": (flattened(good, header={"kid": place.jkt}), refused),
        "JWE two recipients": (dense({"protected": good.split(".")[0], "iv": "AA", "ciphertext": "AA", "tag": "AA",
                                      "recipients": [{"encrypted_key": "AA"}, {"encrypted_key": "AA"}]}), refused),
        "JWE aad": (flattened(good, aad="AA"), refused),
        "JWE padded base64url": (good + "==", refused),
        "JWE bits left over": (good[:-1] + chr(ord(good[-1]) + 1), refused),
        "JWE in a JWE": (sealed.seal(place.public, good, exp), refused),
        "JWE of a text": (sealed.seal(place.public, core, exp), refused),
        "JWE swapped key": (swap(good, other, 1), "bad-signature"),
        "JWE swapped iv": (swap(good, other, 2), "bad-signature"),
        "JWE swapped ciphertext": (swap(good, other, 3), "bad-signature"),
        "JWE swapped tag": (swap(good, other, 4), "bad-signature"),
        "JWE swapped header": (swap(good, other, 0), "bad-signature"),
        "JWE cut after four parts": (good.rsplit(".", 1)[0], refused),
        "JWE six parts": (good + ".AA", refused),
        "nested 100,000 times": ("[" * 100_000, refused),
        "nothing": ("", refused),
    }
