"""How the model of the browser reads an address: https://url.spec.whatwg.org/."""

import os
import random
import shutil
from urllib.parse import quote

import node_urls
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corecors.browser import Received, Request, simulate
from corecors.browser.hosts import read_host
from corecors.browser.urls import parse_url


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://api.example", "https://api.example/"),
        ("HTTPS://API.Example:443/A", "https://api.example/A"),
        ("http://api.example:0080/", "http://api.example/"),
        ("https://api.example:80/", "https://api.example:80/"),
        ("https:\\\\api.example\\a\\b?c\\d", "https://api.example/a/b?c\\d"),
        ("  https://api.example/\x00", "https://api.example/"),
        ("ht\ntps://api.\texample/a\rb", "https://api.example/ab"),
        ("https:api.example/x", "https://api.example/x"),
        ("https:////api.example/x", "https://api.example/x"),
        ("https://api.example/a/./b/../c/%2E%2e/d/..", "https://api.example/a/"),
        ("https://api.example/../..", "https://api.example/"),
        ("https://api.example/.", "https://api.example/"),
        ("https://api.example?q=../x#f?g", "https://api.example/?q=../x"),
        ("https://api.example/ä b", "https://api.example/%C3%A4%20b"),
        ("https://a:b@c:d@api.example/@x", "https://api.example/@x"),
        ("http://[0:0::1]:8080/", "http://[::1]:8080/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("https://%61.ex%41mple/", "https://a.example/"),
        ("https://a.example:000000000000000443/", "https://a.example/"),
        ("https://a.example:/", "https://a.example/"),
        ("https://a.example/?", "https://a.example/?"),
        ("https://a.example/\ud83d\ude00?\ud800x", "https://a.example/%F0%9F%98%80?%EF%BF%BDx"),
        ("https://a.example/.x/../../../y", "https://a.example/y"),
        ("https://a_b.example//x//", "https://a_b.example//x//"),
        ("https://xn--nxa.example/", "https://xn--nxa.example/"),
    ],
)
def test_an_address_is_read_as_browsers_do(written: str, read: str) -> None:
    address = parse_url(written)
    assert address is not None
    assert address.url == read


@pytest.mark.parametrize(
    "written", ["*", "https://api.example/*", "https://api.example*", "https://api.example?*", "http:*"]
)
def test_no_page_asks_for_the_asterisk(written: str) -> None:
    address = parse_url(written, parse_url("https://api.example"))
    assert address is None or address.path.startswith("/")


