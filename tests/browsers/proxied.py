"""The API behind a proxy that its policies were exported to: the browser's requests are noted, then sent to the proxy.

A recorder stands in front, for a proxy answers preflights itself and would keep them to itself. It hands on what the
browser sent and what the proxy answered, line by line, and says nothing of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from corecors.export import ExportError, render
from proxies.kinds import Proxy, ProxyKind

from .adapted import Api, Serve
from .api import api
from .case import Case
from .sites import ApiServer, serving

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


def applies(case: Case, kind: ProxyKind, the: Api) -> bool:
    """Whether the case is about a policy that this proxy can say, and about methods that it carries."""
    if case.policy is None or any(kind.cannot_carry(act.method.upper()) for act in case.acts):
        return False
    try:
        render(the.policy(case), kind.name)
    except ExportError:
        return False
    return True


def in_proxy(kind: ProxyKind) -> Serve:
    """A policy for each case, in one proxy before one application."""

    @contextmanager
    def serve(the: Api) -> Iterator[int]:
        server = ApiServer(the.journal)
        policies = [the.policy(case) for case in the.cases]
        with serving(api, the.failures) as upstream, kind.with_policies(policies, upstream) as proxy:
            for number, case in enumerate(the.cases):
                server.apps[case.slug] = handing_on(proxy, number)
            with serving(server, the.failures, the.tls) as port:
                yield port

    return serve


def handing_on(proxy: Proxy, number: int) -> WSGIApplication:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH")
        body = environ["wsgi.input"].read(int(length or 0))
        sent = [
            (name.removeprefix("HTTP_").replace("_", "-").title(), value)
            for name, value in environ.items()
            if name.startswith("HTTP_") and name not in ("HTTP_HOST", "HTTP_CONNECTION")
        ]
        sent += [("Content-Type", environ["CONTENT_TYPE"])] if environ.get("CONTENT_TYPE") else []
        sent += [("Content-Length", "0")] if length == "0" else []
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        answer = proxy.ask_once(number, environ["REQUEST_METHOD"], environ["PATH_INFO"] + query, sent, body)
        lines = [(name, value) for name, value in answer.headers if name.lower() not in OF_ONE_CONNECTION]
        if "content-length" not in {name.lower() for name, _ in lines} and answer.status not in (204, 304):
            lines.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} Answered", lines)
        return [answer.body]

    return application
