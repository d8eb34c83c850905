"""Several hosts on one machine: network namespaces with an address each, joined by links that can be cut.

Made with `ip netns`, named after this process, and removed at the end. A link that is cut loses its carrier: what is
sent over it is lost and nobody is told, as with a switch that fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PREFIX = f"corecors-{os.getpid()}"
FAMILIES = "10.213"  # of addresses; they exist inside the namespaces alone


def missing_namespaces() -> str | None:
    """Why no network namespace can be made here; None where one can."""
    if not sys.platform.startswith("linux") or shutil.which("ip") is None:
        return "ip (apt-get install iproute2) on Linux"
    name = f"{PREFIX}-try"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return "the privilege to make network namespaces"
    _ip("netns", "del", name)
    return None


class Hosts:
    """One host with the store, and others, each joined to that one by a link of its own."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.store = f"{PREFIX}-store"

    def space(self, name: str) -> str:
        return f"{PREFIX}-{name}"

    def address_of_store(self, name: str) -> str:
        """As the host `name` sees it."""
        return f"{FAMILIES}.{self.names.index(name) + 1}.1"

    def inside(self, name: str, command: list[str]) -> list[str]:
        """The command that runs `command` on the host `name`, or on that of the store."""
        return ["ip", "netns", "exec", self.store if name == "store" else self.space(name), *command]

    def cut(self, name: str) -> None:
        _ip("-n", self.store, "link", "set", f"to-{name}", "down")

    def join(self, name: str) -> None:
        _ip("-n", self.store, "link", "set", f"to-{name}", "up")

    def make(self) -> None:
        _ip("netns", "add", self.store)
        _ip("-n", self.store, "link", "set", "lo", "up")
        for number, name in enumerate(self.names, start=1):
            space = self.space(name)
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", self.store, "link", "add", f"to-{name}", "type", "veth", "peer", "name", "up0", "netns", space)
            _ip("-n", self.store, "addr", "add", f"{FAMILIES}.{number}.1/30", "dev", f"to-{name}")
            _ip("-n", space, "addr", "add", f"{FAMILIES}.{number}.2/30", "dev", "up0")
            _ip("-n", space, "link", "set", "up0", "up")
            self.join(name)

    def remove(self) -> None:
        for space in (self.store, *(self.space(name) for name in self.names)):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", space)


@contextmanager
def hosts(*names: str) -> Iterator[Hosts]:
    made = Hosts(names)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
