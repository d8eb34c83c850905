"""The demo's tenants: the origins of its API stand in a store, as customers' do, and the API follows them."""

from collections.abc import Iterator
from contextlib import contextmanager

from corecors import Policy
from corecors.cli.demo_cases import HOST
from corecors.cli.origins import store_of
from corecors.cli.terminal import Unusable
from corecors.live import LivePolicies
from corecors.live.following import in_words

MAX_STALENESS = 1.0  # seconds: who tries it will not wait for five
CONNECT_SECONDS = 10.0


@contextmanager
def followed(url: str, policy: Policy, page: str) -> Iterator[LivePolicies]:
    """Policies that follow the store at `url`, in which the demo's host is a tenant: made with the origins of `policy`,
    or as somebody left it. `page`, the origin of this demo's page, is always one of them.

    Raises `Unusable` for a store that cannot be used.
    """
    store = store_of(url)
    try:
        store.init()
        record = store.get(HOST) or {"allow_origins": list(policy.allow_origins)}
        others = [origin for origin in record["allow_origins"] if not origin.startswith(f"http://{HOST}:")]
        store.put(HOST, {**record, "allow_origins": [page, *others]})
    except Exception as error:  # whatever a driver raises
        raise Unusable(f"{store.name} cannot be used: {in_words(error)}") from None
    with LivePolicies(store, base=policy.replace(allow_origins=()), max_staleness=MAX_STALENESS) as policies:
        if not policies.wait_ready(CONNECT_SECONDS):
            raise Unusable(f"{store.name} cannot be used: {policies.status().last_error}")
        yield policies
