"""How a browser reads header lines: #concept-header-list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors.browser import HeaderLines, Received, SentRequest
from corecors.browser.header_lines import split_value

LINES = HeaderLines([("X-A", " 1\t"), ("Vary", "Origin"), ("x-a", ""), ("X-a", "2, 3")])


def test_lines_of_a_name_are_read_in_any_case_and_in_order() -> None:
    assert LINES.lines("x-A") == ["1", "", "2, 3"]
    assert LINES.lines("X-B") == []


def test_get_joins_the_lines_and_tells_absent_from_empty() -> None:
    assert LINES.get("X-A") == "1, , 2, 3"
    assert LINES.get("X-B") is None
    assert HeaderLines([("X-B", "")]).get("x-b") == ""


def test_without_drops_every_line_of_a_name() -> None:
    assert LINES.without("x-a") == (("Vary", "Origin"),)
    assert isinstance(LINES.without("x-a"), HeaderLines)


def test_split_reads_all_lines_as_one_value() -> None:
    assert LINES.split("X-A") == ["1", "", "2", "3"]
    assert HeaderLines([("X-A", '"a'), ("X-A", 'b", c')]).split("X-A") == ['"a, b"', "c"]
    assert LINES.split("X-B") == []


def test_header_lines_are_equal_to_the_pairs_that_they_are() -> None:
    assert tuple(LINES) == LINES
    assert hash(Received(200, list(LINES))) == hash(Received(200, LINES))
    assert Received(200, iter(LINES)) == Received(200, LINES)


def test_both_messages_read_their_lines_alike() -> None:
    sent = SentRequest(method="GET", url="https://api.example/", headers=LINES)
    assert sent.get("X-A") == Received(200, LINES).get("X-A") == LINES.get("X-A")


@pytest.mark.parametrize(
    ("value", "values"),
    [
        # the standard's own table, at #header-value-get-decode-and-split
        pytest.param("nosniff,", ["nosniff", ""], id="a comma at the end"),
        pytest.param("", [""], id="nothing"),
        pytest.param('text/html;", x/x', ['text/html;", x/x'], id="a quotation mark that is never closed"),
        pytest.param('text/html;", x/x", a', ['text/html;", x/x"', "a"], id="a quoted comma"),
        pytest.param(' \ta , "b" c ', ["a", '"b" c'], id="white space around, text after a quotation"),
        pytest.param("\na", ["\na"], id="other white space stays"),
        pytest.param(r'"a\", b", c', [r'"a\", b"', "c"], id="an escaped quotation mark"),
        pytest.param('"a\\', ['"a\\'], id="a backslash at the end of an open quotation"),
        pytest.param(r"a\,b", ["a\\", "b"], id="a backslash outside of quotation marks"),
        pytest.param('"a""b,c",', ['"a""b,c"', ""], id="two quotations"),
        pytest.param(",,", ["", "", ""], id="commas alone"),
    ],
)
def test_a_value_is_split_at_commas_outside_of_quotation_marks(value: str, values: list[str]) -> None:
    assert split_value(value) == values


def naive_split(value: str) -> list[str]:
    """The standard's steps, one after the other: #header-value-get-decode-and-split."""
    position, values, temporary = 0, [], ""
    while True:
        while position < len(value) and value[position] not in '",':
            temporary += value[position]
            position += 1
        if position < len(value) and value[position] == '"':
            temporary += '"'
            position += 1
            while position < len(value):
                code = value[position]
                temporary += code
                position += 1
                if code == "\\" and position < len(value):
                    temporary += value[position]
                    position += 1
                elif code == '"':
                    break
            if position < len(value):
                continue
        values.append(temporary.strip("\t "))
        temporary = ""
        if position >= len(value):
            return values
        assert value[position] == ","
        position += 1


@given(st.text(alphabet='ab",\\ \t\n') | st.text())
def test_splitting_does_as_the_steps_of_the_standard(value: str) -> None:
    assert split_value(value) == naive_split(value)


def test_a_value_of_a_megabyte_is_split_in_one_pass() -> None:
    assert len(split_value('"' + '\\"' * 500_000)) == 1
    assert len(split_value('",' * 500_000)) == 250_001
