# SPDX-License-Identifier: Apache-2.0
"""URLs that programs read differently: after Tsai's "A new era of SSRF", the WHATWG URL standard's own tests, and what broke others.

GOOD is a host of the world, BAD a forbidden one; each appears wherever some reader takes it for the host.
"""
import re

GOOD, BAD = "one.guard.test", "two.guard.test"

_AUTHORITIES = r"""
G|G@B|G:80@B|B@G|B:80@G|G:80:80@B|a@G@B|a@B@G|G#@B|B#@G|G?@B|B?@G|G/@B|B/@G|G\\@B|B\\@G|G%40B|B%40G|G%2f@B|G%23@B|G%3f@B|G%5c@B|B%00.G
G%00@B|G%0a@B|G%09B|G@B:80|G:@B|:@B|@B|@@B|G@@B|a:b:c@G|a:b@c:d@G|G&@B|G;@B|G,B|G,@B|G;B|G B|G +B|G+B|G=@B|G$@B|G*@B|G!@B|G'@B|G(@B)|G[@B
G]@B|G^@B|G`@B|G{@B}|G"@B|G<@B>|G|@B|G~@B|G%@B|G%zz@B|G:80#@B|G:80\\@B|G:80/@B:81|G:99999|G:0|G:|G:-1|G:+80|G:080|G:0x50|G: 80|G:80 |G:80a
G:8０|G.|G..|.G|G..B|G._|_G|-G|G-|xn--G|G%2eB|G。B|G．B|G｡B|G%E3%80%82B|ｇｕａｒｄ.test|ⓖuard.test|G\u00adB|G\u200bB|G\u200dB|G\ufeffB|guard.ſt|K.guard.test|faß.test|ﬁ.test
[G]|[::1]G|[::1]@G|G@[::1]|[::ffff:127.0.0.1]|[::1|::1]|[::1%25lo]|[::1%lo]|[v1.G]|[]|[:]|[::]|[0:0:0:0:0:0:0:1]|[::1]:80|[::1]:|[::1]80|[1::2::3]
1.1.1.1 &@B|1.1.1.1 &@2.2.2.2# @3.3.3.3|127.0.0.1:11211:80|G@127.0.0.1:80@B|foo@G:80@B|foo@G @B|G\t@B|G\n@B|G\r\n@B|G\r\nHost: B|G\x00@B|G\x7f@B|G\x1f@B
127.1|0x7f.1|0177.1|2130706433|017700000001|0x7f000001|127.0.0.1.|127.0.0.01|0127.0.0.1|127.0.0|127.0.0.1.1|127.0.0.256|256.256.256.256|0|00|0x|0x.0x|08|09.1
1.2.3.4.5|1.2.3.4.G|1.2.3.4@G|１２７.0.0.1|①②⑦.⓪.⓪.①|localhost|LOCALHOST|localhost.|LocalHost|x.localhost|ip6-localhost|G@localhost|localhost@G
%67uard.test|%6f%6e%65.guard.test|one%2eguard%2etest|%5b::1%5d|%31%32%37.0.0.1|%2F%2FB|%5C%5CB|%|%2|%zz|G%|G%2|G%00|G%20|%20G|%40G|%3aG|G%3a80|G%3A80@B
user:pass@G|user%40G@B|user:%40B@G|user:p@ss@G|user:p/ss@G|user:p#ss@G|user:p?ss@G|u:p:q@G|:p@G|u:@G|%00@G|%0d%0a@G|ü@G|ü:ü@G|u\\@G|\\@G|\\G|G\\|\\\\G
""".replace("\n", "|").split("|")

_WHOLE = r"""
http:G|http:/G|http:///G|http:////G|http:\\\\G|http:\\G|http:/\\G|http:\\/G|http:/G@B|http:@G|http:G@B|http:/@G|http://|http:///|http:|http|//G/|///G|/G|G|G/x
HTTP://G|hTtP://G|http ://G| http://G|http://G |\thttp://G|ht\ntp://G|http:\n//G|http:/\n/G|http://\nG|http://G\n|http:// G|\x00http://G|http\x00://G|http://G/\x00|url:http://G
http:http://G|http:https://G|https:http://G|http://http://G|http://http:80/G|http://http:G|http://https:@G|http+unix://G|http:\t//G|httpx://G|htt://G|https:G|https:/G|https:\\\\G
view-source:http://G|feed:http://G|jar:http://G!/|blob:http://G/x|file://G/etc/passwd|file:///etc/passwd|file:/etc/passwd|file:etc|ftp://G/|gopher://G:80/_x|dict://G/|ldap://G|data:text/html,x|javascript:alert(1)
http://G/..|http://G/../..|http://G/./..//x|http://G//B/|http://G/\\B|http://G/%2e%2e/|http://G/.%2e/|http://G/%2E%2e%2f|http://G/;@B|http://G/@B|http://G/:80@B|http://G/#@B|http://G/?@B|http://G?B|http://G#B
http://G?/@B|http://G#/@B|http://G?#@B|http://G;B|http://G/a b|http://G/ä|http://G/ä?ö#ü|http://G/%|http://G/%zz|http://G/%00|http://G/%0d%0aHost:%20B|http://G/\r\nHost: B|http://G/\tB|http://G/a|b
http://G/[x]|http://G/{x}|http://G/<x>|http://G/"x"|http://G/^|http://G/`|http://G/~x|http://G/'|http://G/(x)|http://G/*|http://G/+|http://G/,|http://G/=|http://G/$|http://G/!|http://G/&|http://G/x;y=z
http://G/?a=http://B/|http://G/http://B/|http://G/#http://B/|http://G/?x=@B|http://G/?//B|http://G/?\\B|http://G/??|http://G/?#?|http://G/##|http://G/#?|http://G/?a&b|http://G/?a+b|http://G/?%|http://G/?%zz|http://G/?ä
http://G:80|http://G:80?|http://G:80#|http://G:80/|http://G:00080/|http://G:000000000000000080/|http://G:4294967376/|http://G:65616/|http://G:1e1/|http://G:８０/|http://G:80:80/|http://G::80/|http://:80/|http://:/|http://:@/|http://@/|http://@:80/
""".replace("\n", "|").split("|")


def _plain(text: str) -> str:
    text = re.sub(r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})", lambda found: chr(int(found[1] or found[2], 16)), text)
    for escape, character in (("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r")):
        text = text.replace(escape, character)
    return text.replace("\\\\", "\\")


def corpus() -> list[str]:
    out = []
    for pattern in filter(None, _AUTHORITIES):
        for path in ("/", ""):
            out.append("http://" + _plain(pattern).replace("G", GOOD).replace("B", BAD) + path)
    for pattern in filter(None, _WHOLE):
        out.append(_plain(pattern).replace("G", GOOD).replace("B", BAD))
    return list(dict.fromkeys(out))