@pytest.mark.parametrize(
    "written",
    [
        "", "api.example", "/a", "https://", "https://:80/", "https://a b/", "https://a%20b/", "https://a|b/",
        "https://api.example:65536/", "https://api.example:x/", "https://api.example:99999999999/", "http://[::1/",
        "http://[::g]/", "http://[fe80::1%25eth0]/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://0x7g.1.08/",
        "https://münchen.example/", "http://::1/", "https://a@/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_none(written: str) -> None:
    assert parse_url(written) is None


@pytest.mark.parametrize(
    ("relative", "read"),
    [
        ("/x", "https://api.example:8443/x"),
        ("x", "https://api.example:8443/a/x"),
        ("../x?r", "https://api.example:8443/x?r"),
        ("?r", "https://api.example:8443/a/b?r"),
        ("", "https://api.example:8443/a/b?q"),
        ("{id}?'", "https://api.example:8443/a/%7Bid%7D?%27"),
        ("#f", "https://api.example:8443/a/b?q"),
        ("//other.example/x", "https://other.example/x"),
        ("\\\\other.example/x", "https://other.example/x"),
        ("/\\other.example/x", "https://other.example/x"),
        ("///other.example/x", "https://other.example/x"),
        ("https:x", "https://api.example:8443/a/x"),
        ("https:/x", "https://api.example:8443/x"),
        ("http:x", "http://x/"),
        ("http:/x", "http://x/"),
        ("x:y", "x:"),
        ("./x:y", "https://api.example:8443/a/x:y"),
    ],
)
def test_a_relative_address_is_read_as_browsers_do(relative: str, read: str) -> None:
    base = parse_url("https://api.example:8443/a/b?q")
    address = parse_url(relative, base)
    assert address is not None
    assert address.url == read


def test_an_address_outside_the_web_has_an_opaque_origin() -> None:
    address = parse_url("FTP://api.example/x")
    assert address is not None
    assert (address.scheme, address.origin, address.url) == ("ftp", "null", "ftp:")


# --- What is percent-encoded: #path-percent-encode-set, #special-query-percent-encode-set ---

CONTROLS = [*range(0x20), 0x7F]
PRINTABLE = range(0x20, 0x7F)


@pytest.mark.parametrize("code", [code for code in PRINTABLE if chr(code) not in "/\\?#"], ids=chr)
def test_a_path_encodes_its_own_set_and_nothing_else(code: int) -> None:
    address = parse_url(f"https://api.example/a{chr(code)}b")
    assert address is not None
    written = f"%{code:02X}" if chr(code) in ' "<>^`{}' else chr(code)
    assert address.url == f"https://api.example/a{written}b"


@pytest.mark.parametrize("code", [code for code in PRINTABLE if chr(code) != "#"], ids=chr)
def test_a_query_encodes_its_own_set_and_nothing_else(code: int) -> None:
    address = parse_url(f"https://api.example/?a{chr(code)}b")
    assert address is not None
    written = f"%{code:02X}" if chr(code) in " \"'<>" else chr(code)
    assert address.url == f"https://api.example/?a{written}b"


@pytest.mark.parametrize("code", [*CONTROLS, 0x80, 0xA0, 0xE9, 0x20AC, 0xFEFF, 0x1F600], ids=hex)
def test_controls_and_what_is_not_ascii_are_encoded_in_both(code: int) -> None:
    address = parse_url(f"https://api.example/a{chr(code)}b?a{chr(code)}b")
    assert address is not None
    written = "" if chr(code) in "\t\n\r" else quote(chr(code))
    assert address.url == f"https://api.example/a{written}b?a{written}b"


def test_what_a_script_writes_is_sent_percent_encoded() -> None:
    request = Request(url="https://api.example/items/{id}?q='a'", origin="https://app.example")
    verdict = simulate(request, lambda sent: Received(200, [("Access-Control-Allow-Origin", "*")]))
    assert [exchange.sent.url for exchange in verdict.exchanges] == ["https://api.example/items/%7Bid%7D?q=%27a%27"]


# --- Hosts: #host-parsing ---


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("127.1", "127.0.0.1", id="two numbers"),
        pytest.param("1.2.3", "1.2.0.3", id="three numbers"),
        pytest.param("2130706433", "127.0.0.1", id="one number"),
        pytest.param("0x7f.1", "127.0.0.1", id="hexadecimal"),
        pytest.param("0X7F000001", "127.0.0.1", id="hexadecimal in upper case"),
        pytest.param("017700000001", "127.0.0.1", id="octal"),
        pytest.param("0x", "0.0.0.0", id="no digits after 0x"),
        pytest.param("1.65536", "1.1.0.0", id="three bytes in the last number"),
        pytest.param("1.2.3.4.", "1.2.3.4", id="a dot at the end"),
        pytest.param("4294967295", "255.255.255.255", id="the highest address"),
        pytest.param("0" * 5000 + "1", "0.0.0.1", id="five thousand zeros"),
        pytest.param("1.2.3.%34", "1.2.3.4", id="percent-encoded"),
        pytest.param("4294967296", None, id="above the highest address"),
        pytest.param("9" * 5000, None, id="five thousand digits"),
        pytest.param("256.1", None, id="a first number above 255"),
        pytest.param("1.16777216", None, id="a last number above its bytes"),
        pytest.param("1.2.3.08", None, id="octal with an 8"),
        pytest.param("1.2.3.0x1g", "1.2.3.0x1g", id="nearly a number at the end: a domain"),
        pytest.param("1.2.3.4.5", None, id="five numbers"),
        pytest.param("a.1", None, id="a name before a number"),
        pytest.param("a.0x", None, id="a name before 0x"),
        pytest.param("1..2", None, id="nothing between dots"),
        pytest.param("1.2..", "1.2..", id="two dots at the end: a domain"),
        pytest.param("1.a", "1.a", id="a name at the end"),
        pytest.param(".", ".", id="a dot alone"),
        pytest.param("A%42c", "abc", id="percent-encoded letters"),
        pytest.param("a%2fb", None, id="percent-encoded slash"),
        pytest.param("a%00b", None, id="percent-encoded NUL"),
        pytest.param("%C3%A4", None, id="percent-encoded letters outside ASCII"),
        pytest.param("%zz", None, id="a percent sign alone"),
        pytest.param("", None, id="nothing"),
        pytest.param("[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]", id="the longest run of zeros"),
        pytest.param("[1:0:0:2:3:0:0:4]", "[1::2:3:0:0:4]", id="the first of two runs"),
        pytest.param("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:0]", id="a single zero is written"),
        pytest.param("[0:0:1::]", "[0:0:1::]", id="zeros before a longer run"),
        pytest.param("[::ffff:1.2.3.4]", "[::ffff:102:304]", id="a dotted part, in every version of Python"),
        pytest.param("[::FFFF:102:304]", "[::ffff:102:304]", id="never written with dots"),
        pytest.param("[FE80::000A]", "[fe80::a]", id="lower case without leading zeros"),
        pytest.param("[::1.2.3.04]", None, id="octal within an IPv6 address"),
        pytest.param("[1:2:3:4::5:6:7:8]", None, id="a run of no zeros"),
        pytest.param("[::1", None, id="no closing bracket"),
        pytest.param("[::1]a", None, id="something behind the bracket"),
        pytest.param("%5B::1%5D", None, id="percent-encoded brackets"),
        pytest.param("[fe80::1%25eth0]", None, id="a zone"),
    ],
)
def test_a_host_has_one_written_form(written: str, read: str | None) -> None:
    assert read_host(written) == read


