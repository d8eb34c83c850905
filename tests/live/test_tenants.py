"""Whose request is it?"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

import corecors
from corecors import UNDECIDED, CORSRequest, Place, Policy, Undecided
from corecors.live import LivePolicies, QuerySource, by_host, by_path_segment
from corecors.live.tenants import Tenant, fault_of_host


@pytest.mark.parametrize(
    ("host", "tenant"),
    [
        pytest.param("shop.example.com", "shop.example.com", id="a host as browsers write it"),
        pytest.param("Shop.EXAMPLE.com", "shop.example.com", id="upper case"),
        pytest.param("shop.example.com:8443", "shop.example.com", id="with a port"),
        pytest.param("shop.example.com:", "shop.example.com", id="with an empty port"),
        pytest.param("shop.example.com.", "shop.example.com", id="with a trailing dot"),
        pytest.param("shop.example.com.:80", "shop.example.com", id="with a trailing dot and a port"),
        pytest.param("localhost", "localhost", id="one label"),
        pytest.param("127.0.0.1:5000", "127.0.0.1", id="IPv4"),
        pytest.param("[::1]:5000", "[::1]", id="IPv6 with a port"),
        pytest.param("[2001:DB8::1]", "[2001:db8::1]", id="IPv6 in upper case"),
        pytest.param("", "", id="no Host"),
        pytest.param("a.example,b.example", "", id="two Hosts, joined by a server"),
        pytest.param("a.example, b.example", "", id="two Hosts, joined with a blank"),
        pytest.param("a.example b.example", "", id="a blank within"),
        pytest.param(" a.example", "", id="a blank before"),
        pytest.param("a.example\n", "", id="a line feed behind"),
        pytest.param("user@a.example", "", id="userinfo"),
        pytest.param("a.example/path", "", id="a path"),
        pytest.param("a.example:80:80", "", id="two ports"),
        pytest.param("a.example:port", "", id="a port that is no number"),
        pytest.param("a..example", "", id="an empty label"),
        pytest.param("a." * 126 + "b.:65535", "a." * 126 + "b", id="the longest name that DNS has"),
        pytest.param("a" * 261, "", id="longer than any host"),
        pytest.param(".a.example", "", id="a leading dot"),
        pytest.param("a.example..", "", id="two trailing dots"),
        pytest.param("::1", "", id="IPv6 without brackets"),
        pytest.param("sho\u212a.example", "", id="the Kelvin sign, whose lower case is k"),
        pytest.param("b\xfccher.example", "", id="a byte beyond ASCII"),
    ],
)
def test_by_host_names_the_host_alone(host: str, tenant: str) -> None:
    assert by_host(CORSRequest("GET", host=host)) == tenant


def test_by_host_trusts_nothing_but_the_host() -> None:
    request = CORSRequest("GET", "/other.example/", host="", origin="https://other.example", scheme="https")
    assert by_host(request) == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("shop.example.com", None, id="a host"),
        pytest.param("Shop.example.com", "is not a host as by_host writes it: write 'shop.example.com'", id="case"),
        pytest.param("shop.example.com:80", "is not a host as by_host writes it: write 'shop.example.com'", id="port"),
        pytest.param("https://shop.example", "is not a host as by_host writes it", id="an origin"),
    ],
)
def test_a_name_that_no_request_could_have_is_said_so(name: str, message: str | None) -> None:
    assert fault_of_host(name) == message


@pytest.mark.parametrize(
    ("number", "path", "tenant"),
    [
        pytest.param(1, "/acme/api", "acme", id="the first"),
        pytest.param(2, "/t/acme/api/x/y", "acme", id="the second"),
        pytest.param(1, "/acme", "acme", id="the last"),
        pytest.param(1, "/Acme", "Acme", id="case counts"),
        pytest.param(1, "/", "", id="an empty one"),
        pytest.param(2, "/acme", "", id="one that is not there"),
        pytest.param(1, "*", UNDECIDED, id="OPTIONS *"),
        pytest.param(1, "", UNDECIDED, id="no path"),
    ],
)
def test_by_path_segment_counts_from_1(number: int, path: str, tenant: object) -> None:
    assert by_path_segment(number)(CORSRequest("GET", path)) == tenant


def test_by_path_segment_does_not_guess_about_a_path_that_can_be_read_in_two_ways() -> None:
    assert by_path_segment(1)(CORSRequest("GET", "/acme/../evil", path_is_ambiguous=True)) is UNDECIDED


@pytest.mark.parametrize(
    ("number", "path", "tenant"),
    [
        pytest.param(1, "/acme/api", "acme", id="a path that does not begin with the mount"),
        pytest.param(1, "/m/acme/api", UNDECIDED, id="one that does, counted without it"),
        pytest.param(1, "/m", UNDECIDED, id="the mount itself"),
        pytest.param(2, "/m/acme/api", "acme", id="counted with it"),
        pytest.param(1, "/macme/api", UNDECIDED, id="a segment that begins alike"),
        pytest.param(1, "/evil/m/acme/api", UNDECIDED, id="further down, where Quart cuts it off"),
        pytest.param(2, "/x/evil/m/acme/api", UNDECIDED, id="further down, counted with it"),
        pytest.param(2, "/m", "", id="no segment behind the mount"),
    ],
)
def test_a_mount_is_nobodys_name(number: int, path: str, tenant: object) -> None:
    """Somebody who calls a tenant "m" would be answered for all of the others."""
    assert by_path_segment(number)(CORSRequest("GET", path, mount="/m")) == tenant


@pytest.mark.parametrize("number", [0, -1])
def test_by_path_segment_refuses_what_is_no_number_of_a_segment(number: int) -> None:
    with pytest.raises(ValueError, match="from 1"):
        by_path_segment(number)


@pytest.mark.skipif(corecors.__compiled__, reason="compiled code takes True for 1, and refuses the others by itself")
@pytest.mark.parametrize("number", [True, "1", 1.0])
def test_by_path_segment_refuses_what_is_no_number(number: object) -> None:
    with pytest.raises(ValueError, match="from 1"):
        by_path_segment(number)  # type: ignore[arg-type]


@functools.wraps(by_host)
def _logging(request: CORSRequest) -> str:
    assert request.method
    return by_host(request)


@functools.wraps(by_path_segment(1))
def _logging_segment(request: CORSRequest) -> str:
    assert request.method
    return str(request.origin)


def _by_scheme(request: CORSRequest) -> str:
    return request.scheme


_by_scheme.varies_by_origin = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("tenant", "needs_request", "varies"),
    [
        pytest.param(by_host, False, False, id="by host"),
        pytest.param(by_path_segment(1), False, False, id="by path"),
        pytest.param(lambda request: request.host, True, True, id="a function of the application's"),
        pytest.param(_by_scheme, True, False, id="one that says that it never looks at Origin"),
        pytest.param(_logging, True, True, id="one that looks like by_host"),
        pytest.param(_logging_segment, True, True, id="one that looks like a segment"),
    ],
)
def test_what_a_function_may_look_at(tenant: Tenant, needs_request: bool, varies: bool) -> None:
    """A `Place` is enough, and caches need not keep answers apart, only where it is known."""
    policies = LivePolicies(QuerySource(dict), tenant=tenant)
    assert policies.needs_request is needs_request
    assert policies.varies_by_origin is varies


def test_what_a_subclass_chooses_counts() -> None:
    class Own(LivePolicies):  # type: ignore[misc]  # it is final for whoever checks types
        def policy_for(self, request: CORSRequest | Place) -> Undecided:
            return UNDECIDED

    assert Own(QuerySource(dict)).policy_for(CORSRequest("GET", host="a.example")) is UNDECIDED


def test_the_default_stays_as_it_was_given(follow: Callable[..., LivePolicies]) -> None:
    """A request would not notice another one, so it cannot be set."""
    given = Policy(allow_origins=["https://app.example.com"])
    policies = follow(QuerySource(dict), default=given)
    assert policies.default is given
    with pytest.raises(AttributeError):
        policies.default = Policy()  # type: ignore[misc]
    assert policies.policy_for(CORSRequest("GET", host="a.example")) is given


@pytest.mark.parametrize("tenant", [by_host, by_path_segment(1)])
@pytest.mark.parametrize(
    "place",
    [
        Place("Shop.example.com:8443", "/acme/api", path_is_ambiguous=False),
        Place("shop.example.com, evil.example", "*", path_is_ambiguous=False),
        Place("", "/acme/../evil", path_is_ambiguous=True),
    ],
)
def test_a_place_belongs_to_whom_the_request_belongs(tenant: Tenant, place: Place) -> None:
    assert tenant(place) == tenant(CORSRequest("GET", place.path, place.path_is_ambiguous, host=place.host))  # type: ignore[arg-type]
