"""parse_origin: one serialised origin, exactly as browsers write it, and every other spelling refused with a reason."""

import ipaddress
import pickle

import naive_matcher
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors import Origin, OriginError, parse_origin, parse_pattern
from corecors._origins.addresses import canonical_ipv6, is_ip_address, is_ipv4, is_loopback, is_private
from corecors._origins.errors import CORSError
from corecors._origins.faults import fixed_origin
from corecors._origins.parsing import MAX_ORIGIN_LENGTH, is_host_name, read_origin
from corecors._origins.showing import printable, shown

EITHER = "write 'http://{0}' or 'https://{0}'"
LONGEST_HOST = ".".join(["a" * 63] * 3 + ["a" * 61])
LONGEST_ORIGIN = f"{'s' * 64}://{LONGEST_HOST}:65535"


def punycode(label: str) -> str:
    """What a label that no browser would write so looks like in Punycode."""
    return "xn--" + label.encode("punycode").decode("ascii").lower()


SERIALISED = [
    pytest.param("https://app.example.com", ("https", "app.example.com", None), id="scheme and host"),
    pytest.param("https://app.example.com:8443", ("https", "app.example.com", 8443), id="a port"),
    pytest.param("http://app.example.com:443", ("http", "app.example.com", 443), id="the other scheme's default port"),
    pytest.param("https://app.example.com:80", ("https", "app.example.com", 80), id="http's port on https"),
    pytest.param("https://a:1", ("https", "a", 1), id="the lowest port"),
    pytest.param("https://a:65535", ("https", "a", 65535), id="the highest port"),
    pytest.param("http://localhost", ("http", "localhost", None), id="a host of one label"),
    pytest.param("https://127.0.0.1", ("https", "127.0.0.1", None), id="IPv4"),
    pytest.param("https://255.255.255.255", ("https", "255.255.255.255", None), id="the highest IPv4 address"),
    pytest.param("https://0.0.0.0", ("https", "0.0.0.0", None), id="the lowest IPv4 address"),
    pytest.param("https://[::1]", ("https", "[::1]", None), id="IPv6"),
    pytest.param("https://[::]", ("https", "[::]", None), id="the IPv6 address of zeros"),
    pytest.param("http://[2001:db8::1]:3000", ("http", "[2001:db8::1]", 3000), id="IPv6 with a port"),
    pytest.param("http://[1:2:3:4:5:6:7:8]", ("http", "[1:2:3:4:5:6:7:8]", None), id="IPv6 with nothing to compress"),
    pytest.param("http://[1:0:3:4:5:6:7:8]", ("http", "[1:0:3:4:5:6:7:8]", None), id="one zero group stays a zero"),
    pytest.param("http://[1::4:0:0:7:8]", ("http", "[1::4:0:0:7:8]", None), id="the first of two equal runs"),
    pytest.param("http://[::1:1:1:1:0:0]", ("http", "[::1:1:1:1:0:0]", None), id="zeros at both ends"),
    pytest.param("http://[1:1:1:1:1:1:1:0]", ("http", "[1:1:1:1:1:1:1:0]", None), id="one zero group at the end"),
    pytest.param("http://[1:0:0:4::8]", ("http", "[1:0:0:4::8]", None), id="the longer of two runs"),
    pytest.param("http://[::ffff:102:304]", ("http", "[::ffff:102:304]", None), id="an IPv4-mapped address in hex"),
    pytest.param("https://xn--mnchen-3ya.de", ("https", "xn--mnchen-3ya.de", None), id="Punycode"),
    pytest.param("https://xn--ls8h.la", ("https", "xn--ls8h.la", None), id="Punycode of an emoji"),
    pytest.param("https://xn--strae-oqa.de", ("https", "xn--strae-oqa.de", None), id="Punycode of a sharp s"),
    pytest.param("https://xn--nxasmm1c.gr", ("https", "xn--nxasmm1c.gr", None), id="Punycode of a final sigma"),
    pytest.param(
        "https://xn--mgba3gch31f060k.ir", ("https", "xn--mgba3gch31f060k.ir", None), id="Punycode of a non-joiner"
    ),
    pytest.param("https://xn--10cl1a0b660p.lk", ("https", "xn--10cl1a0b660p.lk", None), id="Punycode of a joiner"),
    pytest.param("https://a.xn--p1ai", ("https", "a.xn--p1ai", None), id="a top-level domain in Punycode"),
    pytest.param("https://axn--a.de", ("https", "axn--a.de", None), id="what only holds the sign of Punycode"),
    pytest.param("https://a--b.example.org", ("https", "a--b.example.org", None), id="two hyphens inside a label"),
    pytest.param("https://a_b.example.org", ("https", "a_b.example.org", None), id="an underscore inside a label"),
    pytest.param("https://_.example.org", ("https", "_.example.org", None), id="a label of one underscore"),
    pytest.param("https://1.example.org", ("https", "1.example.org", None), id="a numeric label that is not the last"),
    pytest.param("https://null.example.org", ("https", "null.example.org", None), id="a label named null"),
    pytest.param(f"https://{'a' * 63}.com", ("https", "a" * 63 + ".com", None), id="a label of 63 characters"),
    pytest.param(f"https://{LONGEST_HOST}", ("https", LONGEST_HOST, None), id="a host of 253 characters"),
    pytest.param(LONGEST_ORIGIN, ("s" * 64, LONGEST_HOST, 65535), id="the longest origin of all"),
    pytest.param("capacitor://localhost", ("capacitor", "localhost", None), id="a scheme of an app"),
    pytest.param("chrome-extension://abcdefgh", ("chrome-extension", "abcdefgh", None), id="an extension"),
    pytest.param("a+b-c.d://x", ("a+b-c.d", "x", None), id="every character that a scheme may have"),
    pytest.param("app://x:80", ("app", "x", 80), id="a port on a scheme without a default"),
]


