#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes contract/vectors/sealed.json anew: one document of every maker in every form that it has. For a new form or maker only."""
import json

import peers
import test_matrix
from peers import Key, sealed

if __name__ == "__main__":
    place, device, everybody = Key(), Key(), peers.all_peers()
    documents = []
    for maker in everybody:
        inner = maker.sign(device, test_matrix.CORE, sealed.SIGNED)
        documents.append({"maker": maker.name, "form": "signed", "document": inner})
        for form in ("compact", "json", "general"):
            if (maker.name, form) not in test_matrix.WITHOUT:
                documents.append({"maker": maker.name, "form": form, "document": maker.seal(place, inner, test_matrix.LATER, form)})
    out = {"note": "Keys for tests alone.", "now": test_matrix.NOW, "place": place.private, "device": device.private,
           "core": test_matrix.CORE, "documents": documents}
    path = peers.ROOT / "contract" / "vectors" / "sealed.json"
    path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
