"""What uWSGI needs: a thread, and a hook, since it forks without telling Python."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from live.conftest import origins_of
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors.live import LivePolicies

A, B = "https://a.example", "https://b.example"


@pytest.fixture
def uwsgi(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that uWSGI puts into its processes."""

    class Module:
        opt: dict[Any, Any]

    Module.opt = {"http": b":8000"}
    monkeypatch.setitem(sys.modules, "uwsgi", Module)  # type: ignore[arg-type]
    return Module


@pytest.mark.parametrize("option", ["enable-threads", b"threads"])
def test_without_threads_it_is_refused_with_the_name_of_the_option(
    option: str | bytes, uwsgi: Any, memory: MemoryStore
) -> None:
    with pytest.raises(RuntimeError, match="enable-threads"):
        LivePolicies(memory)
    uwsgi.opt[option] = True
    LivePolicies(memory).close()


def test_its_hook_is_taken_once_and_one_that_is_there_is_kept(uwsgi: Any, memory: MemoryStore) -> None:
    uwsgi.opt["threads"] = b"4"
    LivePolicies(memory).close()
    first = uwsgi.post_fork_hook
    LivePolicies(memory).close()
    assert uwsgi.post_fork_hook is first
    called: list[str] = []
    uwsgi.post_fork_hook = lambda: called.append("of the application")
    for _ in range(3):
        LivePolicies(memory).close()
    uwsgi.post_fork_hook()
    assert called == ["of the application"]


@pytest.mark.parametrize("by_hook", [True, False], ids=["by the hook", "by a request"])
def test_a_fork_that_python_is_not_told_of_is_noticed(by_hook: bool, uwsgi: Any, memory: MemoryStore) -> None:
    """Python is told here, since the test forks by Python; so the follower is taken away from what it was told."""
    uwsgi.opt["threads"] = b"4"
    memory.put("shop", {"allow_origins": [A]})
    with LivePolicies(memory, max_staleness=0.2) as policies:
        assert policies.wait_ready(LONG)
        follower = policies._follower
        policies._process -= 1  # as in a child
        policies._health._lock.acquire()  # as the follower may have held it
        if by_hook:
            uwsgi.post_fork_hook()
            assert policies._follower is not follower
        memory.put("shop", {"allow_origins": [B]})
        follower.stop()  # type: ignore[union-attr]
        follower.join(LONG)  # type: ignore[union-attr]
        until(lambda: origins_of(policies, "shop") == (B,))
        assert policies._process == os.getpid()