@pytest.mark.parametrize(("text", "parts"), SERIALISED)
def test_a_serialised_origin_is_parsed_and_written_back_as_it_was(
    text: str, parts: tuple[str, str, int | None]
) -> None:
    origin = parse_origin(text)
    assert origin == Origin(*parts)
    assert str(origin) == text
    assert read_origin(text) == origin


# Text, a piece of what is said to be wrong, and the fix (None: nothing that was surely meant).
NOT_SERIALISED = [
    pytest.param("", "is empty", None, id="nothing"),
    pytest.param("null", "identifies nobody", None, id="null"),
    pytest.param("Null", "identifies nobody", None, id="null in another case"),
    pytest.param(" https://a.com", "white space around", "https://a.com", id="a leading space"),
    pytest.param("https://a.com\n", "white space around", "https://a.com", id="a trailing line feed"),
    pytest.param("https://a.com\r\nX: 1", "control character", None, id="a header after CR LF"),
    pytest.param("https://a.com\x00", "control character", None, id="a trailing NUL"),
    pytest.param("https://a\x7f.com", "control character", None, id="DEL in the host"),
    pytest.param("https://a.com https://b.com", "an entry of its own", None, id="two origins, a space between"),
    pytest.param("https://a.com,https://b.com", "list", None, id="two origins, a comma between"),
    pytest.param("https://a.com;https://b.com", "list", None, id="two origins, a semicolon between"),
    # Scheme
    pytest.param("app.example.com", "no scheme", "https://app.example.com", id="no scheme"),
    pytest.param("localhost", "no scheme", "http://localhost", id="localhost alone"),
    pytest.param("localhost:3000", "no scheme", "http://localhost:3000", id="localhost and a port"),
    pytest.param("example.com:8443", "no scheme", "https://example.com:8443", id="a host and a port"),
    pytest.param("//app.example.com", "no scheme", None, id="scheme-relative"),
    pytest.param("https//a.com", '"://"', "https://a.com", id="the colon forgotten"),
    pytest.param("HTTP//A.com/x", '"://"', "http://a.com", id="the colon forgotten, in upper case, with a path"),
    pytest.param("first.last@a.com", "no scheme", None, id="an address of mail"),
    pytest.param("https:/a.com", '"://"', "https://a.com", id="one slash"),
    pytest.param("https:a.com", '"://"', "https://a.com", id="no slash"),
    pytest.param("HTTPS://a.com", "upper case in its scheme", "https://a.com", id="an upper-case scheme"),
    pytest.param("1http://a.com", "no valid scheme", None, id="a scheme that begins with a digit"),
    pytest.param("ht_tp://a.com", "no valid scheme", None, id="an underscore in the scheme"),
    pytest.param("s" * 65 + "://a", "no valid scheme", None, id="a scheme of 65 characters"),
    pytest.param("file:///etc/passwd", "browsers send `null`", None, id="file with a path"),
    pytest.param("file://host", "browsers send `null`", None, id="file with a host"),
    pytest.param("data:text/html,x", "browsers send `null`", None, id="data"),
    pytest.param("blob:https://a.com/x", "browsers send `null`", None, id="blob"),
    pytest.param("javascript:alert(1)", "browsers send `null`", None, id="javascript"),
    pytest.param("about:blank", "browsers send `null`", None, id="about:blank"),
    pytest.param("ws://a.com", "never matches", None, id="a WebSocket"),
    pytest.param("wss://a.com:443", "name the page that opens it", None, id="a WebSocket with its default port"),
    pytest.param("WSS://a.com", "never matches", None, id="a WebSocket in upper case"),
    pytest.param("ftp://a.com", "never matches", None, id="ftp"),
    # No scheme, and two could be meant
    pytest.param("127.0.0.1:5500", "no scheme", "http://127.0.0.1:5500", id="loopback and a port"),
    pytest.param("[::1]:3000", "no scheme", "http://[::1]:3000", id="loopback in IPv6"),
    pytest.param("[::1]", "no scheme", "http://[::1]", id="loopback in IPv6 alone"),
    pytest.param("app.localhost:3000", "no scheme", "http://app.localhost:3000", id="below localhost"),
    pytest.param("192.168.1.20:3000", EITHER.format("192.168.1.20:3000"), None, id="an address of a private network"),
    pytest.param("10.0.0.1/", EITHER.format("10.0.0.1"), None, id="such an address and a slash"),
    pytest.param("[fd00::1]:80", "'http://[fd00::1]' or 'https://[fd00::1]:80'", None, id="such an address of IPv6"),
    pytest.param("8.8.8.8", EITHER.format("8.8.8.8"), None, id="a public address"),
    pytest.param("raspberrypi.local:5000", EITHER.format("raspberrypi.local:5000"), None, id="a local name"),
    pytest.param("nas.lan", EITHER.format("nas.lan"), None, id="a local name that no standard has"),
    pytest.param("shop.test", EITHER.format("shop.test"), None, id="a name for tests"),
    pytest.param("Raspberrypi:5000", EITHER.format("raspberrypi:5000"), None, id="one label and a port"),
    # What an origin never has
    pytest.param("https://a.com/", "trailing slash", "https://a.com", id="a trailing slash"),
    pytest.param("https://a.com/x", "a path", "https://a.com", id="a path"),
    pytest.param("https://a.com?x", "a query", "https://a.com", id="a query"),
    pytest.param("https://a.com#", "a fragment", "https://a.com", id="a fragment"),
    pytest.param("https://u:p@a.com", "userinfo", "https://a.com", id="userinfo"),
    pytest.param("https://a.com\\x", "backslash", "https://a.com", id="a backslash"),
    pytest.param("https://a.com\\@b.com", "backslash", None, id="a backslash before an at sign"),
    pytest.param('"https://a.com"', "quotation marks", "https://a.com", id="quotation marks"),
    pytest.param("'https://a.com'", "quotation marks", "https://a.com", id="single quotation marks"),
    pytest.param("'null'", "identifies nobody", None, id="null in quotation marks"),
    pytest.param("['https://a.com']", "list", None, id="a list in text"),
    pytest.param(r"^https://app\.example\.com$", "allow_origin_regexes", None, id="a regex with anchors"),
    pytest.param(r"https://app\.example\.com", "allow_origin_regexes", None, id="a regex with escaped dots"),
    pytest.param("https://(a|b).example.com", "allow_origin_regexes", None, id="a regex with alternatives"),
    pytest.param("https://app[0-9].example.com", "allow_origin_regexes", None, id="a regex with a range"),
    pytest.param("https:\\\\dev.example.com", '"://"', "https://dev.example.com", id="backslashes for slashes"),
    pytest.param("https:///a.com", "a path", "https://a.com", id="three slashes"),
    # Host
    pytest.param("https://", "no host", None, id="no host"),
    pytest.param("https://:80", "no host", None, id="a port without a host"),
    pytest.param("https://A.com", "upper case in its host", "https://a.com", id="an upper-case host"),
    pytest.param("https://a.com.", "trailing dot", "https://a.com", id="a trailing dot"),
    pytest.param("https://a.com..", "trailing dot", None, id="two trailing dots"),
    pytest.param("https://a..com", "empty label", None, id="an empty label"),
    pytest.param("https://.a.com", "empty label", None, id="a leading dot"),
    pytest.param("https://-a.com", "hyphen", None, id="a label that begins with a hyphen"),
    pytest.param("https://a-.com", "hyphen", None, id="a label that ends with a hyphen"),
    pytest.param(f"https://{'a' * 64}.com", "longer than 63", None, id="a label of 64 characters"),
    pytest.param(f"https://a{LONGEST_HOST[1:]}.a", "longer than 253", None, id="a host of 255 characters"),
    pytest.param("https://%61.com", "character in its host", None, id="percent-encoding"),
    pytest.param("https://a`b.com", "character in its host", None, id="a backtick, which browsers do send"),
    pytest.param("https://a{b.com", "character in its host", None, id="a brace, which browsers do send"),
    pytest.param("https://*.a.com", "a pattern", None, id="a wildcard"),
    pytest.param("https://m\u00fcnchen.de", "Punycode", "https://xn--mnchen-3ya.de", id="a Unicode host"),
    pytest.param("https://stra\u00dfe.de", "Punycode", None, id="a letter that IDNA 2003 and browsers spell apart"),
    pytest.param("https://\u00fcX.de", "Punycode", "https://xn--x-dha.de", id="a Unicode host with an X"),
    pytest.param("https://a\uff0ecom", "Punycode", "https://a.com", id="a fullwidth dot"),
    pytest.param("https://\u212aiosk.com", "Punycode", "https://kiosk.com", id="the Kelvin sign"),
    pytest.param("https://\ud800.com", "Punycode", None, id="a lone surrogate"),
    pytest.param("https://xn--a.com", "Punycode", None, id="Punycode of a control character"),
    pytest.param("https://xn--.com", "hyphen", None, id="Punycode of nothing"),
    pytest.param("https://a.xn--0", "Punycode", None, id="Punycode that does not decode"),
    pytest.param("https://xn--a-b.com", "Punycode", None, id="Punycode spelled in another way"),
    pytest.param("https://xn---4bv.com", "Punycode", None, id="Punycode with a hyphen too many"),
    pytest.param("https://xn--ascii-.com", "hyphen", None, id="Punycode that nothing needs"),
    pytest.param("https://" + punycode("M\u00dcNCHEN") + ".de", "Punycode", None, id="Punycode of upper case"),
    pytest.param("https://" + punycode("u\u0308") + ".de", "Punycode", None, id="Punycode of a decomposed letter"),
    pytest.param("https://" + punycode("\u0308u") + ".de", "Punycode", None, id="Punycode that begins with a mark"),
    pytest.param("https://" + punycode("\uff41") + ".de", "Punycode", None, id="Punycode of a fullwidth letter"),
    pytest.param("https://" + punycode("a\u202eb") + ".de", "Punycode", None, id="Punycode of a turn of direction"),
    pytest.param("https://" + punycode("a\u00a0b") + ".de", "Punycode", None, id="Punycode of a space"),
    pytest.param("https://\u2100.com", "Punycode", None, id="a letter that normalises to a slash"),
    # Addresses
    pytest.param("https://127.1", "IPv4", None, id="a short IPv4 address"),
    pytest.param("https://127.0.0.01", "IPv4", None, id="a leading zero in IPv4"),
    pytest.param("https://0x7f.0.0.1", "IPv4", None, id="hexadecimal IPv4"),
    pytest.param("https://256.1.1.1", "IPv4", None, id="256 in IPv4"),
    pytest.param("https://2130706433", "IPv4", None, id="IPv4 as one number"),
    pytest.param("https://a.1", "IPv4", None, id="a numeric last label"),
    pytest.param("https://a.0x", "IPv4", None, id="an empty hexadecimal last label"),
    pytest.param("https://[0:0:0:0:0:0:0:1]", "compressed", "https://[::1]", id="IPv6 written out"),
    pytest.param("https://[::ABCD]", "upper case", "https://[::abcd]", id="upper-case IPv6"),
    pytest.param("https://[::ffff:1.2.3.4]", "compressed", "https://[::ffff:102:304]", id="IPv6 with a dotted part"),
    pytest.param("https://[01::]", "compressed", "https://[1::]", id="a leading zero in IPv6"),
    pytest.param("https://[1:0:0:4:0:0:0:8]", "compressed", "https://[1:0:0:4::8]", id="IPv6 that could be compressed"),
    pytest.param("https://[1::3:4:5:6:7:8]", "compressed", "https://[1:0:3:4:5:6:7:8]", id="one group compressed"),
    pytest.param("https://[::1", "compressed", None, id="a bracket left open"),
    pytest.param("https://::1", "brackets", None, id="IPv6 without brackets"),
    pytest.param("https://[fe80::1%25eth0]", "compressed", None, id="a zone"),
    pytest.param("https://[]", "compressed", None, id="empty brackets"),
    pytest.param("https://[a.com]", "compressed", None, id="a name in brackets"),
    # Port
    pytest.param("https://a.com:", "no port", "https://a.com", id="a colon without a port"),
    pytest.param("https://a.com:443", "default port", "https://a.com", id="the default port of https"),
    pytest.param("http://a.com:80", "default port", "http://a.com", id="the default port of http"),
    pytest.param("https://a.com:0", "port 0", None, id="port 0"),
    pytest.param("https://a.com:08443", "leading zero", "https://a.com:8443", id="a leading zero"),
    pytest.param("https://a.com:65536", "above 65535", None, id="a port above 65535"),
    pytest.param("https://a.com:99999999999999", "above 65535", None, id="a port of fourteen digits"),
    pytest.param("https://a.com:-1", "not a number", None, id="a negative port"),
    pytest.param("https://a.com:http", "not a number", None, id="a port in letters"),
    pytest.param("https://a.com:1_0", "not a number", None, id="a number as Python writes it"),
    pytest.param("https://a.com:\u0663", "not a number", None, id="a digit of another script"),
    pytest.param("https://a.com:\u00b2", "not a number", None, id="a superscript digit"),
    pytest.param("https://a.com:80:80", "port", None, id="two ports"),
    pytest.param("https://a.com:00000000443", "default port", "https://a.com", id="a default port under zeros"),
    pytest.param("https://[::1]:443", "default port", "https://[::1]", id="the default port after IPv6"),
    pytest.param("https://[::1]8443", "not a colon", "https://[::1]:8443", id="IPv6 and a port without a colon"),
]


