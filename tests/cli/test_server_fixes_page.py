"""docs/server-fixes.md is what the doctor says of each kind of server that it knows."""

from server_fixes import PAGE, text

from corecors.cli.servers import SOFTWARE


def test_the_page_is_what_the_doctor_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "write it: python website/server_fixes.py"


def test_every_kind_of_server_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [software.name for software in SOFTWARE if software.name.removeprefix("a ") not in page] == []
