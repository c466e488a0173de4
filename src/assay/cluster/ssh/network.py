"""Clock, delay and bandwidth between this machine and a node, on the way that load takes."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time

from assay.cluster.launcher import LaunchError
from assay.cluster.ssh.session import Session
from assay.serving.health import CheckRow, judged

ROUNDS = 7
TRANSFER_BYTES = 32 << 20
TRANSFER_TIMEOUT_S = 5.0
MAX_CLOCK_OFFSET_NS = 50_000_000
MAX_DELAY_NS = 5_000_000
# Prompts out and token events back: 10,000 tokens/s in events of 300 bytes, three times over.
NEEDED_BYTES_PER_S = 10_000_000


async def network_rows(session: Session, needed_bytes_per_s: int = NEEDED_BYTES_PER_S) -> list[CheckRow]:
    """Clock offset over SSH; delay and bandwidth over a direct connection that only this check uses."""
    name = session.node.name
    offset_ns = await clock_offset_ns(session)
    rows = [
        judged(
            name,
            "clock",
            abs(offset_ns) <= MAX_CLOCK_OFFSET_NS,
            2,
            f"{offset_ns / 1e6:+.1f} ms from this machine's",
            "run chrony or another NTP client on both: times of telemetry and logs are compared",
        )
    ]
    try:
        delay_ns, bytes_per_s = await direct(session)
    except (OSError, TimeoutError, LaunchError) as error:
        detail = f"no direct connection to {session.peer}: {error or 'no answer in time'}"
        mend = "open the node's ports to this machine, or set cluster.tunnel: true (slower, and reported)"
        return [*rows, judged(name, "direct path", False, 8, detail, mend, required=True)]
    rate = f"{bytes_per_s * 8 / 1e6:.0f} Mbit/s, {needed_bytes_per_s * 8 / 1e6:.0f} needed"
    return [
        *rows,
        judged(name, "direct path", True, 8, f"{session.peer} answers", "", required=True),
        judged(
            name,
            "delay",
            delay_ns <= MAX_DELAY_NS,
            2,
            f"{delay_ns / 1e6:.2f} ms for a connection",
            "every time to first token includes it: measure from the nodes' own network",
        ),
        judged(
            name,
            "bandwidth",
            bytes_per_s >= needed_bytes_per_s,
            3,
            rate,
            "measure from a machine with a faster link to the nodes",
        ),
    ]


async def clock_offset_ns(session: Session) -> int:
    """The node's UTC minus this machine's: of several questions the one with the shortest way, halved."""
    best: tuple[int, int] | None = None
    for _ in range(ROUNDS):
        before_ns = time.time_ns()
        answer = await session.ask("clock")
        after_ns = time.time_ns()
        candidate = (after_ns - before_ns, answer["utc_ns"] - (before_ns + after_ns) // 2)
        best = min(best, candidate) if best else candidate
    assert best is not None
    return best[1]


async def direct(session: Session) -> tuple[int, float]:
    """Median time of a TCP handshake, ns, and bytes/s from the node. Raises OSError or TimeoutError."""
    served = await session.ask("serve_bytes", address=session.address, count=TRANSFER_BYTES, connections=ROUNDS + 1)
    host, port = session.node.load_address or session.peer, served["port"]
    delays = []
    for _ in range(ROUNDS):
        started_ns = time.monotonic_ns()
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), TRANSFER_TIMEOUT_S)
        delays.append(time.monotonic_ns() - started_ns)
        writer.transport.abort()
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), TRANSFER_TIMEOUT_S)
    writer.write(b"go")
    started_ns, received = time.monotonic_ns(), 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TRANSFER_TIMEOUT_S):
            while data := await reader.read(1 << 18):
                received += len(data)
    elapsed_s = (time.monotonic_ns() - started_ns) / 1e9
    writer.transport.abort()
    return int(statistics.median(delays)), received / elapsed_s
