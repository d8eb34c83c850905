"""Policies that follow a store: customers edit their own origins, and every worker on every host follows."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corecors.live.policies import LivePolicies
from corecors.live.query import QuerySource
from corecors.live.records import StoreError
from corecors.live.sources import Reader, Source, Store, Update
from corecors.live.status import Status
from corecors.live.tenants import by_host, by_path_segment

if TYPE_CHECKING:
    from corecors.live.files import FileSource
    from corecors.live.redis import RedisSource
    from corecors.live.sql import SQLSource

__all__ = [
    "FileSource",
    "LivePolicies",
    "QuerySource",
    "Reader",
    "RedisSource",
    "SQLSource",
    "Source",
    "Status",
    "Store",
    "StoreError",
    "Update",
    "by_host",
    "by_path_segment",
]

# Each needs a package of its own, behind an extra.
_LATE = {
    "FileSource": "corecors.live.files",
    "RedisSource": "corecors.live.redis",
    "SQLSource": "corecors.live.sql",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_LATE[name]), name)
    found.__module__ = __name__
    globals()[name] = found
    return found


for _name in __all__:
    if _name not in _LATE:
        globals()[_name].__module__ = __name__
