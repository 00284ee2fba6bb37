# SPDX-License-Identifier: Apache-2.0
"""Makes documents from the schema: whole ones that have every member, and mutations of them, each aimed at one keyword.

What a schema cannot say (see its $comment) is left out here on purpose; src/proxy/*_test.cpp tests it.
"""
import copy
import random
import re

JKT = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
MINIMAL = {
    "v": 1, "id": "01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a", "aud": [{"jkt": JKT}], "iat": 1795335600, "exp": 1796200000,
    "what": {"files": [{"sources": [{"url": "https://host.example/a"}]}]},
}
ORIGIN = ["https://video.example.edu"]
EVERYTHING = {
    **MINIMAL, "crit": ["what"], "rev": 3, "op": "submit", "nbf": 1795335600, "probe": False, "ext": {"a": [1.5, None]},
    "iss": {"jkt": JKT, "account": "ana"}, "aud": [{"jkt": JKT, "url": "https://home.example:8443/x?y#z"}],
    "what": {"title": "Lecture 12", "files": [{
        "name": "lecture-12.mp4", "path": "week 3", "type": "video/mp4", "size": 1288490188, "empty": "allow",
        "digest": {"sha-256": "9f" * 32, "sha-512": "0a" * 64, "sha": "1b" * 20, "md5": "2c" * 16},
        "sources": [
            {"url": "https://video.example.edu/media/l.mp4?a=%20b#c", "pri": 1, "cred": ["basic-one"],
             "request": {"method": "POST", "body": "a=b", "headers": [["accept", "video/mp4,*/*;q=0.8"]]}},
            {"url": "sftp://mirror.example.org:2222/l12.mp4", "request": {"body64": "AAECAw=="}}]}]},
    "access": [
        {"id": "basic-one", "kind": "basic", "scope": ORIGIN, "user": "ana", "password": "pa:ss word",
         "host_key": "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"},
        {"id": "token.two", "kind": "bearer", "scope": ORIGIN, "token": "abc.def=="},
        {"id": "jar_three", "kind": "cookies", "scope": ORIGIN, "cookies": [
            {"name": "session", "value": "b7 c1", "host": "video.example.edu", "domain": "example.edu", "path": "/",
             "secure": True, "expires": 1796200000}]},
        {"id": "headers4", "kind": "headers", "scope": ORIGIN, "headers": [["x-api-key", "k"]]},
        {"id": "client-5", "kind": "tls", "scope": ORIGIN, "cert": "-----BEGIN C", "key": "-----BEGIN K"},
        {"id": "grant--6", "kind": "oauth", "scope": ORIGIN, "token_endpoint": "https://id.example/token",
         "client_id": "me", "refresh_token": "again", "client_secret": "own", "access_token": "now", "expires": 1796200000},
        {"id": "digest--7", "kind": "digest", "scope": ORIGIN, "user": "ana", "password": "pa:ss word"}],
    "pay": {"budget": {"max": "5.00", "currency": "EUR"}, "each": {"max": "1", "currency": "EUR"}, "payees": ORIGIN,
            "methods": ["voucher"], "instruments": [{"kind": "voucher"}]},
    "when": {"tz": "Europe/Paris", "start": "2026-11-28T01:00:00+01:00[Europe/Paris]",
             "by": "2026-11-30T08:00:00.250Z", "repeat": "FREQ=WEEKLY;BYDAY=MO,TU", "miss": "run", "late": "stop",
             "windows": [{"days": ["MO", "SU"], "from": "01:00", "to": "24:00"}]},
    "code": {"lang": "js", "abi": "restante/1", "src": "function resolve() {}", "src64": "AAECAw==", "sha256": "3d" * 32,
             "caps": {"net": ["tcp:host:21"], "cred": ["basic-one"], "pay": False}, "limits": {}},
    "limits": {"bytes": 2000000000, "rate": 4000000, "attempts": 8, "parallel": 4}, "keep": "P1DT2H3M4S",
    "notify": [{"kind": "email", "to": "ana@example.net", "on": ["done", "failed"]}],
}

# It names what was asked for by its id alone.
CANCELLATION = {**{name: value for name, value in MINIMAL.items() if name != "what"}, "op": "cancel", "rev": 1}

