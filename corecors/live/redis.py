"""RedisSource: tenants in Redis or Valkey.

Keys, with the prefix "corecors:":
    version         a random token that every write sets anew
    tenants         a set of the tenants' names
    tenant:NAME     a hash: the arguments of the tenant's policy, each as JSON
    changes         a list of "TOKEN NAME", the last write first, of the last 10,000 writes
    told            the channel on which followers are told

A write is one transaction. Anyone who writes by hand sets `version` to something new, and then everything is read.
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from threading import Event
from typing import Any, final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from corecors._policy.problems import PolicyError, Problem
from corecors.live.records import Record, StoreError, checked, record_of, text_of
from corecors.live.sources import Text, Update

DEFAULT_URL = "redis://localhost:6379/0"
KEPT_CHANGES = 10_000  # who was away for longer reads everything
AT_A_TIME = 500  # tenants that are asked for at once
WRITE_TIMEOUT = 10.0  # seconds
SLICE = 0.25  # seconds between two looks at whether the follower is to end


@final
class RedisSource:
    """Tenants in the Redis or Valkey at `url`: "redis://:password@host:6379/0", "rediss://..." for TLS.

    prefix: of every key. Several stores may share a server by it. Raises `StoreError` for a URL that cannot be used.
    A Redis that lost its data (a restart without persistence) has no `version`: that is an outage, not a store without
    tenants. `init()` or any write makes one.
    """

    def __init__(self, url: str = DEFAULT_URL, *, prefix: str = "corecors:") -> None:
        try:
            pool = redis.ConnectionPool.from_url(url)
        except ValueError as error:
            raise StoreError(f"the store's URL cannot be read: {error}") from None
        place = pool.connection_kwargs
        scheme = url.partition("://")[0]
        host = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        self._url = url
        self._prefix = prefix
        self.name: str = f"{scheme}://{host}/{place.get('db', 0)}"

    def open(self, timeout: float) -> "_RedisReader":
        return _RedisReader(self._client(timeout), self._prefix)

    def init(self) -> None:
        self._client(WRITE_TIMEOUT).set(f"{self._prefix}version", secrets.token_hex(16), nx=True)

    def put(self, tenant: str, record: Record) -> None:
        self.put_all({tenant: record})

    def put_all(self, records: Mapping[str, Record]) -> None:
        hashes = {}
        for tenant, record in records.items():
            arguments = record_of(checked(tenant, record))
            hashes[tenant] = {name: json.dumps(value, ensure_ascii=False) for name, value in arguments.items()}
        self._write(hashes)

    def remove(self, tenant: str) -> bool:
        return bool(self._write({tenant: {}})[0])

    def _write(self, hashes: dict[str, dict[str, str]]) -> list[Any]:
        fresh = secrets.token_hex(16)
        with self._client(WRITE_TIMEOUT) as client, client.pipeline(transaction=True) as writing:
            for tenant, arguments in hashes.items():
                writing.delete(f"{self._prefix}tenant:{tenant}")
                if arguments:
                    writing.hset(f"{self._prefix}tenant:{tenant}", mapping=arguments)
                    writing.sadd(f"{self._prefix}tenants", tenant)
                else:
                    writing.srem(f"{self._prefix}tenants", tenant)
                writing.lpush(f"{self._prefix}changes", f"{fresh} {tenant}")
            writing.ltrim(f"{self._prefix}changes", 0, KEPT_CHANGES - 1)
            writing.set(f"{self._prefix}version", fresh)
            writing.publish(f"{self._prefix}told", fresh)
            return list(writing.execute())

    def get(self, tenant: str) -> dict[str, Any] | None:
        with self._client(WRITE_TIMEOUT) as client:
            text = _text_of_hash(client.hgetall(f"{self._prefix}tenant:{tenant}"))
        if isinstance(text, PolicyError):
            raise text
        return None if text is None else record_of(text)

    def tenants(self) -> list[str]:
        with self._client(WRITE_TIMEOUT) as client:
            return sorted(_decoded(name) for name in client.smembers(f"{self._prefix}tenants"))

    def _client(self, timeout: float) -> Any:
        # Nothing is tried again in secret: the caller knows how long to wait.
        return redis.Redis.from_url(
            self._url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )


class _RedisReader:
    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._is_new = True
        self._told = client.pubsub(ignore_subscribe_messages=True)
        self._told.subscribe(f"{prefix}told")

    def read(self, version: str | None) -> Update | None:
        # The version is read first: what is written while the records are read is read once more the next time.
        found = self._client.get(f"{self._prefix}version")
        if found is None:
            raise StoreError("the store has no version: it lost its data, or nobody made it: corecors origins init")
        current = _decoded(found)
        # After a lost connection it may be another server, which never had the last writes of the one before.
        if self._is_new:
            version, self._is_new = None, False
        if current == version:
            return None
        touched = None if version is None else self._touched_since(version, current)
        if touched is None:
            return Update(current, self._all(), everything=True)
        return Update(current, self._these(touched), everything=False)

    def _touched_since(self, version: str, current: str) -> list[str] | None:
        """The tenants that were written after `version`; None where that cannot be told."""
        touched: dict[str, None] = {}
        is_told = False
        for start in range(0, KEPT_CHANGES, AT_A_TIME):
            changes = self._client.lrange(f"{self._prefix}changes", start, start + AT_A_TIME - 1)
            for change in changes:
                token, _, tenant = _decoded(change).partition(" ")
                if token == version:
                    return list(touched) if is_told else None  # else the version was set by hand
                is_told = is_told or token == current
                touched[tenant] = None
            if len(changes) < AT_A_TIME:
                return None
        return None

    def _all(self) -> Iterator[tuple[str, Text | None]]:
        names = []
        for name in self._client.sscan_iter(f"{self._prefix}tenants", count=AT_A_TIME):
            names.append(_decoded(name))
            if len(names) == AT_A_TIME:
                yield from self._these(names)
                names = []
        yield from self._these(names)

    def _these(self, names: list[str]) -> Iterator[tuple[str, Text | None]]:
        for start in range(0, len(names), AT_A_TIME):
            part = names[start : start + AT_A_TIME]
            with self._client.pipeline(transaction=False) as asking:
                for name in part:
                    asking.hgetall(f"{self._prefix}tenant:{name}")
                answers = asking.execute()
            for name, arguments in zip(part, answers, strict=True):
                yield name, _text_of_hash(arguments)

    def wait(self, seconds: float, attention: Event) -> None:
        end = time.monotonic() + seconds
        while not attention.is_set() and (left := end - time.monotonic()) > 0:
            if self._told.get_message(timeout=min(left, SLICE)) is not None:
                return

    def abort(self) -> None:
        pass  # every call has a timeout of its own

    def close(self) -> None:
        self._told.close()
        self._client.close()


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _text_of_hash(arguments: Mapping[bytes, bytes]) -> Text | None:
    if not arguments:
        return None
    record = {}
    for name, value in arguments.items():
        try:
            record[_decoded(name)] = json.loads(value)
        except (ValueError, RecursionError):
            message = 'is not JSON; a list is written as ["https://app.example.com"]'
            return PolicyError([Problem(_decoded(name), _decoded(value), "not-json", message)])
    try:
        return text_of(record)
    except PolicyError as error:
        return error
