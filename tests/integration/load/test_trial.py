"""One request before any run: tried again where a run would send it again."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from assay.load.bodies import write_bodies
from assay.load.plan import EndpointPlan, Timeouts
from assay.load.transport import Exchange, Outcome
from assay.load.trial import try_one
from assay.serving.connection import EndpointConnection

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
EVENT = b'data: {"choices":[{"index":0,"text":" a","finish_reason":"stop","token_ids":[1]}]}\n\n'
REFUSAL = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno"


async def tried(folder: Path, *replies: bytes) -> tuple[Exchange, int]:
    """What becomes of one request where each connection gets the next of `replies`."""
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(left.pop(0))
            await writer.drain()
        writer.close()

    write_bodies(folder / "bodies", [b"{}"])
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    endpoint = EndpointPlan(name="e", connection=EndpointConnection(url=url), window=1, bodies=str(folder / "bodies"))
    try:
        return await try_one(endpoint, Timeouts(), 0, max_attempts=3)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("replies", "outcome", "tries"),
    [
        ([HEAD + EVENT + b"data: [DONE]\n\n"], Outcome.OK, 1),
        ([HEAD + EVENT, HEAD + EVENT, HEAD + EVENT + b"data: [DONE]\n\n"], Outcome.OK, 3),
        ([HEAD + EVENT] * 3, Outcome.TRUNCATED, 3),
        ([REFUSAL], Outcome.HTTP_4XX, 1),
    ],
    ids=["well at once", "well at the third try", "never well", "refused for what it is"],
)
async def test_what_breaks_off_is_tried_again(
    tmp_path: Path, replies: list[bytes], outcome: Outcome, tries: int
) -> None:
    exchange, taken = await tried(tmp_path, *replies)
    assert (exchange.outcome, taken) == (outcome, tries)
