"""`doctor --curl`: what browsers copy, read as curl itself reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from request_recorder import Recorded, recording

from corecors.cli.curl_command import CurlError, read_curl
from corecors.cli.doctor import doctor
from corecors.cli.examination import SAFE_METHODS
from corecors.cli.shell_words import split_command

EMOJI = "\U0001f600"

# As the generators of Chromium (POSIX and cmd) and Firefox write them, and as people and documentation do. URL stands
# for the address.
POSIX = {
    "a GET": "curl 'URL' -H 'accept: application/json' -H 'user-agent: Mozilla/5.0' --compressed",
    "JSON": "curl 'URL' \\\n  -H 'content-type: application/json' \\\n  --data-raw '{\"a\":1}'",
    "a method": "curl 'URL' -X 'PUT' -H 'content-type: application/json' --data-raw '{}'",
    "DELETE": "curl 'URL' -X 'DELETE' -H 'authorization: Bearer abc'",
    "a quotation mark": "curl 'URL' --data-raw $'it\\'s'",
    "an exclamation mark": "curl 'URL' --data-raw $'hello\\u0021'",
    "line breaks": "curl 'URL' -H 'content-type: text/plain' --data-raw $'a\\nb\\r\\nc\\td'",
    "a backslash": "curl 'URL' --data-raw $'a\\\\nb\\\\'",
    "letters beyond ASCII": "curl 'URL' -H 'content-type: text/plain' --data-raw 'grüße 中文'",
    "escaped letters": "curl 'URL' -H 'content-type: text/plain' --data-raw $'gr\\u00fc\\u4e2d'",
    "an emoji": f"curl 'URL' -H 'content-type: text/plain' --data-raw '{EMOJI}'",
    "bytes": "curl 'URL' -H 'content-type: application/octet-stream' --data-binary $'\\xff\\xfe\\x01'",
    "multipart": "curl 'URL' -H 'content-type: multipart/form-data; boundary=----WebKitFormBoundaryx' --data-raw "
    '$\'------WebKitFormBoundaryx\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n'
    "------WebKitFormBoundaryx--\\r\\n'",
    "cookies": "curl 'URL' -b 'sid=abc; theme=dark' -H 'x-token: 1'",
    "cookies as a header": "curl 'URL' -H 'Cookie: sid=abc'",
    "double quotes": 'curl "URL" -H "x-a: \\"b\\" \\$c" -d "a=1&b=2"',
    "several -d": "curl 'URL' -d a=1 -d b=2",
    "a form": "curl 'URL' --data-urlencode 'q=a b&c' --data-urlencode 'x=1'",
    "-G": "curl -G 'URL' -d a=1 --data-urlencode 'b=c d'",
    "-G with a query": "curl -G 'URL?x=1' -d a=1",
    "--json": "curl --json '{}' URL",
    "letters together": "curl -sSLkX PATCH URL -HX-Token:1 -da",
    "a user": "curl -u user:pass URL",
    "a referer and an agent": "curl -e https://a.example/ -A agent URL",
    "a head": "curl -I URL",
    "an option for the address": "curl --request POST --url URL --header 'X-A: 1' --data ''",
    "an empty header": "curl URL -H 'X-Empty;'",
    "a header taken out": "curl URL -H 'Accept:' -H 'X-A: 1'",
    "no scheme": "curl BARE",
    "brackets and -g": "curl -g 'URL?a[0]={b}'",
    "brackets that are escaped": "curl 'URL?a\\[0\\]=\\{b\\}\\c'",
    "a caret before a quotation mark": "curl 'URL' -H 'content-type: application/json' --data-raw '{\"a\":\"^\"}'",
    "bytes of one letter": "curl 'URL' -H 'x-name: caf\\xe9' --data-raw $'caf\\xe9'",
}
CMD = {
    "a GET for cmd": 'curl ^"URL^" ^\n  -H ^"accept: application/json^" ^\n  --compressed',
    "JSON for cmd": 'curl ^"URL^" ^\n  -H ^"content-type: application/json^" ^\n'
    '  --data-raw ^"^{^\\^"a^\\^":^\\^"b ^& c^\\^"^}^"',
    "a line break for cmd": 'curl ^"URL^" ^\n  -H ^"content-type: text/plain^" ^\n  --data-raw ^"a^\n\nb^"',
    "backslashes for cmd": 'curl ^"URL^" ^\n  -H ^"content-type: text/plain^" ^\n  --data-raw ^"C:^\\^\\x^\\^\\^"',
    "a percent sign for cmd": 'curl ^"URL^" ^\n  -H ^"content-type: text/plain^" ^\n  --data-raw ^"100^%^"',
}
# What cmd and Windows make of the above, as curl gets it: there is no Windows here to ask.
AS_POSIX = {
    "a GET for cmd": "curl 'URL' -H 'accept: application/json'",
    "JSON for cmd": "curl 'URL' -H 'content-type: application/json' --data-raw '{\"a\":\"b & c\"}'",
    "a line break for cmd": "curl 'URL' -H 'content-type: text/plain' --data-raw $'a\\nb'",
    "backslashes for cmd": "curl 'URL' -H 'content-type: text/plain' --data-raw 'C:\\\\x\\'",
    "a percent sign for cmd": "curl 'URL' -H 'content-type: text/plain' --data-raw '100%'",
}

# The doctor names itself where a command does not, and is told the origin here.
OF_THE_DOCTOR = ("USER_AGENT", "ACCEPT", "ORIGIN")


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[Recorded]]]:
    with recording() as found:
        yield found


def asked_by_doctor(command: str, *options: str) -> Any:
    arguments = ["--curl", command, "--origin", "https://app.example.com", "--no-hazards", "--json", *options]
    result = CliRunner().invoke(doctor, arguments)
    assert result.exit_code in (0, 1, 2), result.exception
    return json.loads(result.output)["runs"][0]


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="NOT TESTED: there is no curl, or no bash"
)
@pytest.mark.parametrize("name", [*POSIX, *CMD])
def test_the_doctor_sends_what_curl_sends(name: str, recorder: tuple[str, list[Recorded]], tmp_path: Path) -> None:
    url, seen = recorder
    command, by_curl = (POSIX | CMD)[name], (POSIX | AS_POSIX)[name]

    def addressed(text: str) -> str:
        return text.replace("URL", url).replace("BARE", url.removeprefix("http://"))

    quiet = addressed(by_curl).replace("curl", "curl --http1.1 --output /dev/null --silent --show-error", 1)
    subprocess.run(["bash", "-c", quiet], check=True, cwd=tmp_path, timeout=60)
    expected = seen.pop()
    found = asked_by_doctor(addressed(command), "--send")
    assert found["cause"] is None
    own = [request for request in seen if not request.is_preflight]
    assert len(own) == 1
    assert own[0].without(*OF_THE_DOCTOR) == expected.without(*OF_THE_DOCTOR)


@pytest.mark.parametrize("name", [*POSIX, *CMD])
def test_without_send_only_safe_methods_go_out(name: str, recorder: tuple[str, list[Recorded]]) -> None:
    url, seen = recorder
    command = (POSIX | CMD)[name].replace("URL", url).replace("BARE", url.removeprefix("http://"))
    CliRunner().invoke(doctor, ["--curl", command, "--origin", "https://app.example.com"])
    assert {method for method, *_ in seen} <= SAFE_METHODS
    assert seen


def test_the_preflight_is_that_of_the_page_and_not_of_the_browsers_own_headers(
    recorder: tuple[str, list[Recorded]],
) -> None:
    url, seen = recorder
    command = (
        f"curl '{url}' -H 'User-Agent: Mozilla/5.0' -H 'Accept-Language: de' -H 'Cache-Control: no-cache' -H "
        "'Pragma: x' "
        "-H 'sec-ch-ua: x' -H 'DNT: 1' -H 'Priority: u=1' -H 'Cookie: sid=abcdefgh' -H 'X-Token: 1' "
        "-H 'Origin: https://shop.example.com' -H 'Referer: https://shop.example.com/cart'"
    )
    result = CliRunner().invoke(doctor, ["--curl", command, "--no-hazards"])
    assert result.exit_code == 0, result.output
    preflight, request, *_ = seen
    assert preflight[2]["ACCESS_CONTROL_REQUEST_HEADERS"] == "x-token"
    assert preflight[2]["ORIGIN"] == "https://shop.example.com"
    assert "COOKIE" not in preflight[2]
    assert request[2]["COOKIE"] == "sid=abcdefgh"
    assert request[2]["USER_AGENT"] == "Mozilla/5.0"
    assert "sid=abcdefgh" not in result.output


@pytest.mark.parametrize("form", ["a file", "standard input", "the text"])
def test_the_command_comes_from_a_file_from_standard_input_or_as_text(
    form: str, recorder: tuple[str, list[Recorded]], tmp_path: Path
) -> None:
    url, seen = recorder
    command = f"curl '{url}there' -H 'X-A: 1'"
    (tmp_path / "copied.txt").write_text(command)
    source = {"a file": str(tmp_path / "copied.txt"), "standard input": "-", "the text": command}[form]
    arguments = ["--curl", source, "--origin", "https://app.example.com", "--no-hazards"]
    assert CliRunner().invoke(doctor, arguments, input=command).exit_code == 0
    assert {target for _, target, *_ in seen} == {"/there"}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("wget http://127.0.0.1/", "does not begin with curl", id="another program"),
        pytest.param("curl", "names no address", id="no address"),
        pytest.param("curl 'http://a' ;\ncurl 'http://b'", "several commands", id="all as cURL"),
        pytest.param('curl ^"http://a^" &\r\ncurl ^"http://b^"', "several commands", id="all as cURL for cmd"),
        pytest.param("curl http://a http://b", "more than one address", id="two addresses"),
        pytest.param("curl http://a -H", "nothing follows -H", id="nothing after an option"),
        pytest.param("curl http://a --data", "nothing follows --data", id="nothing after a long option"),
        pytest.param("curl http://a --frobnicate", "--frobnicate, which is not known", id="an unknown option"),
        pytest.param("curl http://a -sZ", "-Z, which is not known", id="an unknown letter"),
        pytest.param("curl 'http://a", "quotation mark is not closed", id="an open quotation mark"),
        pytest.param('curl ^"http://a', "quotation mark is not closed", id="an open quotation mark for cmd"),
        pytest.param("curl http://a -d @secret.txt", "reads a file", id="a body from a file"),
        pytest.param("curl http://a --data-binary @x", "reads a file", id="a binary body from a file"),
        pytest.param("curl http://a --data-urlencode n@x", "reads a file", id="a form from a file"),
        pytest.param("curl http://a -b cookies.txt", "reads a file", id="cookies from a file"),
        pytest.param("curl http://a -H @x", "reads a file", id="headers from a file"),
        pytest.param("curl 'http://a/?b[0]=1'", "several addresses", id="brackets that curl would expand"),
        pytest.param("curl 'http://{a,b}/'", "several addresses", id="braces that curl would expand"),
        pytest.param("curl http://a -F a=@x", "boundary of its own", id="a multipart body of curl's"),
        pytest.param("curl http://a -d $'\\ud800'", "a character that there is not", id="half a character"),
    ],
)
def test_what_is_no_command_of_a_page_is_said_in_words(command: str, says: str) -> None:
    with pytest.raises(CurlError, match=says):
        read_curl(command)
    result = CliRunner().invoke(doctor, ["--curl", command, "--origin", "https://app.example.com"])
    assert result.exit_code == 2
    assert "Error: --curl: " in result.output or "cannot be read" in result.output


def test_a_command_that_is_not_understood_shows_no_secret() -> None:
    secret = "s3cr3t-0123456789"
    for command in (
        f"curl http://a -H 'Authorization: {secret}' --frobnicate",
        f"curl http://a -H 'X: {secret}",
        f"curl http://a --user=me:{secret}",
        f"curl ftp://me:{secret}@a/",
        f"curl ftp://me:x@{secret}@a/",
        f"curl 'http:///?token={secret}'",
        f"curl http://a -H 'Origin: https://me:{secret}@app.example.com'",
    ):
        result = CliRunner().invoke(
            doctor, ["--curl", command] + ([] if "Origin" in command else ["--origin", "https://app.example.com"])
        )
        assert result.exit_code == 2
        assert secret not in result.output


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        pytest.param('curl ^"http://a.test/^" -d ^"', "a\\", 'x^"', id="backslashes for cmd"),
        pytest.param("curl http://a.test/ -d $'", "\\x41", "'", id="escapes"),
        pytest.param("curl http://a.test/ -d ", "'x'", "", id="many quotation marks"),
        pytest.param("curl http://a.test/ -", "s", "", id="many letters"),
        pytest.param("curl http://a.test/ ", "-H a:b --json 1 ", "", id="many bodies"),
    ],
)
def test_a_long_command_takes_time_in_proportion(begin: str, piece: str, end: str) -> None:
    """Two million characters; in proportion to their square it would be minutes."""
    start = time.perf_counter()
    assert read_curl(begin + piece * (2_000_000 // len(piece)) + end).url == "http://a.test/"
    assert time.perf_counter() - start < 20


@pytest.mark.skipif(not shutil.which("bash"), reason="NOT TESTED: there is no bash")
@pytest.mark.parametrize(
    "text",
    [
        "a 'b c' \"d e\" f\\ g",
        "'a'\"b\"c$'d'",
        '"a\\"b\\\\c\\d\\$e"',
        "$'\\x41\\101\\u0041\\U00000041\\e[0m\\a\\b\\f\\v\\?\\q'",
        "a \\\n b",
        "'a\nb' \"c\nd\"",
        "'' \"\" $''",
        "a\\\nb",
    ],
)
def test_words_are_what_bash_makes_of_them(text: str) -> None:
    script = f'for word in {text}; do printf "%s\\0" "$word"; done'
    output = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    expected = [word.decode("utf-8", "surrogateescape") for word in output.split(b"\0")[:-1]]
    assert split_command(text) == expected
