"""Addresses as Node's `URL` reads them, and URLs at random to ask it about: a second opinion on `corecors.browser`.

Node's `URL` is ada, an implementation of the URL standard that has nothing in common with ours.
"""

import json
import random
import re
import shutil
import subprocess
from types import TracebackType
from urllib.parse import unquote

from corecors.browser.urls import WEB_PORTS, Address, parse_url

_PROGRAM = r"""
require("readline").createInterface({ input: process.stdin }).on("line", line => {
  const [text, base] = JSON.parse(line);
  let answer = null;
  try {
    const url = new URL(text, base ?? undefined);
    answer = { scheme: url.protocol.slice(0, -1), host: url.hostname, port: url.port, origin: url.origin };
    answer.userinfo = url.username !== "" || url.password !== "";
    url.username = url.password = url.hash = "";
    answer.href = url.href;
  } catch (error) {
    if (error.code !== "ERR_INVALID_URL") throw error;
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
"""

Question = tuple[str, str | None]  # a URL and its base


class Node:
    """One Node process that is asked about many URLs. Raises `FileNotFoundError` where there is no Node."""

    def __init__(self) -> None:
        program = shutil.which("node")
        if program is None:
            raise FileNotFoundError("Node.js (the program `node`) is not on this machine")
        self._process = subprocess.Popen(
            [program, "--eval", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
        )

    def __enter__(self) -> "Node":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=20)  # the end of its input ends it

    def ask(self, question: Question) -> dict[str, str] | None:
        """What Node makes of one URL; None where it is not one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, str] | None = json.loads(self._process.stdout.readline())
        return answer


def difference(question: Question, node: dict[str, str] | None) -> str | None:
    """In what Node and the model of the browser differ about a URL; None if in nothing that the model promises."""
    text, _ = question
    ours = parse(question)
    if ours is None:
        # The model reads hosts outside ASCII in their Punycode form alone.
        return None if node is None or not _host_is_ascii(text) else "refused, and Node reads it"
    if ours.scheme not in WEB_PORTS:  # only the scheme is read
        return None if node is None or node["scheme"] == ours.scheme else "another scheme"
    if node is None:  # and it takes Punycode for what it says
        return None if "xn--" in ours.host else "read, and Node refuses it"
    same = {
        "scheme": node["scheme"] == ours.scheme,
        "host": node["host"] == ours.host,
        "port": node["port"] == ("" if ours.port is None else str(ours.port)),
        "origin": node["origin"] == ours.origin,
        "userinfo": node["userinfo"] is ours.has_userinfo,
        "href": _corrected(node["href"]) == ours.url.replace("%5E", "^"),
        "second reading": _again(ours) == ours,
    }
    return ", ".join(name for name, agrees in same.items() if not agrees) or None


def parse(question: Question) -> Address | None:
    """What the model makes of one URL."""
    text, base = question
    return parse_url(text, None if base is None else parse_url(base))


def _host_is_ascii(text: str) -> bool:
    before_path = re.match(r"[^/\\?#]*[/\\\s]*[^/\\?#]*", text)
    assert before_path is not None
    return unquote(before_path[0], errors="replace").isascii()


def _corrected(href: str) -> str:
    """Node's `href` as the standard has it but for `^`, which it encodes in a path since 2024 and Node 20 does not.

    Node 20 leaves dot segments behind one like `/.x` where they are.
    """
    url, mark, query = href.partition("?")
    scheme, _, rest = url.partition("://")
    host, *segments = rest.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return (f"{scheme}://{'/'.join([host, *kept])}" + mark + query).replace("%5E", "^")


def _again(address: Address) -> Address | None:
    read = parse_url(address.url)
    return read and Address(read.scheme, read.host, read.port, read.path, address.has_userinfo)


# --- URLs at random ---

BASES = (None, None, None, "https://api.example:8443/a/b?q", "http://api.example/a/../%7e/;x", "https://b.example?x")
_SCHEMES = "http https HTTP hTTps ftp ws file data x-y javascript htt+p 1http h".split()
_SLASHES = ("//", "//", "//", "//", "/", "", "///", "\\\\", "/\\", "\\/", "/\t/", "////")
_USERINFO = ("", "", "", "", "", "u@", "u:p@", ":@", "@", ":p@", "u:@", "a@b@", "u%40@", "::@", "a:b:c@", "\\@")
_HOSTS = (
    "a.example A.Example api.example. localhost .a a..b . .. %61.b a%2eb a%2fb a%41 %ff %C3%A4.example a_b -a- "
    "a~b!$&'() "
    "* a*b 127.0.0.1 127.1 1 0 0x7f.1 0x 0x.0x 0X7F000001 017700000001 08 1.2.3.4. 1.2.3.4.. 1.2.3.4.5 256.1 "
    "1.256 1.65536 "
    "1.2.65535 4294967295 4294967296 0000000000000000000001 0x00000000000000000000ff 99999999999999999999 1.2.3 "
    "1.2.3.09 "
    "1.2.3.0x1 1.0x1g a.1 a.0x a.09 1.a 1e3 +1 １.2 [::1] [::] [1::] [::ffff:1.2.3.4] [::ffff:102:304] "
    "[1:2:3:4:5:6:7:8] "
    "[1:0:0:2:0:0:0:3] [1:0:0:2:3:0:0:4] [0:0:1:0:0:1:0:0] [1:2:3:4:5:6:7::] [::2:3:4:5:6:7:8] [1:2:3:4::5:6:7:8] "
    "[1::2::3] "
    "[::01.2.3.4] [::1.2.3] [::1.2.3.256] [::1.2.3.4:5] [1:2:3:4:5:6:1.2.3.4] [1:2:3:4:5:6:7:1.2.3.4] [FE80::1] "
    "[fe80::1%25x] "
    "[fe80::1%eth] [0001::00000] [::12345] [::g] [:1] [1:] [] [ ] [::1 ::1] [::1]x x[::1] [v1.x] %5B::1%5D "
    "[%3a:1] xn--nxa.x "
    "XN--NXA.x xn--a xn-- xn--ls8h.la münchen.x ａ.b a\xadb ß.x a|b a^b a<b a\"b a b a%20b a%7fb a%00b a`b{}"
).split(" ")  # fmt: skip
_PORTS = (
    "       : :0 :00 :80 :443 :0080 :000000000000000443 :8080 :65535 :65536 :99999999999 :8a :-1 :+1 :１ :80:80 :%38"
).split(" ")  # fmt: skip
_PATHS = (
    "  / /a /a/b / /. /.. /./ /../ /a/../b /a/./b /a/%2e/b /%2E%2e/b /.%2e /%2e. /... /a/.. /a/. // //a /a//../b "
    "/\\a /a\\..\\b "
    "/{id} /a^b /`x` /'q' /\"q\" /<x> /a|b /[x] /%41%zz% /ä /%C3%A4 /\u20ac\U0001f600 /\ud800x /\udc00\ud800 "
    "/a;b=c,d /~!$&()*+=:@ /C:/a /\x7f "
    "a ../a ./a .. . ..\\.. %2e%2e/a :a a:b /a\x00b /\x85 /\xa0 /\ufeff x/../../../y"
).split(" ")  # fmt: skip
_QUERIES = (
    "    ? ?q ?q=1&r ?q='a' ?{x} ?a^b ?`x` ?\"x\" ?<x> ?a?b ?a/../b ?a\\b ?ä ?%zz ?|[] ?\U0001f600 ?\udfff ?\x7f "
    "?~ ?a@b ?:"
).split(" ")  # fmt: skip
_FRAGMENTS = ("", "", "", "#", "#f", "#f?x", "#/../x", "#@a", "##")
_ALPHABET = (
    "abxf019./:@?#[]\\%'\"`{}^|<>~_-+*&=;,! \t\n\r\x00\x1f\x7f\x80\xa0\xad"
    "\xdf\xe4\u20ac\u3002\uff0e\ufeff\ud800\udc00\U0001f600"
)


def random_question(source: random.Random) -> Question:
    """A URL, well formed or nearly so, and what it may be relative to."""
    scheme = source.choice(("http:", "https:", "https:", "", source.choice(_SCHEMES) + ":"))
    slashes = source.choice(_SLASHES) if scheme or source.random() < 0.4 else ""
    place = "" if not (scheme or slashes) else "".join(map(source.choice, (_USERINFO, _HOSTS, _PORTS)))
    text = scheme + slashes + place + "".join(map(source.choice, (_PATHS, _PATHS, _QUERIES, _FRAGMENTS)))
    for _ in range(source.choice((0, 0, 1, 1, 2, 5))):
        start = source.randrange(len(text) + 1)
        end = start + source.choice((0, 0, 1, 2))
        text = text[:start] + source.choice(("", *_ALPHABET)) + text[end:]
    return text, source.choice(BASES)
