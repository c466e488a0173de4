"""All connections to one endpoint."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns

from assay.errors import AssayError
from assay.load.transport.connection import Connection
from assay.load.transport.exchange import Exchange, Outcome
from assay.load.transport.lessons import Lessons
from assay.load.transport.opening import Opening
from assay.load.transport.settings import EndpointSettings
from assay.serving.connection import EndpointConnection
from assay.serving.tunnel import tunnel

SWEEP_S = 0.05
"""How often timeouts are looked for: one look over all requests instead of a timer for each."""


@dataclass(slots=True)
class PoolStats:
    """Connections of one pool since it was made."""

    open: int = 0
    """Connected now."""
    opened: int = 0
    reused: int = 0
    """Requests sent on a connection that had carried another."""
    resent: int = 0
    """Requests sent again because the server had dropped the idle connection."""


class EndpointPool:
    """Sends requests to one endpoint, each on a connection of its own, which it keeps and reuses.

    The number of connections isn't limited: whoever submits limits the requests in flight. For each request
    `on_first` is called at most once, when its first token arrives, then `on_done` exactly once, when its
    outcome is known; neither is called from inside `submit`. Everything runs on `loop`.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        on_first: Callable[[Exchange], None],
        on_done: Callable[[Exchange], None],
        loop: asyncio.AbstractEventLoop,
        opening: Opening | None = None,
    ) -> None:
        """`opening` says when connections are begun; the default is for a pool that is alone."""
        settings.request_head()  # a missing authorization is the user's mistake: better said now
        self.settings = settings
        self.stats = PoolStats()
        self.first_token = on_first
        self._on_done = on_done
        self._loop = loop
        self._ssl = settings.connection.ssl_context()
        self._stall_ns = round(settings.stall_timeout_s * 1e9)
        self._request_ns = round(settings.request_timeout_s * 1e9)
        self._keepalive_ns = round(settings.keepalive_s * 1e9)
        self._lessons = Lessons()
        self._opening = opening or Opening()
        self._idle: list[Connection] = []
        self._connections: set[Connection] = set()
        self._flights: dict[int, Connection | asyncio.Task[None]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._empty = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Requests without an outcome yet."""
        return len(self._flights)

    def submit(self, tag: int, body: bytes) -> Exchange:
        """Sends `body` and returns its exchange, to be filled in. `tag` must not be in flight already."""
        if self._closed or tag in self._flights:
            raise ValueError(f"request {tag} can't be sent: the pool is closed or the tag is in flight")
        exchange = Exchange(tag)
        connection = self._take_idle()
        if connection is None:
            self._open_for(exchange, body)
        else:
            self.stats.reused += 1 if connection.idle_since_ns else 0
            self._flights[tag] = connection
            connection.send(exchange, body)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)
        return exchange

    def cancel(self, tag: int) -> None:
        """Gives a request up and closes its connection; `on_done` follows. Unknown tags are ignored."""
        flight = self._flights.get(tag)
        if isinstance(flight, Connection):
            flight.fail(Outcome.CANCELLED, "cancelled")
        elif flight is not None:
            flight.cancel()

    async def warm(self, count: int) -> int:
        """Opens connections until `count` are idle; how many there are then, fewer if some can't be opened."""
        wanted = count - len(self._idle)
        opened = await asyncio.gather(*(self._connect() for _ in range(wanted)), return_exceptions=True)
        self._idle += [connection for connection in opened if isinstance(connection, Connection)]
        return len(self._idle)

    async def close(self) -> None:
        """Cancels what is in flight and closes all connections."""
        self._closed = True
        for tag in list(self._flights):
            self.cancel(tag)
        for connection in list(self._connections):
            connection.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._say_if_empty()
        await self._empty.wait()

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """Called by a connection: its exchange has an outcome."""
        del self._flights[exchange.tag]
        if exchange.retry_after_ns > self._request_ns:
            self._refuse_to_wait(exchange)
        if connection.usable:
            self._idle.append(connection)
        self._on_done(exchange)

    def _refuse_to_wait(self, exchange: Exchange) -> None:
        exchange.outcome = Outcome.LONG_WAIT
        exchange.detail = (
            f"asks to wait {exchange.retry_after_ns / 1e9:.0f} s, longer than a request may take "
            f"(load.request_timeout_s: {self.settings.request_timeout_s:g}); {exchange.detail}"
        )
        exchange.retry_after_ns = 0

    def dropped_while_idle(self, exchange: Exchange, body: bytes) -> None:
        """Called by a connection: the server had dropped it before it got this request."""
        self.stats.resent += 1
        exchange.resent = True
        self._open_for(exchange, body)

    def lost(self, connection: Connection) -> None:
        """Called by a connection: it is closed."""
        self._connections.discard(connection)
        self.stats.open = len(self._connections)
        if connection in self._idle:
            self._idle.remove(connection)
        self._say_if_empty()

    def _say_if_empty(self) -> None:
        if self._closed and not self._connections and not self._flights:
            self._empty.set()

    def _take_idle(self) -> Connection | None:
        oldest_ns = monotonic_ns() - self._keepalive_ns
        while self._idle:
            connection = self._idle.pop()  # the one used last, which the server is least likely to drop
            if connection.usable and not 0 < connection.idle_since_ns < oldest_ns:
                return connection
            connection.close()
        return None

    def _open_for(self, exchange: Exchange, body: bytes) -> None:
        task = self._loop.create_task(self._open_and_send(exchange, body))
        self._flights[exchange.tag] = task
        # A task cancelled before its first step never runs the code that would say so.
        task.add_done_callback(lambda task: self._not_sent(exchange, task))

    async def _open_and_send(self, exchange: Exchange, body: bytes) -> None:
        connection = await self._connect()
        self._flights[exchange.tag] = connection
        connection.send(exchange, body)
        exchange.reused = exchange.resent

    def _not_sent(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        if self._flights.get(exchange.tag) is not task:
            return
        exchange.outcome, exchange.detail = _connect_failure(task, self.settings.connection)
        exchange.done_ns = monotonic_ns()
        del self._flights[exchange.tag]
        self._on_done(exchange)
        self._say_if_empty()

    async def _connect(self) -> Connection:
        reached, head, needs_done = self.settings.connection, self.settings.request_head(), self.settings.needs_done

        def make() -> Connection:
            return Connection(self, head, self._lessons, needs_done=needs_done)

        async with self._opening.turn(), asyncio.timeout(reached.connect_timeout_s):
            if reached.proxy:
                own = await tunnel(reached.proxy, reached.host, reached.port)
                name = reached.host if self._ssl else None
                _, connection = await self._loop.create_connection(make, sock=own, ssl=self._ssl, server_hostname=name)
            else:
                _, connection = await self._loop.create_connection(make, reached.host, reached.port, ssl=self._ssl)
        self._connections.add(connection)
        self.stats.opened += 1
        self.stats.open = len(self._connections)
        return connection

    def _sweep(self) -> None:
        now_ns = monotonic_ns()
        for flight in list(self._flights.values()):
            if not isinstance(flight, Connection) or flight.exchange is None:
                continue
            if now_ns - flight.heard_ns > self._stall_ns:
                flight.fail(Outcome.STALL, f"no byte for {self.settings.stall_timeout_s:g} s")
            elif now_ns - flight.exchange.sent_ns > self._request_ns:
                flight.fail(Outcome.TIMEOUT, f"no end after {self.settings.request_timeout_s:g} s")
        again = bool(self._flights) and not self._closed
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep) if again else None


def _connect_failure(task: asyncio.Task[None], reached: EndpointConnection) -> tuple[Outcome, str]:
    if task.cancelled():
        return Outcome.CANCELLED, "cancelled while connecting"
    where = f"{reached.host}:{reached.port}"
    match task.exception():
        case ssl.SSLError() as error:
            return Outcome.TLS, f"no TLS connection to {where}: {error}"
        case TimeoutError():
            return Outcome.CONNECT, f"no connection to {where} within {reached.connect_timeout_s:g} s"
        case OSError() as error:
            return Outcome.CONNECT, f"no connection to {where}: {error.strerror or error}"
        case AssayError() as error:
            return Outcome.CONNECT, f"no connection to {where}: {error}"
        case error:
            return Outcome.CONNECT, f"no connection to {where}: {type(error).__name__}: {error}"
