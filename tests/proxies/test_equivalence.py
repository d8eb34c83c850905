"""For any policy and any request that a browser can send, the proxy comes to the verdict of the policy itself."""

from __future__ import annotations

import os
from dataclasses import replace

from corecors.export import ExportError, render
from proxies.kinds import ProxyKind
from proxies.random_pairs import random_batches
from proxies.upstream import Response, Upstream
from proxies.verdicts import compare

PAIRS = int(os.environ.get("CORECORS_PROXY_PAIRS", "400"))  # 2,000 before a release
EACH = 5


def test_a_proxy_comes_to_the_verdict_of_the_policy(kind: ProxyKind, upstream: Upstream) -> None:
    batches = random_batches(PAIRS // EACH, EACH)
    exported, refused = [], []
    for batch in batches:
        try:
            render(batch.config.policy(), kind.name)
        except ExportError as error:
            refused.append(error)
        else:
            exported.append(batch)
    print(f"{kind.name}: {len(exported)} of {len(batches)} policies exported")
    assert refused == []
    wrong = []
    with kind.with_policies([batch.config.policy() for batch in exported], upstream.port) as proxy:
        for number, (config, cases) in enumerate(exported):
            for ask, application in cases:
                response = Response(application.status, (*application.headers, *application.meddling))
                url = f"https://api.example{upstream.add(response)}"
                request = replace(ask, url=url).request
                found = compare(kind, proxy, number, config, request, application, upstream.seen)
                if found:
                    wrong.append((found, config, request, application))
    shown = "\n\n".join("\n".join(map(str, each)) for each in wrong[:5])
    assert not wrong, f"{len(wrong)} of {len(exported) * EACH} pairs:\n{shown}"
