"""An event loop in a thread of its own, for callers that have none."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class OwnLoop:
    """Runs coroutines for other threads until it is stopped."""

    def __init__(self, name: str) -> None:
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=_serve, args=(started,), name=f"corecors.testing: {name}", daemon=True)
        self._thread.start()
        self._loop = started.result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns, or raises."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def stop(self, first: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Await what `first` returns, end every task, close the loop, and wait for the thread."""
        here = threading.current_thread() is self._thread  # the garbage collector calls from any thread
        try:
            if first is not None and not here:
                self.run(first())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            if not here:
                self._thread.join()


def _serve(started: "Future[asyncio.AbstractEventLoop]") -> None:
    with asyncio.Runner() as runner:  # which cancels what is left, and closes
        loop = runner.get_loop()
        started.set_result(loop)
        loop.run_forever()
