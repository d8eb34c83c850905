"""Measuring several things side by side, so that their ratio means something.

On a machine that is shared or changes its clock, two numbers that were measured one after the other can't be compared.
So everything that is to be compared runs in turn, a small batch each, round after round in one process, the garbage
collector off; and what is compared is the *minimum* over the rounds, which is the cost without the neighbours' noise.
The median is kept next to it. `pyperf` runs each benchmark in processes of its own, so it can't interleave; its file
format, metadata and statistics are used for what is measured here (see `results`).
"""

import gc
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

# Long against the clock's resolution, short against a scheduler's time slice, so that some batches run undisturbed.
_BATCH_NANOSECONDS = 2_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to measure.

    `make_inputs(n)` builds the inputs of one batch, outside of the timed part. `run(inputs)` uses them all up and
    returns how many nanoseconds that took. `most` bounds a batch whose inputs are large.
    """

    make_inputs: Callable[[int], Sequence[Any]]
    run: Callable[[Sequence[Any]], int]
    most: int = 100

    def batch_for(self, nanoseconds: int) -> int:
        """How many requests take about that long, from 1 to `most`; found by running it twice."""
        self.run(self.make_inputs(1))
        once = max(1, self.run(self.make_inputs(1)))
        return max(1, min(self.most, nanoseconds // once))


@dataclass(frozen=True, slots=True)
class Sample:
    """Nanoseconds per request, one value for each round."""

    values: tuple[float, ...]

    @property
    def minimum(self) -> float:
        return min(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@contextmanager
def garbage_collector_off() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def measure_interleaved(
    candidates: Mapping[str, Candidate], *, rounds: int, max_seconds: float = float("inf")
) -> dict[str, Sample]:
    """Measure all candidates in turn, a batch each, `rounds` times; two rounds before that don't count.

    Stops early after `max_seconds`, though never before three rounds were kept. A candidate that is slow gets a batch
    that takes about as long as those of the others.
    """
    values: dict[str, list[float]] = {name: [] for name in candidates}
    batches = {name: candidate.batch_for(_BATCH_NANOSECONDS) for name, candidate in candidates.items()}
    deadline = perf_counter_ns() + max_seconds * 1e9
    with garbage_collector_off():
        for round_number in range(rounds + 2):
            for name, candidate in candidates.items():
                # What the candidate before it left in the processor's caches is not the cost of this one, so a few
                # requests go first.
                warm_up = candidate.make_inputs(batches[name] // 5)
                inputs = candidate.make_inputs(batches[name])
                candidate.run(warm_up)
                elapsed = candidate.run(inputs)
                if round_number >= 2:
                    values[name].append(elapsed / batches[name])
                # The old batch is freed before the next is made, so that the allocator hands out warm memory again.
                del inputs, warm_up
            if round_number >= 4 and perf_counter_ns() > deadline:
                break
    return {name: Sample(tuple(kept)) for name, kept in values.items()}


def wsgi_runner(app: Callable[..., Any]) -> Callable[[Sequence[Any]], int]:
    """Time a WSGI app over a batch of environs. Bodies are not iterated: no wrapper here touches them."""

    def write(data: bytes) -> None:
        raise AssertionError("no app here writes")

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        return write

    def run(environs: Sequence[Any]) -> int:
        began = perf_counter_ns()
        for environ in environs:
            app(environ, start_response)
        return perf_counter_ns() - began

    return run


def asgi_runner(app: Callable[..., Any]) -> Callable[[Sequence[Any]], int]:
    """Time an ASGI app over a batch of scopes, without an event loop: nothing here ever waits."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        pass

    def run(scopes: Sequence[Any]) -> int:
        began = perf_counter_ns()
        for scope in scopes:
            try:
                app(scope, receive, send).send(None)
            except StopIteration:
                pass
            else:
                raise AssertionError("an ASGI app waited for something")
        return perf_counter_ns() - began

    return run


def call_runner(function: Callable[..., Any]) -> Callable[[Sequence[Any]], int]:
    """Time a function over a batch of argument tuples."""

    def run(batch: Sequence[Any]) -> int:
        began = perf_counter_ns()
        for arguments in batch:
            function(*arguments)
        return perf_counter_ns() - began

    return run