# Apart from `path`: together they have a limit of their own.
IN_FOLDER = {**MINIMAL, "what": {**MINIMAL["what"], "folder": "course/one"}}

OTHER_TYPES = [None, True, 7, -3, 1.5, "text", [], {}, [None], {"a": None}]
EDITS = list("aZ09 -_./:;,=@[]!?#\\\"'<>^{|}~+*\t\n\x00\x1f\x7f\x85\u2028é€😀") + ["..", "/../", "%2", "%2f", "//"]
CURATED = {
    "url": ["http://h", "HTTPS://H.example/", "http://[::1]/", "http://[::ffff:1.2.3.4]:80/", "http://[1::2::3]/",
            "http://[12345::]/", "http://[::1/", "http://h:65535/", "http://h:65536/", "http://h:99999/", "http://h:/",
            "http://h:000080/", "http://h:8a/", "http://u:p@h/", "http://u@h/", "http://@h/", "http://u:p@x@h/", "http:///a",
            "http://", "http:h/a", "http:/h/a", "//h/a", "/a", "h/a", "file:///etc/passwd", "javascript:alert(1)",
            "gopher://h/", "ftp://h/a", "ftps://h/a", "sftp://h/a", "http://h/a b", "http://h/\\a", "http://h\\a/", "http://h/%zz", "http://h/%0a", "http://h/?%0D%00", "http://h/#%0a", "http://u%0d:p@h/", "http://h/%0b%1f",
            "http://h/%2", "http://h/ä", "http://hä/", "http://h?a=b", "http://h#a", "http://h/a#b#c", "http://h/a?b?c",
            "http://h/a[1]", "http://1.2.3.4/", "http://h_x/", "http://h%41/", "http://h!/", "data:,x", "", " http://h/",
            "http://h/ ", "http://h/\n", "http://h/\"", "http://[fe80::1%25eth0]/", "http://[v1.a]/", "http://[::]", "http://[]/"],
    "placeUrl": ["http://h", "https://h:1/x?y#z", "ftp://h/", "https://u@h/", "https://[::1]", "https://[::1::]", "h"],
    "origin": ["http://h", "https://H:443", "ftp://h", "ftps://h", "sftp://h:22", "http://h/", "http://h?", "http://h#", "http://u@h",
               "http://h:", "http://", "https://[::1]:8443", "https://[::g]", "https://[1::2::3]", "ws://h", "http://h:70000"],
    "ixdtf": ["2026-11-28T00:00:00Z", "2026-11-28T00:00:00", "2026-11-28", "2026-11-28T24:00:00Z", "2026-11-28T23:59:60Z",
              "2028-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z",
              "0000-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
              "2026-01-00T00:00:00Z", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00z", "2026-01-01T00:00:00+24:00",
              "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00.1234567890Z",
              "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Z[]", "2026-01-01T00:00:00Z[!]", "2026-01-01T00:00:00Z[Nowhere/Land]",
              "2026-01-01T00:00:00Z[!UTC]", "2026-01-01T00:00:00Z[u-ca=gregory]", "2026-01-01T00:00:00+01:00[Europe/Paris][x]",
              "tomorrow 02:00", "+5m", "2026-01-01 00:00:00Z", "12026-01-01T00:00:00Z", "2026-07-01T01:00:00+01:00[Europe/Paris]"],
    "tz": ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "", "Europe Paris", "Europe/Paris\n", "a" * 65, "Zürich"],
    "name": ["a", ".", "..", "...", "a/b", "a\\b", "a\n", "", " ", "ä" * 255, "ä" * 256, ".hidden", "a\x7f", "\x80"],
    "folder": ["a", "a/b", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\\b", "", "/".join(["a"] * 32),
               "/".join(["a"] * 33), "ä" * 255, "ä" * 256, "a/" + "b" * 256, "a/...", "..a/b..",
               "/".join(["b" * 200] * 20), "/".join(["b" * 200] * 21)],
    "keep": ["P", "PT", "P1D", "P1W", "P1W1D", "P1Y", "P1M", "PT1H", "PT1M", "PT1S", "P1DT", "1D", "p1d", "PT1.5S", "-P1D", "P99999D",
             "P100000D", "P9999W", "P10000W", "PT1M1H", "PT1S1M", "P0D", "PT9999999999S", "PT99999999999S", ""],
    "base64": ["", "AA==", "AB==", "AAA=", "AAB=", "AAAA", "A", "AA", "AAA", "A===", "====", "AA=A", "AAAA=", "AA-_", "A A=", "AAAA\n",
               "AAAAAA==", "AAAA====", "=AAA"],
    "clock": ["00:00", "23:59", "24:00", "24:01", "24:30", "25:00", "1:00", "01:60", "01.00", "01:000", ""],
    "repeat": ["FREQ=DAILY", "FREQ=MONTHLY;COUNT=3", "FREQ=HOURLY", "FREQ=DAILYX", "FREQ=DAILY;", "FREQ=DAILY;X", "FREQ=DAILY;X=",
               "FREQ=DAILY;=X", "FREQ=DAILY;A=B=C", "INTERVAL=2;FREQ=DAILY", "", "FREQ=WEEKLY;BYDAY=-1MO;UNTIL=20261128T000000Z"],
    "max": ["0", "5.", ".5", "5.00", "1" * 12, "1" * 13, "1." + "1" * 8, "1." + "1" * 9, "-1", "1e3", ""],
    "kind": ["basic", "bearer", "cookies", "headers", "tls", "oauth", "digest", "ntlm"],
    "cookiePath": ["/", "/a b", "a", "", "/a;b", "/a\n"],
}