@pytest.mark.parametrize(("text", "message", "fix"), NOT_SERIALISED)
def test_any_other_text_is_refused_with_what_is_wrong_and_the_fix_where_one_is_certain(
    text: str, message: str, fix: str | None
) -> None:
    assert read_origin(text) is None
    with pytest.raises(OriginError) as caught:
        parse_origin(text)
    assert message in caught.value.message
    assert caught.value.fix == fix
    assert caught.value.message in str(caught.value)
    assert fix is None or repr(fix) in str(caught.value)


@pytest.mark.parametrize(("text", "message", "fix"), NOT_SERIALISED)
def test_a_fix_is_itself_an_origin(text: str, message: str, fix: str | None) -> None:
    assert fix is None or str(parse_origin(fix)) == fix


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="None"),
        pytest.param(b"https://a.com", id="bytes"),
        pytest.param(["https://a.com"], id="a list"),
        pytest.param(443, id="a number"),
        pytest.param(Origin("https", "a.com", None), id="an origin that was parsed before"),
    ],
)
def test_what_is_no_text_is_refused_by_its_type(value: object) -> None:
    with pytest.raises(OriginError, match=type(value).__name__):
        parse_origin(value)  # type: ignore[arg-type]


def test_a_text_longer_than_any_origin_is_refused_by_its_length() -> None:
    for parse in (parse_origin, parse_pattern):
        with pytest.raises(OriginError, match="a path"):
            parse("https://a.com/".ljust(4 * MAX_ORIGIN_LENGTH, "x"))
        with pytest.raises(OriginError, match="characters long"):
            parse("https://a.com/".ljust(4 * MAX_ORIGIN_LENGTH + 1, "x"))
    with pytest.raises(OriginError) as caught:
        parse_pattern("https://*.a.com/".ljust(4 * MAX_ORIGIN_LENGTH, "x"))
    assert caught.value.fix == "https://*.a.com"
    with pytest.raises(OriginError, match="characters long"):
        parse_pattern("https://*.a.com/".ljust(4 * MAX_ORIGIN_LENGTH + 1, "x"))
    with pytest.raises(OriginError, match="1048576 characters long") as caught:
        parse_origin("https://" + "a" * (2**20 - 8))
    assert len(str(caught.value)) < 200
    assert read_origin(LONGEST_ORIGIN + "0") is None
    assert len(LONGEST_ORIGIN) == MAX_ORIGIN_LENGTH


