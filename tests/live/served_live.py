"""An application of WSGI whose tenants follow an SQLite store, for real servers.

LIVE_STORE names the store; LIVE_START starts the follower where the module is imported: in the master of
`gunicorn --preload`.
"""

import os

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware
from corecors.live import LivePolicies, SQLSource

policies = LivePolicies(
    SQLSource(os.environ["LIVE_STORE"]), base=Policy(), max_staleness=0.5, tenant=lambda request: request.host
)
if os.environ.get("LIVE_START"):
    policies.wait_ready(30.0)


def answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Worker", str(os.getpid()))])
    return [b"ok"]


application = CORSMiddleware(answer, policies)
