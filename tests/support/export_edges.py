"""Entries of policies at the edges of what they may be, and origins at the edges of what those match."""

from corecors import Policy

PATTERNS = [
    "https://app.example.com",
    "https://*.example.com",
    "https://*.example.com:8443",
    "https://pr-*.foo.example.com",
    "https://*-x.foo.example.com",
    "https://xn*.foo.example.com",
    "https://*n--a.foo.example.com",
    "http://localhost:*",
    "http://*.localhost:*",
    "http://[::1]:*",
    "http://127.0.0.1:*",
    "capacitor+x://localhost",
]
SOURCES = [
    r"https://pr-[0-9]+\.preview\.example\.com(?::8443)?$",
    r"[a-z]+://(?P<name>a|b|)z{,2}\.foo(:\d+)?",
    r"https://[^.]+\.wide\.example",
    r"https://x\u002dy[.]\D[a\[-]?\.example",
]
NEAR = [
    "https://xn--a.foo.example.com", "https://xn-x.foo.example.com", "https://xn.foo.example.com",
    "https://xnn--a.foo.example.com", "https://x-x.foo.example.com", "https://-x.foo.example.com",
    "https://a_b-x.foo.example.com", "https://pr-_1.foo.example.com", "https://xn--mnchen-3ya.example.com",
    "http://localhost:80", "http://localhost:3000", "http://localhost:65536", "http://[::1]:9", "http://[::1]:80",
    "http://[::2]:9", "http://127.0.0.1:8", "https://a..example.com", "capacitor+x://localhost", "bazz.foo:1",
    "http://bzz.foo:1", "ws://z.foo", "https://z.foo:443", "http://1.2.3.4", "http://1.2.3", "http://a.0x1f",
    "http://a.0x1g", "http://a.00", "http://a.0b1", f"https://{'a' * 63}.wide.example",
    f"https://{'a' * 64}.example.com",
    f"https://{'.'.join(['a' * 49] * 4)}.{'b' * 41}.example.com", "https://app.example.com\n", "null", "",
]  # fmt: skip
POLICY = Policy(allow_origins=PATTERNS, allow_origin_regexes=SOURCES)

# Every character that the name of a method or header may have in a policy, where it may have it.
ODD_NAMES = [
    "X-A$b",
    "x-a!b",
    "x#c",
    "x-%a%%",
    "x&y",
    "x+y",
    "x-a^b~",
    "_x`y`",
    "~x",
    "$one",
    "%{x}e".replace("{x}", "x"),
]
ODD_METHODS = ["M$1", "M!#", "M%h", "M&+^", "_`~M", "patch"]
