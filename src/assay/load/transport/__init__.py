"""The hot path: requests to an endpoint, their token streams, and the times of both.

Design. One process drives one event loop (uvloop) and, through an `EndpointPool` each, any number of
endpoints. A request has a connection to itself; connections are kept alive and reused, the last used first.
`time.monotonic_ns()` is read once in `data_received`, before anything is parsed, and is the arrival time of
every chunk in that read: parsing, queueing and the owner's callbacks never enter a measured interval.
httptools (llhttp) takes HTTP apart and `EventStream` the server-sent events. Chunks that repeat the bytes of one that
the endpoint sent before aren't decoded again (`Lessons`, `Template`): only their text and ids are cut out, all of a
read together, and only if it is certain that JSON would say the same. Timeouts are found by one sweep over all
requests every 50 ms instead of a timer each.

A request is `OK` only if the reply had status 200, ended properly (for a stream: a finish_reason and
`[DONE]`), carried at least one token, and has as many token ids as its usage says. Whatever else arrives
ends as one of the other outcomes with a reason; no bytes a server sends can raise out of a connection.

Connections are begun at a pace (`Opening`) that a server's queue of new ones stands.

An idle connection that the server dropped is told from a failing server: it had carried a request before, and
it breaks within 200 ms of sending, before any byte of a reply. Such a request is sent once more, on a new
connection, and counted in `PoolStats.resent`.
"""

from assay.load.transport.exchange import Exchange, Outcome
from assay.load.transport.opening import Opening, Pace, endpoint_pace, process_gate
from assay.load.transport.pool import EndpointPool, PoolStats
from assay.load.transport.settings import EndpointSettings

__all__ = [
    "EndpointPool",
    "EndpointSettings",
    "Exchange",
    "Opening",
    "Outcome",
    "Pace",
    "PoolStats",
    "endpoint_pace",
    "process_gate",
]
