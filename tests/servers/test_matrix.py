"""The page of the matrix: it counts what was right, shows what was not, and keeps the part that another run wrote."""

from scenarios import SCENARIOS

from servers.matrix import Place, is_complete, page, part

WRONG = SCENARIOS[7]


def seen(*, wrong: bool) -> dict[Place, list[str]]:
    found = {Place(scenario.name, "flask", "gunicorn"): list[str]() for scenario in SCENARIOS}
    if wrong:
        found[Place(WRONG.name, "flask", "gunicorn")] = ["status 500 instead of 200", "no answer"]
    return found


def test_a_failure_is_shown_where_there_was_one() -> None:
    text = part("WSGI", seen(wrong=True), {}, ["flask"], ["gunicorn"])
    assert f"| gunicorn | {len(SCENARIOS) - 1} of {len(SCENARIOS)} |" in text
    assert f"- gunicorn, flask, {WRONG.name}: status 500 instead of 200; no answer\n" in text
    assert "Every answer" not in text


def test_where_there_was_none_it_says_so() -> None:
    text = part("WSGI", seen(wrong=False), {}, ["flask"], ["gunicorn"])
    assert f"| gunicorn | {len(SCENARIOS)} of {len(SCENARIOS)} |" in text
    assert "Every answer was the one that was decided." in text


def test_what_a_server_does_not_hand_over_is_not_counted() -> None:
    notes = {("gunicorn", WRONG.request.name): "it is too long"}
    left_out = sum(scenario.request.name == WRONG.request.name for scenario in SCENARIOS)
    text = part("WSGI", seen(wrong=False), notes, ["flask"], ["gunicorn"])
    assert f"| {len(SCENARIOS) - left_out} of {len(SCENARIOS) - left_out} |" in text
    assert f"On gunicorn, not counted: {WRONG.request.name}; it is too long." in text


def test_one_part_is_replaced_and_the_other_kept() -> None:
    asgi = part("ASGI", seen(wrong=False), {}, ["flask"], ["gunicorn"])
    wsgi = part("WSGI", seen(wrong=True), {}, ["flask"], ["gunicorn"])
    both = page(page("", wsgi), asgi)
    assert asgi in both
    assert wsgi in both
    assert page(both, wsgi) == both == page(both, asgi)


def test_a_part_of_the_tests_is_not_a_matrix() -> None:
    assert is_complete(seen(wrong=False), ["flask"], ["gunicorn"])
    assert not is_complete(seen(wrong=False), ["flask"], ["gunicorn", "uwsgi"])