NEARLY_AN_ORIGIN = st.text(alphabet="htps:/.-_*[]@%?#\\0189afxA \x00\u00e9", max_size=30).map("https://a".__add__)


@given(st.text() | NEARLY_AN_ORIGIN)
def test_both_parsers_agree_on_any_text_and_raise_nothing_else(text: str) -> None:
    assert fixed_origin(text) != text
    if read_origin(text) is not None:
        assert str(parse_origin(text)) == text
        return
    with pytest.raises(OriginError) as caught:
        parse_origin(text)
    assert caught.value.message
    assert caught.value.fix is None or str(parse_origin(caught.value.fix)) == caught.value.fix


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_has_exactly_one_spelling(address: ipaddress.IPv6Address) -> None:
    spellings = {address.exploded, address.compressed, address.exploded.upper(), str(address).replace("::", ":0:")}
    accepted = [spelling for spelling in spellings if read_origin(f"http://[{spelling}]") is not None]
    assert len(accepted) <= 1
    with pytest.raises(OriginError) as caught:
        parse_origin(f"http://[{address.exploded.upper()}]/")
    assert caught.value.fix is not None
    fixed = parse_origin(caught.value.fix)
    assert ipaddress.IPv6Address(fixed.host[1:-1]) == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("http://localhost", True, id="localhost"),
        pytest.param("http://app.localhost:3000", True, id="below localhost"),
        pytest.param("http://127.0.0.1", True, id="127.0.0.1"),
        pytest.param("http://127.255.255.254", True, id="127.0.0.0/8"),
        pytest.param("http://[::1]:8000", True, id="::1"),
        pytest.param("http://localhost.example.com", False, id="localhost as a label of another host"),
        pytest.param("http://notlocalhost", False, id="a name that ends in localhost"),
        pytest.param("http://128.0.0.1", False, id="128.0.0.1"),
        pytest.param("http://127.0.0.1.example.com", False, id="127.0.0.1 as labels of another host"),
        pytest.param("http://0.0.0.0", False, id="0.0.0.0"),
        pytest.param("http://[::ffff:7f00:1]", False, id="the IPv4-mapped loopback address"),
    ],
)
def test_loopback_is_this_machine_whoever_asks(text: str, expected: bool) -> None:
    assert parse_origin(text).is_loopback is expected


