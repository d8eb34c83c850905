"""An application whose tenants follow a store, for real servers: `application` of WSGI, `asgi_application` of ASGI.

LIVE_STORE names the store. LIVE_START starts the follower where the module is imported: in each worker, and in the
master of `gunicorn --preload`. LIVE_STALENESS: seconds of max_staleness. LIVE_DEAF: every notification is lost on its
way. LIVE_TOLD: a file that gets a line for each change that is in force: the process, the tenant, its `max_age`, when.
LIVE_SNAPSHOT: of the follower. LIVE_LOG: a file for what the logger says.
"""

import logging
import os
import time

from corecors import CORSRequest, Policy
from corecors.adapters import asgi, wsgi
from corecors.live import LivePolicies, RedisSource, SQLSource

LOG = os.environ.get("LIVE_LOG")
if LOG:
    handler = logging.FileHandler(LOG)  # every line is one write to the end of the file
    handler.setFormatter(logging.Formatter("%(process)d %(levelname)s %(message)s"))
    logging.getLogger("corecors").addHandler(handler)


class Deaf:
    """A store that nobody is told by: what a follower knows, it knows by looking."""

    def __init__(self, source):
        self._source = source
        self.name = source.name

    def open(self, timeout):
        reader = self._source.open(timeout)
        reader.wait = lambda seconds, attention: attention.wait(seconds)
        return reader


def note_changes(names):
    lines = []
    for name in names:
        governing = policies.policy_for(CORSRequest("GET", host=name))
        lines.append(f"{os.getpid()} {name} {governing.max_age} {time.time()}\n")
    descriptor = os.open(os.environ["LIVE_TOLD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, "".join(lines).encode())
    os.close(descriptor)


url = os.environ["LIVE_STORE"]
store = RedisSource(url) if url.startswith("redis") else SQLSource(url)
policies = LivePolicies(
    Deaf(store) if os.environ.get("LIVE_DEAF") else store,
    base=Policy(),
    max_staleness=float(os.environ.get("LIVE_STALENESS", "0.5")),
    tenant=lambda request: request.host,
    snapshot=os.environ.get("LIVE_SNAPSHOT"),
    on_change=note_changes if "LIVE_TOLD" in os.environ else None,
)
if os.environ.get("LIVE_START"):
    policies.wait_ready(30.0)


def state():
    """What an operator would look at, as a header."""
    status = policies.status()
    return f"{'connected' if status.connected else 'not connected'}, {status.age or 0:.1f} s, {status.tenants} tenants"


def answer(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("X-Worker", str(os.getpid())), ("X-State", state())]
    start_response("200 OK", headers)
    return [b"ok"]


application = wsgi.CORSMiddleware(answer, policies)


async def answer_asgi(scope, receive, send):
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain"), (b"x-worker", str(os.getpid()).encode())]
        headers += [(b"x-state", state().encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


asgi_application = asgi.CORSMiddleware(answer_asgi, policies)
