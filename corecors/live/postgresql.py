"""PostgreSQL: the follower is told by LISTEN and NOTIFY, through the trigger that `SQLSource.init` makes.

Facts
-----
A session gets notifications only while it is its own: behind a proxy that pools by transactions LISTEN has no effect,
and the poll carries everything. A server that is stopped (SIGSTOP, a frozen virtual machine) still acknowledges what it
is sent, so no timeout of TCP ends a wait for it: the connection is cut from outside.
"""

import os
import socket
import time
from collections.abc import Callable
from threading import Event
from typing import Any

from sqlalchemy import Connection, text

from corecors.live.sql_reading import SQLReader
from corecors.live.sql_tables import CHANNEL

SLICE = 0.25  # seconds between two looks at whether the follower is to end


class PostgreSQLReader(SQLReader):
    """Listens on the connection that it reads on."""

    def __init__(self, connect: Callable[[float], Connection], timeout: float) -> None:
        super().__init__(connect, timeout)
        with self._connection.begin():
            self._connection.execute(text(f"LISTEN {CHANNEL}"))
        self._driver: Any = self._connection.connection.driver_connection

    def wait(self, seconds: float, attention: Event) -> None:
        if not hasattr(self._driver, "notifies"):
            attention.wait(seconds)  # another driver than psycopg
            return
        end = time.monotonic() + seconds
        while not attention.is_set() and (left := end - time.monotonic()) > 0:
            # What came while something was read is kept by psycopg, and given first.
            if list(self._driver.notifies(timeout=min(left, SLICE), stop_after=1)):
                return

    def abort(self) -> None:
        descriptor = os.dup(self._driver.fileno())
        with socket.socket(fileno=descriptor) as cut:
            cut.shutdown(socket.SHUT_RDWR)
