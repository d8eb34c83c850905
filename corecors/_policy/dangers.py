"""What is dangerous: refused with credentials unless it is said by name, and else a warning of `corecors lint`."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from corecors._decisions import headers
from corecors._origins.errors import Fault
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._origins.public_suffixes import knows_public_suffixes
from corecors._policy.problems import Problem

if TYPE_CHECKING:
    from corecors._policy.policy import Policy

CHROMIUM_MAX_AGE = 7_200  # seconds for which a preflight's answer is kept at most
WEBKIT_MAX_AGE = 600


def danger_of_pattern(pattern: OriginPattern, allow_insecure: bool, allow_public_suffixes: bool) -> Fault | None:
    """Why an entry of `allow_origins` is refused with credentials, if so."""
    origin = pattern.origin
    if origin.is_loopback:
        return None
    if origin.scheme == "http" and not allow_insecure:
        message = "is plain http with credentials: anyone on the network in between can be that origin; use https"
        return Fault("insecure-origin", message)
    if pattern.is_open_to_anyone and not allow_public_suffixes:
        note = "" if knows_public_suffixes() else " (few public suffixes are known: install corecors[psl])"
        message = (
            f"allows, with credentials, names that anyone can register below {origin.host}{note}; name your own domain"
        )
        return Fault("public-suffix", message)
    return None


def warnings(source: object) -> tuple[Problem, ...]:
    """What a policy may be, for it was accepted, and rarely intends: problems of the severity "warning".

    source: a policy, policies by path, or tiers, whose warnings say where they stand: "/api/: allow_origins". Of any
    other source nothing is known.
    """
    from corecors._policy.paths import PathPolicies
    from corecors._policy.policy import Policy
    from corecors._policy.tiers import OriginPolicies

    if isinstance(source, Policy):
        found = [*_about_origins(source), *_about_regexes(source), *_about_names(source), *_about_the_rest(source)]
        return tuple(problem._replace(severity="warning") for problem in found)
    inner: dict[str, object] = {}
    if isinstance(source, PathPolicies):
        inner = {**source.policies, "default": source.default}
    elif isinstance(source, OriginPolicies):
        inner = {f"tier {number}": policy for number, policy in enumerate(source.policies, start=1)}
    return tuple(
        problem._replace(field=f"{label}: {problem.field}")
        for label, each in inner.items()
        for problem in warnings(each)
    )


def _about_origins(policy: "Policy") -> Iterator[Problem]:
    field = "allow_origins"
    sources = (policy.allow_origins, policy.allow_origin_regexes, policy.allow_origin_predicate)
    if not any(sources) and not policy.dangerously_allow_null_origin:
        yield Problem(field, [], "no-origins", "is empty: no origin is allowed at all; name the origins")
    has_wildcards = False
    for text in policy.allow_origins:
        if text == headers.WILDCARD:
            continue
        pattern = parse_pattern(text)
        if pattern.origin.is_loopback:
            continue
        has_wildcards = has_wildcards or pattern.has_wildcard_host
        if pattern.origin.scheme == "http":
            message = "is plain http: anyone on the network in between can be that origin; use https"
            yield Problem(field, text, "insecure-origin", message)
        if pattern.is_open_to_anyone:
            message = f"allows names that anyone can register below {pattern.origin.host}; name your own domain"
            yield Problem(field, text, "public-suffix", message)
        if pattern.any_port:
            message = "trusts whatever listens on any port of that host; name the ports"
            yield Problem(field, text, "any-port", message)
    if policy.allow_credentials and has_wildcards and not knows_public_suffixes():
        message = (
            "has wildcards with credentials, and nothing here knows the public suffixes (such as co.uk or github.io), "
            "below which anyone can register a domain; install corecors[psl]"
        )
        yield Problem(field, list(policy.allow_origins), "public-suffixes-unknown", message)


def _about_regexes(policy: "Policy") -> Iterator[Problem]:
    if not policy.allow_origin_regexes:
        return
    from corecors._origins.regex.compiling import warnings_for  # large, and most policies have no regexes

    for regex in policy.allow_origin_regexes:
        source = regex if isinstance(regex, str) else regex.pattern
        for message in warnings_for(regex):
            yield Problem("allow_origin_regexes", source, "wide-regex", f"{message}; narrow it, or list patterns")


def _about_names(policy: "Policy") -> Iterator[Problem]:
    field = "allow_methods"
    for name in policy.allow_methods:
        if name == headers.PREFLIGHT_METHOD:
            yield Problem(
                field, name, "needless-entry", "is not needed: a preflight needs no permission of its own", ()
            )
        elif re.fullmatch("[a-z]+", name):
            yield Problem(field, name, "method-case", "is in lower case; method names are case-sensitive", name.upper())
    listed = headers.SAFELISTED_METHODS.intersection(policy.allow_methods)
    if listed and "POST" not in listed:
        # Fetch, "CORS-safelisted method": browsers send these three without asking.
        message = (
            "does not keep POST out: browsers send GET, HEAD and POST to another origin without asking for the method; "
            "answer 405 in the application, or turn block_disallowed on"
        )
        yield Problem(field, list(policy.allow_methods), "post-passes", message)
    field = "allow_headers"
    if policy.allow_headers == (headers.WILDCARD,) and not policy.allow_credentials:
        message = "does not cover Authorization: a preflight that asks for it is refused; name the headers, or add it"
        yield Problem(field, headers.WILDCARD, "no-authorization", message, (headers.WILDCARD, "Authorization"))
    elif headers.WILDCARD in policy.allow_headers:
        yield Problem(field, headers.WILDCARD, "any-header", "allows every header; name the headers")
    for name in policy.expose_headers:
        if name.lower() in headers.SAFELISTED_RESPONSE_HEADER_NAMES:
            yield Problem("expose_headers", name, "needless-entry", "is readable without being exposed", ())


def _about_the_rest(policy: "Policy") -> Iterator[Problem]:
    if policy.max_age is not None and policy.max_age > CHROMIUM_MAX_AGE:
        message = (
            f"is longer than most browsers keep an answer: Chromium {CHROMIUM_MAX_AGE:,} s, WebKit {WEBKIT_MAX_AGE} s"
        )
        yield Problem("max_age", policy.max_age, "max-age-capped", message)
    if policy.dangerously_allow_null_origin:
        message = "allows any site, from a sandboxed frame; give the page an origin of its own"
        yield Problem("dangerously_allow_null_origin", True, "null-origin", message, False)
    if policy.debug:
        yield Problem("debug", True, "debug", "shows the lists to anyone who asks; turn it off in production", False)
