"""Pages that run one script over a list of jobs and report what came of each: for tests that ask a few things of a
server without a table of cases."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .sites import serving

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .engines import Engine

PATIENCE = 120  # seconds for what takes one or two on a quiet machine

# A page of another server reports too; so the report is a request that needs no permission.
PAGE = """<!doctype html><title>scripted</title><link rel="icon" href="data:,"><body><script>
%s
const {to, jobs} = JSON.parse(decodeURIComponent(location.hash.slice(1)));
(async () => {
  const outcomes = [];
  for (const job of jobs) outcomes.push(await perform(job));
  await fetch(to, {method: "POST", mode: "no-cors", body: JSON.stringify(outcomes)});
})();
</script>"""

READS = """
async function perform({url, ...options}) {
  try {
    const response = await fetch(url, {credentials: "include", ...options});
    const body = await response.text();
    return [response.status, response.headers.get("Content-Range"), body.length > 0];
  } catch (error) {
    return [error.name];
  }
}
"""


class ScriptedPages:
    """An application that serves the page under whatever path and host, and takes its reports."""

    def __init__(self, script: str) -> None:
        self.html = (PAGE % script).encode()
        self.port = 0  # known once it is served
        self._visits = count(1)
        self._reports: queue.Queue[tuple[int, list[Any]]] = queue.Queue()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = self.html
        if environ["REQUEST_METHOD"] == "POST":
            sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            self._reports.put((int(environ["QUERY_STRING"]), json.loads(sent)))
            body = b""
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return [body]

    def outcomes(self, engine: Engine, host: str, jobs: Sequence[dict[str, Any]], port: int | None = None) -> list[Any]:
        """What the script reports, job by job, of a page on `host`: of this server, or of the one on `port`, which
        serves the same page."""
        visit = next(self._visits)
        told = quote(json.dumps({"to": f"http://{host}:{self.port}/done?{visit}", "jobs": list(jobs)}))
        engine.open(f"http://{host}:{port or self.port}/page?{visit}#{told}")
        while True:
            try:
                reported, outcomes = self._reports.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"the page on {host} did not come to its end in {engine.name}") from None
            if reported == visit:
                return outcomes


@contextmanager
def scripted_pages(script: str) -> Iterator[ScriptedPages]:
    pages, failures = ScriptedPages(script), list[str]()
    with serving(pages, failures) as pages.port:
        yield pages
    assert failures == []