def test_hosts_are_told_from_addresses() -> None:
    assert is_host_name("a.example")
    assert is_host_name("1.2.3.4")
    assert not is_host_name("1.2.3")
    assert is_host_name(LONGEST_HOST)
    assert not is_host_name(f"{LONGEST_HOST}a")
    assert is_ip_address("1.2.3.4")
    assert is_ip_address("[::1]")
    assert not is_ip_address("1.2.3.4.example")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[::]", "[::]", id="zeros"),
        pytest.param("[0:0:0:0:0:0:0:1]", "[::1]", id="written out"),
        pytest.param("[0000:00::ABCD]", "[::abcd]", id="leading zeros and upper case"),
        pytest.param("[::ffff:1.2.3.4]", "[::ffff:102:304]", id="a dotted part"),
        pytest.param("[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:102:304]", id="a dotted part after six pieces"),
        pytest.param("[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]", id="the longer run"),
        pytest.param("[1:0:0:2:3:0:0:4]", "[1::2:3:0:0:4]", id="the first of two equal runs"),
        pytest.param("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:0]", id="one piece compressed"),
        pytest.param("[1:2:3:4::5:6:7:8]", None, id="no piece compressed"),
        pytest.param("[1:2:3:4:5:6:7]", None, id="seven pieces"),
        pytest.param("[1:2:3:4:5:6:7:8:9]", None, id="nine pieces"),
        pytest.param("[::1::2]", None, id="two compressions"),
        pytest.param("[:::1]", None, id="three colons"),
        pytest.param("[:1:2:3:4:5:6:7]", None, id="a leading colon"),
        pytest.param("[12345::]", None, id="five digits"),
        pytest.param("[g::]", None, id="a letter that is not a digit"),
        pytest.param("[::\u0661]", None, id="a digit of another script"),
        pytest.param("[::1.2.3]", None, id="three numbers"),
        pytest.param("[::1.2.3.256]", None, id="256"),
        pytest.param("[::1.2.3.04]", None, id="a leading zero in a dotted part"),
        pytest.param("[1.2.3.4]", None, id="nothing but a dotted part"),
        pytest.param("[::1.2.3.4:5]", None, id="a dotted part that is not the last"),
        pytest.param("[fe80::1%25eth0]", None, id="a zone"),
        pytest.param("[]", None, id="nothing"),
        pytest.param("[", None, id="one bracket"),
        pytest.param("::1", None, id="no brackets"),
    ],
)
def test_an_ipv6_address_is_written_as_browsers_write_it(text: str, expected: str | None) -> None:
    assert canonical_ipv6(text) == expected
    assert expected is None or canonical_ipv6(expected) == expected


