"""Names of a policy that are words of a proxy's configuration: they stay names."""

from __future__ import annotations

import pytest

from corecors import Policy
from proxies.kinds import KINDS, ProxyKind
from proxies.upstream import Upstream
from servers.processes import ServerError

ORIGIN = ("Origin", "https://app.example.com")
# Flags of HAProxy's acl; a default, and the sign of an expression, of Caddy's map; what others have.
WORDS = [
    "-f", "-i", "-m", "-M", "-n", "-u", "--", "default", "~.+", "~.", "~GE.", "hostnames", "include", "volatile", "!",
    "#", "&&", "`", "early", "if", "unless", "or", "$1", "%1", "%%", "expr", "null", "!~", "~", "-",
]  # fmt: skip


def asked(word: str) -> list[tuple[str, str]]:
    return [ORIGIN, ("Access-Control-Request-Method", word), ("Access-Control-Request-Headers", f"x-{word}".lower())]


def test_a_name_that_is_a_word_of_the_configuration_is_a_name(kind: ProxyKind, upstream: Upstream) -> None:
    words = [word for word in WORDS if not kind.cannot_carry(word)]
    policies = [
        Policy(allow_origins=[ORIGIN[1]], allow_methods=[word], allow_headers=[f"x-{word}"], expose_headers=[word])
        for word in words
    ]
    names = [f"x-{word}" for word in words]
    debugging = Policy(allow_origins=[ORIGIN[1]], allow_methods=words, allow_headers=names, debug=True)
    wrong = []
    with kind.with_policies([*policies, debugging], upstream.port) as proxy:
        failing = proxy.ask(len(words), "OPTIONS", "/", [*asked("GET")[:2], *asked("unlisted")[2:]])
        assert failing.header("Access-Control-Allow-Methods") == ", ".join(debugging.allow_methods)
        assert failing.header("Access-Control-Allow-Headers") == ", ".join(debugging.allow_headers)
        for number, word in enumerate(words):
            answer = proxy.ask(number, "GET", "/", [ORIGIN])
            if word not in [each.strip() for each in answer.header("Access-Control-Expose-Headers").split(",")]:
                wrong.append((word, "exposed", answer.headers))
            for other in dict.fromkeys([word, "-", "i", "DELETE", "PUT", word.swapcase(), *words]):
                status = proxy.ask(number, "OPTIONS", "/", [*asked(word)[:1], *asked(other)[1:2]]).status
                if status != (204 if other in (word, "GET", "HEAD", "POST") else 403):
                    wrong.append((word, other, status))
            if proxy.ask(number, "OPTIONS", "/", asked(word)).status != 204:
                wrong.append((word, "with a header", 403))
    assert wrong == []
    assert len(words) > 1


def test_a_second_policy_with_the_same_variables_does_not_start(upstream: Upstream) -> None:
    # nginx would have answered for both by the last of them.
    (nginx,) = (kind.insisted() for kind in KINDS if kind.name == "nginx")
    policies = [Policy(allow_origins=["https://strict.example"]), Policy(allow_origins=["*"])]
    with nginx.with_policies(policies, upstream.port) as proxy:
        assert proxy.ask(0, "GET", "/", [ORIGIN]).header("Access-Control-Allow-Origin") is None
        assert proxy.ask(1, "GET", "/", [ORIGIN]).header("Access-Control-Allow-Origin") == "*"

    def same(text: str) -> str:
        return text.replace("p1_", "p0_")

    with (
        pytest.raises(ServerError, match='duplicate "log_format" name "p0_policy"'),
        nginx.with_policies(policies, upstream.port, same),
    ):
        pass
