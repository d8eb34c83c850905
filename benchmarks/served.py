"""What gunicorn serves in `benchmarks.servers`: the same app, bare and wrapped."""

from benchmarks.subjects import policy_for
from benchmarks.workload import Rules, app_with_2_headers, exact_origins
from corecors.adapters.wsgi import CORSMiddleware

RULES = Rules(origins=tuple(exact_origins(10)))

bare = app_with_2_headers
wrapped = CORSMiddleware(app_with_2_headers, policy_for(RULES))
