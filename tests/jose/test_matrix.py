# SPDX-License-Identifier: Apache-2.0
"""What one maker signs and seals, every other opens; and what nobody may take is refused, with the reason.

Makers and openers: our C++, our TypeScript, npm's jose, Debian's jose. RESTANTE_JOSE_PEER names the C++ peer if it is not
found under build/.
"""
import json
import pathlib

import outside
import peers
import pytest
from peers import Key, sealed

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NOW, LATER = 1_795_335_600, 1_796_200_000
CORE = json.dumps({"v": 1, "id": "01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a", "what": "ä \U0001f600"}, ensure_ascii=False)
OURS = ("our C++", "our TypeScript")
# What a tool has no form for, and why.
WITHOUT = {("our C++", "general"): "we make the flattened form", ("our TypeScript", "general"): "we make the flattened form",
           ("Debian jose", "general"): "jose jwe enc makes the flattened form for one key"}


@pytest.fixture(scope="module")
def everybody():
    found = peers.all_peers()
    yield found
    for peer in found:
        peer.close()


@pytest.fixture(scope="module")
def place():
    return Key()


@pytest.fixture(scope="module")
def device():
    return Key()


def test_what_one_makes_every_other_opens(everybody, place, device):
    cells = {}
    for maker in everybody:
        inner = maker.sign(device, CORE, sealed.SIGNED)
        for form in ("signed", "compact", "json", "general"):
            if (maker.name, form) in WITHOUT:
                continue
            document = inner if form == "signed" else maker.seal(place, inner, LATER, form)
            for opener in everybody:
                answer = opener.document(place, device, document, NOW)
                cells[maker.name, form, opener.name] = answer == {"out": CORE} or answer
    for (maker, form, opener), right in cells.items():
        print(f"{maker:15} {form:8} -> {opener:15} {'opened' if right is True else right}")
    assert {key: right for key, right in cells.items() if right is not True} == {}
    assert len(cells) == 4 * (4 * 4 - len(WITHOUT)), "no cell is left out"


def test_what_nobody_may_take_is_refused_with_the_reason(everybody, place, device):
    ours = [peer for peer in everybody if peer.name in OURS]
    others = [peer for peer in everybody if peer.name not in OURS]
    wrong = []

    for name, (document, reason) in outside.documents(place, device, CORE, LATER).items():
        cells = {}
        for peer in ours:
            answer = peer.document(place, device, document, NOW)
            cells[peer.name] = answer.get("refused", "TAKEN")
            if answer.get("refused") != reason:
                wrong.append((name, peer.name, reason, answer))
        # General tools may take what is well made: that proves that ours refuse it for its kind and not for a slip in the making.
        for peer in others:
            cells[peer.name] = "refused" if "refused" in peer.document(place, device, document, NOW) else "takes it"
        print(f"{name:38} " + "  ".join(f"{peer}: {said}" for peer, said in cells.items()))

    assert wrong == []


def test_one_flipped_bit_anywhere_is_refused(everybody, place, device):
    ours = [peer for peer in everybody if peer.name in OURS]
    inner = outside.jws(device, CORE)
    good = sealed.seal(place.public, inner, LATER)
    taken, tried = [], 0

    for peer in ours:
        assert peer.document(place, device, good, NOW) == {"out": CORE}, "the control is taken"
        for document in (good, inner):
            parts = document.split(".")
            for number, part in enumerate(parts):
                raw = sealed.unb64u(part)
                for at in range(len(raw)):
                    flipped = raw[:at] + bytes([raw[at] ^ 1 << (at % 8)]) + raw[at + 1:]
                    changed = ".".join([*parts[:number], sealed.b64u(flipped), *parts[number + 1:]])
                    tried += 1
                    if "refused" not in peer.document(place, device, changed, NOW):
                        taken.append((peer.name, number, at))

    print(f"{tried} documents with one bit flipped")
    assert taken == []
    assert tried > 1500


def test_the_committed_documents_are_opened(everybody):
    """contract/vectors/sealed.json: made once by each maker, with keys that are for tests alone."""
    vectors = json.loads((ROOT / "contract" / "vectors" / "sealed.json").read_text())
    place, device = (key_of(vectors[name]) for name in ("place", "device"))

    for one in vectors["documents"]:
        for peer in everybody:
            answer = peer.document(place, device, one["document"], vectors["now"])
            assert answer == {"out": vectors["core"]}, (one["maker"], one["form"], peer.name, answer)

    assert {one["maker"] for one in vectors["documents"]} == {peer.name for peer in everybody}


def key_of(jwk: dict) -> Key:
    from cryptography.hazmat.primitives.asymmetric import ec
    key = Key()
    key.key = ec.derive_private_key(int.from_bytes(sealed.unb64u(jwk["d"]), "big"), ec.SECP256R1())
    key.public = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    key.jkt, key.private = sealed.thumbprint(key.public), jwk
    key.pem = peers.pem_of(key.key)
    return key