def children(schema, where, value, root):
    """The subschemas that apply to `value`: (place in the schema, subschema, key or index or None, value)."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        yield f"#/$defs/{name}", root["$defs"][name], None, value
    for i, sub in enumerate(schema.get("allOf", [])):
        if value.get("kind") == sub["if"]["properties"]["kind"]["const"]:
            yield f"{where}/allOf/{i}/then", sub["then"], None, value
    if isinstance(value, dict):
        for name, sub in schema.get("properties", {}).items():
            if name in value:
                yield f"{where}/properties/{name}", sub, name, value[name]
    if isinstance(value, list):
        for i, element in enumerate(value):
            if i < len(schema.get("prefixItems", [])):
                yield f"{where}/prefixItems/{i}", schema["prefixItems"][i], i, element
            elif "items" in schema:
                yield f"{where}/items", schema["items"], i, element


def walk(schema, value, root, where="#", path=()):
    """Every (place in the schema, subschema, path in the document, value) of a valid document."""
    yield where, schema, path, value
    for sub_where, sub, key, sub_value in children(schema, where, value, root):
        yield from walk(sub, sub_value, root, sub_where, path if key is None else (*path, key))


def put(document, path, value):
    """A copy of the document with another value at the path."""
    if not path:
        return value
    out = copy.deepcopy(document)
    at = out
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return out


def stretched(text, length, pattern):
    """A text of exactly this length that still fits the pattern, or None."""
    fits = re.compile(pattern).search
    for filler in ("a", "A", "0", "AAAA", "/a", ";A=B"):
        count, rest = divmod(length - len(text), len(filler))
        if count < 0 or rest:
            continue
        for at in range(len(text), -1, -1):
            longer = text[:at] + filler * count + text[at:]
            if fits(longer):
                return longer
    return None


class Generator:
    def __init__(self, schema, seed):
        self.schema, self.random = schema, random.Random(seed)
        self.places = {}
        for base in (EVERYTHING, IN_FOLDER, MINIMAL, CANCELLATION):
            for where, sub, path, value in walk(schema, base, schema):
                self.places.setdefault(where, []).append((sub, base, path, value))

    def curated(self, where):
        place = where.rsplit("/", 1)[-1]
        if place == "path" and "cookie" in where:
            return CURATED["cookiePath"]
        if place in ("from", "to"):
            return CURATED["clock"]
        return CURATED.get(place, [])

    def smallest(self, sub, sample):
        """`sample` with only the members that the schema requires."""
        while "$ref" in sub:
            sub = self.schema["$defs"][sub["$ref"].rsplit("/", 1)[1]]
        if not isinstance(sample, dict):
            return sample
        required = set(sub.get("required", []))
        for branch in sub.get("allOf", []):
            if branch["if"]["properties"]["kind"]["const"] == sample.get("kind"):
                required |= set(branch["then"]["required"])
        out = {key: value for key, value in sample.items() if key in required}
        if "files" in out or "sources" in out:
            key = "files" if "files" in out else "sources"
            out[key] = [{"sources": [{"url": "http://h/"}]}] if key == "files" else [{"url": "http://h/"}]
        return out

    def counted(self, sub, value, count):
        """The list with this many entries."""
        if not value:
            return [7] * count
        entry = self.smallest(sub.get("items", {}), value[0])
        out = [copy.deepcopy(entry) for _ in range(count)]
        for i, one in enumerate(out):
            if isinstance(one, dict) and "kind" in one and "scope" in one:
                one["id"] = f"c{i}"
        if sub.get("uniqueItems"):
            out = [f"x{i}" for i in range(count)]
        return out

    def aimed(self, where, sub, value):
        """Values that stand on both sides of every keyword of the subschema."""
        place = where.rsplit("/", 1)[-1]
        # Zones must exist and members named in `crit` be known, which the schema cannot say.
        beyond = place == "tz" or "crit" in where
        yield from [other for other in OTHER_TYPES if not (beyond and isinstance(other, str))]
        yield from self.curated(where)
        if "pattern" in sub:
            yield from [value + "\n", "\x00" + value, value + "\x7f", value + "\x85", "\u2028" + value, value + "\u2029", " " + value, value + "ä", value + ":", ""]
        for choice in sub.get("enum", []):
            yield choice
            yield choice.swapcase() + "x"
        if "const" in sub:
            yield from [sub["const"], 2, "other"]
        for bound in ("minimum", "maximum"):
            if bound in sub:
                yield from [sub[bound] - 1, sub[bound], sub[bound] + 1]
        if "maxLength" in sub and isinstance(value, str):
            pattern = sub.get("pattern", "")
            if "$ref" in sub:
                pattern = self.schema["$defs"][sub["$ref"].rsplit("/", 1)[1]]["pattern"]
            for length in (sub["maxLength"], sub["maxLength"] + 1, sub["maxLength"] + 4):
                longer = stretched(value, length, pattern)
                # A zone of that length would fit the pattern and not exist.
                if longer is not None and not (beyond and length <= sub["maxLength"]):
                    yield longer
        if isinstance(value, list) and place != "crit":
            for bound in ("minItems", "maxItems"):
                if bound in sub:
                    for count in (sub[bound] - 1, sub[bound], sub[bound] + 1):
                        yield self.counted(sub, value, count)
        if sub.get("uniqueItems"):
            yield from [["id", "what"], ["id", "id"], self.counted(sub, value, sub["maxItems"] + 1)]
        if isinstance(value, dict):
            for key in value:
                yield {k: v for k, v in value.items() if k != key}
            yield {**value, "unknown": {"deep": [1.5]}}
            if "not" in sub:
                for key in sub["not"]["required"]:
                    yield {**value, key: "AAAA"}

    def edited(self, text):
        """One character put in, left out or changed."""
        at = self.random.randrange(len(text) + 1)
        kind = self.random.randrange(3)
        return text[:at] + ("" if kind == 0 else self.random.choice(EDITS)) + text[at + (0 if kind == 1 else 1):]

    def all_aimed(self):
        for where, found in self.places.items():
            sub, base, path, value = found[0]
            for other in self.aimed(where, sub, value):
                yield put(base, path, copy.deepcopy(other))

    def one_at_random(self):
        """A document with one random change of a text, a number or a member somewhere."""
        where = self.random.choice(sorted(self.places))
        sub, base, path, value = self.random.choice(self.places[where])
        if isinstance(value, str) and path and path[-1] not in ("tz",) and "crit" not in path:
            return put(base, path, self.edited(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return put(base, path, value + self.random.choice([-1, 1]) * self.random.randrange(2**54))
        if isinstance(value, list) and value and "crit" not in path:
            if self.random.randrange(2) and "access" not in path:
                return put(base, path, value + [copy.deepcopy(self.random.choice(value))])
            return put(base, path, value[1:])
        if isinstance(value, dict) and value:
            gone = self.random.choice(sorted(value))
            return put(base, path, {k: v for k, v in value.items() if k != gone})
        return put(base, path, self.random.choice([other for other in OTHER_TYPES if not isinstance(other, str)]))