@given(st.ip_addresses(v=6))
def test_any_ipv6_address_is_read_and_written_as_the_standard_says(address: ipaddress.IPv6Address) -> None:
    written = canonical_ipv6(f"[{address.exploded}]")
    assert written is not None
    assert "." not in written
    assert ipaddress.IPv6Address(written[1:-1]) == address
    assert naive_matcher.split_origin(f"http://{written}") is not None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(host, expected, id=host)
        for expected, hosts in {
            True: "10.0.0.1 192.168.1.20 172.16.0.1 172.31.255.255 169.254.1.1 100.64.0.1 [fd00::1] [fe80::1]",
            False: "8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 100.128.0.1 [2001:db8::1] [fec0::1] 10.example.com",
        }.items()
        for host in hosts.split()
    ],
)
def test_private_addresses_are_told_from_public_ones(host: str, expected: bool) -> None:
    assert is_private(host) is expected


def test_loopback_and_ipv4_are_read_in_canonical_form() -> None:
    assert is_loopback("127.1.2.3")
    assert not is_loopback("127.1")
    assert is_ipv4("0.0.0.0")
    assert not is_ipv4("1.2.3.4\n")
    assert not is_ipv4("1.2.3.4.")


def test_what_is_printed_of_strangers_text_moves_no_terminal_and_looks_like_nothing_else() -> None:
    assert printable("/x\x1b]0;P\x07\r\n\x9b\u202e\u0430\ud800\x7f") == (
        r"/x\x1b]0;P\x07\r\n\x9b\u202e\u0430\ud800\x7f"
    )
    assert printable(r"https://a\.com 'x' " + '"y"') == r"https://a\.com 'x' " + '"y"'
    assert printable("a" * 100, longest=10) == "aaaaaaa..."
    assert printable("\x1b" * 10, longest=10) == r"\x1b" * 10


@given(st.text())
def test_what_is_printed_is_printable_ascii_whatever_it_was(text: str) -> None:
    assert printable(text).isascii()
    assert printable(text).isprintable() or not text


def test_what_is_shown_of_a_value_is_printable_and_short() -> None:
    assert shown("a\r\nb\u2028\ud800\x1b[31m") == "'a\\r\\nb\\u2028\\ud800\\x1b[31m'"
    assert len(shown("\U0001f4a9" * 1_000_000)) < 1000


def test_an_origin_error_and_an_origin_survive_pickling() -> None:
    assert pickle.loads(pickle.dumps(parse_origin("https://a:1"))) == Origin("https", "a", 1)
    error = pickle.loads(pickle.dumps(OriginError("bad", "is bad", "https://a")))
    assert (error.code, error.message, error.fix) == ("bad", "is bad", "https://a")
    assert str(error) == "is bad; write 'https://a'"
    assert isinstance(error, CORSError)