# --- Against another implementation ---

NASTY = st.text(alphabet=st.sampled_from("ahtps:/\\?#@[]%.0x1-{}'` \t\x00\x7f\xe4\u3002\ud800\U0001f600")) | st.text()


@given(NASTY, st.sampled_from(["", "https:", "https://", "https://a/", "https://a/?", "//"]))
@example("\ud800", "https://a/")
@example("." * 2000 + "/", "https://a/")
def test_any_text_is_an_address_or_none_and_the_written_form_reads_as_itself(text: str, before: str) -> None:
    for base in (None, parse_url("https://api.example:8443/a/b?q")):
        address = parse_url(before + text, base)
        if address is None or address.scheme not in ("http", "https"):
            continue
        assert address.url.isascii()
        assert address.url.isprintable()
        again = parse_url(address.url)
        assert again is not None
        assert (again.url, again.origin, again.has_userinfo) == (address.url, address.origin, False)


def test_node_reads_three_thousand_random_addresses_alike() -> None:
    if shutil.which("node") is None:
        assert not os.environ.get("CORECORS_REQUIRE_FUZZ"), "Node.js is insisted on, and is not on this machine"
        pytest.skip("needs Node.js")
    source = random.Random(6)
    with node_urls.Node() as node:
        questions = [node_urls.random_question(source) for _ in range(3000)]
        answers = [node.ask(question) for question in questions]
    differences = {
        ascii(question): found
        for question, answer in zip(questions, answers, strict=True)
        if (found := node_urls.difference(question, answer)) is not None
    }
    assert differences == {}
    assert 300 < sum(answer is None for answer in answers) < 2700  # both kinds were asked about


@pytest.mark.parametrize("host", ["[::ffff:102:304]", "[::ffff:1.2.3.4]", "[::FFFF:0102:0304]"])
def test_an_ipv6_host_is_written_without_dots_on_every_version_of_python(host: str) -> None:
    address = parse_url(f"http://{host}:8080/")
    assert address is not None
    assert address.origin == "http://[::ffff:102:304]:8080"
