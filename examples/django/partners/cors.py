"""The policies: the own front end by name, partners by their rows. A row that is deleted counts from the next request.

One of the two is enough. Both work under WSGI and ASGI; the asynchronous one keeps an ASGI server free of threads.
"""

from corecors import Policy
from partners.models import PartnerOrigin

FRONT_END = "https://app.example.com"


def is_partner(origin: str) -> bool:
    """Whether there is a row for `origin`. Asked for origins that the policy does not list, and for no others."""
    return PartnerOrigin.objects.filter(origin=origin).exists()


async def is_partner_async(origin: str) -> bool:
    """The same, with the asynchronous ORM."""
    return await PartnerOrigin.objects.filter(origin=origin).aexists()


policy = Policy(allow_origins=[FRONT_END], allow_methods=["GET", "PUT"], allow_origin_predicate=is_partner)
async_policy = policy.replace(allow_origin_predicate=is_partner_async)
