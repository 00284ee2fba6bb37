# SPDX-License-Identifier: Apache-2.0
"""The parser in C++ and contract/proxy.schema.json, as npm's ajv reads it, accept the same documents.

RESTANTE_SEED repeats a run; RESTANTE_DOCUMENT_CHECK names the program if it is not found under build/.
"""
import base64
import json
import os
import pathlib
import random
import subprocess

import documents

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCHEMA = ROOT / "contract" / "proxy.schema.json"
LEAST_DOCUMENTS = 2000


def document_check():
    named = os.environ.get("RESTANTE_DOCUMENT_CHECK")
    found = [pathlib.Path(named)] if named else [*ROOT.glob("build/bin/document_check"), *ROOT.glob("build/*/bin/document_check")]
    assert found, "document_check is not built: cmake --build --preset dev --target document_check"
    return str(max(found, key=lambda path: path.stat().st_mtime))


def lines(command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr[-4000:]}"
    return done.stdout.splitlines()


def judged():
    """(document as text, verdict of the schema, verdict of the parser) for each, and the counts of each keyword."""
    seed = int(os.environ.get("RESTANTE_SEED") or random.SystemRandom().randrange(2**32))
    print(f"RESTANTE_SEED={seed}")
    generator = documents.Generator(json.loads(SCHEMA.read_text()), seed)
    made = [documents.MINIMAL, documents.EVERYTHING, documents.CANCELLATION, *generator.all_aimed()]
    made += [generator.one_at_random() for _ in range(2000)]
    texts = list(dict.fromkeys(json.dumps(one, ensure_ascii=False) for one in made))
    coded = "".join(base64.b64encode(text.encode()).decode() + "\n" for text in texts)
    assert (HERE / "node_modules" / "ajv").is_dir(), "ajv is missing: npm ci --prefix tests/contract"
    *by_schema, last = (json.loads(line) for line in lines(["node", str(HERE / "schema_oracle.mjs"), str(SCHEMA)], coded))
    by_parser = lines([document_check()], coded)
    assert len(by_schema) == len(by_parser) == len(texts)
    return list(zip(texts, by_schema, by_parser)), last["keywords"]


def test_parser_and_schema_agree_and_every_keyword_is_hit_both_ways():
    results, keywords = judged()

    apart = [(text, schema["errors"], parser) for text, schema, parser in results
             if schema["valid"] != (parser == "accept")]
    for text, errors, parser in apart[:20]:
        print(f"schema: {errors or 'accepts'}; parser: {parser}\n  {text[:3000]}")
    accepted = sum(1 for _, schema, _ in results if schema["valid"])
    print(f"{len(results)} documents, {accepted} accepted, {len(keywords)} keywords")
    never_accepted = [path for path, count in keywords.items() if not count["accepted"]]
    never_rejected = [path for path, count in keywords.items() if not count["rejected"]]

    assert not apart, f"schema and parser disagree about {len(apart)} documents"
    assert len(results) >= LEAST_DOCUMENTS
    assert not never_accepted, f"no accepted document went through {never_accepted}"
    assert not never_rejected, f"no document was refused by {never_rejected}"
