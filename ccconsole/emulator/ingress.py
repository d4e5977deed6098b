"""A service's addresses: a loopback port for its traffic, and one for each tag."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ccconsole.emulator.client import ClientConnection
from ccconsole.emulator.ports import HOST, Ports
from ccconsole.emulator.routing import Backend, Route

DEFAULT = ""
"""The tag of a service's main address."""


@dataclass
class Activity:
    """What keeps the emulator alive: RPCs and requests under way, and when the last one ended."""

    clock: Callable[[], float]
    running: int = 0
    last: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.last = self.clock()

    def began(self) -> None:
        """One more."""
        self.running += 1
        self.last = self.clock()

    def ended(self) -> None:
        """One less."""
        self.running -= 1
        self.last = self.clock()

    def touch(self) -> None:
        """Something happened just now."""
        self.last = self.clock()

    @property
    def idle_seconds(self) -> float:
        """Since when nothing happened."""
        return 0.0 if self.running else self.clock() - self.last


class Listener:
    """One address; it answers 404 until its service's route leads somewhere."""

    def __init__(self, tag: str, route: Callable[[], Route], activity: Activity) -> None:
        self._tag = tag
        self._route = route
        self._activity = activity
        self._server: asyncio.Server | None = None
        self._clients: set[ClientConnection] = set()
        self.port = 0

    async def open(self, port: int) -> None:
        """Listen; raises OSError when the port was taken meanwhile."""
        self._server = await asyncio.get_running_loop().create_server(self._connect, HOST, port, backlog=1024)
        self.port = port

    def close(self) -> None:
        """Listen no more; requests under way go on."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.close_when_done()

    def cut(self) -> None:
        """Close the connections that are left."""
        for client in tuple(self._clients):
            client.close()

    def backend(self, instance_id: str | None) -> Backend | None:
        """The revision for a request."""
        return self._route().choose(self._tag, instance_id)

    def began(self) -> None:
        """A request is served from now on."""
        self._activity.began()

    def ended(self) -> None:
        """It is no more."""
        self._activity.ended()

    def _connect(self) -> ClientConnection:
        client = ClientConnection(self, self._clients.discard)
        self._clients.add(client)
        return client


class Ingress:
    """All addresses of one service; ports are kept by tag so that an address outlives its route."""

    def __init__(self, ports: Ports, activity: Activity, saved: dict[str, int] | None = None) -> None:
        self.route = Route()
        self.saved = dict(saved or {})
        """Tag -> port, the main address under DEFAULT; what the state keeps."""
        self._ports = ports
        self._activity = activity
        self._listeners: dict[str, Listener] = {}

    def url(self, tag: str = DEFAULT) -> str:
        """Where a tag, or the service, is reached."""
        return f"http://{HOST}:{self.saved[tag]}"

    async def open(self, tags: set[str]) -> None:
        """Listen for exactly these tags; an address keeps its port when it is still free."""
        for tag in self._listeners.keys() - tags:
            self._drop(tag)  # What is under way there goes on.
        for tag in sorted(tags - self._listeners.keys()):
            listener = Listener(tag, lambda: self.route, self._activity)
            port = self._ports.take(self.saved.get(tag, 0))
            await listener.open(port)
            self._listeners[tag] = listener
            self.saved[tag] = port

    def close(self) -> None:
        """Take no more requests."""
        for listener in self._listeners.values():
            listener.close()

    def cut(self) -> None:
        """End the connections that are left and give the ports back."""
        for tag in tuple(self._listeners):
            self._drop(tag).cut()

    def _drop(self, tag: str) -> Listener:
        listener = self._listeners.pop(tag)
        listener.close()
        self._ports.give_back(listener.port)
        return listener
