"""`python -m benchmarks own-policy`: what is measured under the reader's own policy."""

from pathlib import Path

import pytest

from benchmarks import command
from benchmarks.own_policy import cases_of, hits_of, measure_policy
from corecors import Policy

POLICY = Policy(
    allow_origins=[
        "https://app.example.com",
        "https://*.preview.example.com",
        "http://localhost:*",
        "https://*.a.example:*",
    ],
    allow_origin_regexes=[r"https://pr-\d+\.example\.net"],
    allow_methods=["GET", "PUT"],
    allow_headers=["X-B", "X-A"],
)


def test_each_kind_of_entry_has_a_hit_that_the_policy_allows() -> None:
    hits = hits_of(POLICY)
    assert set(hits) == {"hit, exact", "hit, pattern", "hit, pattern, never seen", "hit, any port"}
    for make_origin in hits.values():
        assert POLICY.allows_origin(make_origin() or "")


def test_a_subdomain_that_was_never_seen_is_another_one_each_time() -> None:
    make_origin = hits_of(POLICY)["hit, pattern, never seen"]
    assert make_origin() != make_origin()


def test_an_origin_that_the_reader_gives_is_measured_with_its_own_answer() -> None:
    cases = {case.name: case for case in cases_of(POLICY, ["https://pr-1.example.net", "https://evil.example"])}
    assert cases["https://pr-1.example.net (given)"].allowed
    assert not cases["https://evil.example (given)"].allowed


def test_misses_are_refused_and_the_preflight_asks_for_all_that_is_allowed() -> None:
    cases = {case.name: case for case in cases_of(POLICY)}
    assert not cases["miss, never seen"].allowed
    assert not cases["miss, 8 KiB"].allowed
    request = next(cases["preflight, PUT x-a,x-b"].requests())
    assert (request.method, request.request_method, request.request_headers) == ("OPTIONS", "PUT", "x-a,x-b")


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(Policy(), id="nothing is allowed"),
        pytest.param(Policy(allow_origins=["*"]), id="any origin"),
        pytest.param(Policy(allow_origins=["*"], allow_headers=["*"], allow_methods=["*"]), id="anything"),
        pytest.param(Policy(allow_origin_regexes=[r"https://pr-\d+\.example\.net"]), id="only a regex"),
        pytest.param(POLICY, id="everything at once"),
    ],
)
def test_every_policy_can_be_measured(policy: Policy) -> None:
    text = measure_policy(policy, max_seconds=0)
    assert "miss, never seen" in text
    assert "The most expensive case is" in text


def test_the_command_reads_a_toml_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[cors]\nallow_origins = ["https://app.example.com"]\n')
    command.main(["own-policy", "--policy", str(file), "--seconds", "0"])
    assert "The policy lists 1 exact origins, 0 patterns and 0 regular expressions." in capsys.readouterr().out


def test_a_policy_that_is_none_ends_with_what_is_wrong_with_it(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[cors]\nallow_origins = ["https://app.example.com/"]\n')
    with pytest.raises(SystemExit) as caught:
        command.main(["own-policy", "--policy", str(file)])
    assert "https://app.example.com/" in str(caught.value)
