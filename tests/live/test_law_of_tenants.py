"""The law of tenants: a request is answered under its own tenant's policy, in one version, whatever its host is.

The hosts are made by hypothesis, and what tenant one belongs to is told by a second, slower reading of it.
CORECORS_EXAMPLES is their number: 20,000 before a release.
"""

from __future__ import annotations

import ipaddress
import json
import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors import CORSRequest, Place, Policy
from corecors.live import LivePolicies

EXAMPLES = int(os.environ.get("CORECORS_EXAMPLES", "2000"))
NAMES = [
    *(
        "a.example",
        "b.example",
        "ab.example",
        "a.b.example",
        "example",
        "xn--a-1ga.example",
        "a-.example",
        "a_b.example",
    ),
    *("localhost", "127.0.0.1", "127.0.0.2", "[::1]", "[2001:db8::1]", "80", "a.example.b.example"),
]
ORIGINS = {name: f"https://of-{number}.example" for number, name in enumerate(NAMES)}


def tenant_of(host: str) -> str | None:
    """Whose host it is, read character by character and with the standard library's addresses; None: nobody's."""
    lowered = "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in host)
    if lowered.startswith("["):
        address, bracket, port = lowered[1:].partition("]")
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            return None
        name = f"[{address}]"
        if not bracket or (port and not port.startswith(":")):
            return None
        port = port[1:]
    else:
        name, _, port = lowered.partition(":")
        name = name[:-1] if name.endswith(".") else name
    if not all(char in "0123456789" for char in port) or len(port) > 5:
        return None
    return name if name in ORIGINS else None


@pytest.fixture(scope="module")
def policies() -> Iterator[LivePolicies]:
    store = MemoryStore()
    for name, origin in ORIGINS.items():
        store.put(name, {"allow_origins": [origin]})
    with LivePolicies(store, max_staleness=60.0) as made:
        assert made.wait_ready(LONG)
        assert made.status().tenants == len(NAMES)
        yield made


def case_of(text: str, flips: list[bool]) -> str:
    return "".join(c.upper() if flip else c for c, flip in zip(text, flips * len(text), strict=False))


HOSTS = st.one_of(
    st.builds(
        lambda name, flips, dot, port, before, after: before + case_of(name, flips) + dot + port + after,
        st.sampled_from(NAMES),
        st.lists(st.booleans(), min_size=1, max_size=5),
        st.sampled_from(["", "", ".", "..", "\u3002"]),
        st.one_of(
            st.just(""), st.integers(0, 99_999).map(lambda port: f":{port}"), st.sampled_from([":", ":x", ":80:1"])
        ),
        st.sampled_from(["", "", "", " ", "user@", "x.", "a.example,", "//"]),
        st.sampled_from(["", "", "", " ", "\n", "/", ",b.example", ".evil.example", "@b.example", "\u212a"]),
    ),
    st.text(max_size=20),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=3).map(",".join),
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(host=HOSTS, origin=st.sampled_from([*ORIGINS.values(), "null", "https://evil.example"]))
def test_no_request_ever_has_another_tenants_policy(policies: LivePolicies, host: str, origin: str) -> None:
    governing = policies.policy_for(CORSRequest("GET", host=host, origin=origin))
    assert isinstance(governing, Policy)
    tenant = tenant_of(host)
    assert governing.allow_origins == (() if tenant is None else (ORIGINS[tenant],))
    assert governing.allows_origin(origin) == (tenant is not None and ORIGINS[tenant] == origin)
    assert policies.policy_for(Place(host, "/", path_is_ambiguous=False)) is governing


def test_no_request_ever_sees_a_mixture_of_two_versions() -> None:
    """Readers ask while a writer changes every tenant, one by one and all at once; what they see is one version, never
    an older one than they saw before, and their own tenant's."""
    store = MemoryStore()
    names = [f"t{number}" for number in range(20)]

    def record(name: str, version: int) -> dict[str, list[str]]:
        return {"allow_origins": [f"https://{part}-{version}.{name}.example" for part in ("a", "b", "c")]}

    for name in names:
        store.put(name, record(name, 0))
    faults: list[str] = []
    done = threading.Event()

    def read(name: str, policies: LivePolicies) -> None:
        last = 0
        while not done.is_set():
            found = policies.policy_for(CORSRequest("GET", host=name))
            assert isinstance(found, Policy)
            version = int(found.allow_origins[0].partition(".")[0].partition("-")[2])
            if list(found.allow_origins) != record(name, version)["allow_origins"] or version < last:
                faults.append(f"{name} at {last}: {found}")
            last = version

    with LivePolicies(store, max_staleness=0.1) as policies:
        assert policies.wait_ready(LONG)
        readers = [threading.Thread(target=read, args=(name, policies)) for name in names[:4]]
        for reader in readers:
            reader.start()
        try:
            for version in range(1, 60):
                if version % 3:
                    for name in names:
                        store.put(name, record(name, version))
                else:
                    store.restore({name: record(name, version) for name in names})
                current = store.version
                policies.look_now()
                until(lambda current=current: policies.status().version == current)  # type: ignore[misc]
        finally:
            done.set()
            for reader in readers:
                reader.join()
    assert faults == []


@settings(max_examples=300)
@given(
    texts=st.lists(
        st.one_of(
            st.text(max_size=30),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                max_leaves=8,
            ).map(json.dumps),
            st.lists(st.text(max_size=12), max_size=3).map(lambda origins: json.dumps({"allow_origins": origins})),
        ),
        max_size=8,
    )
)
def test_whatever_a_store_holds_no_other_tenant_notices(texts: list[str]) -> None:
    from corecors.live.sources import Update
    from corecors.live.state import State

    state = State(Policy(), lambda name: None)
    good = '{"allow_origins":["https://good.example"]}'
    rows = [("good", good), *((f"t{number}", text) for number, text in enumerate(texts))]
    told: list[str] = []
    state.apply(Update("1", rows, everything=True), lambda: None, lambda tenant, problems: told.append(tenant))
    assert state.entries["good"].text == good
    assert sorted(told) == sorted(state.bad)
    for tenant, text in rows:
        if tenant in state.entries:
            assert state.entries[tenant].text == text
            assert state.policy_of(state.entries[tenant]).allow_origins == tuple(json.loads(text)["allow_origins"])
        else:
            assert tenant in state.bad
