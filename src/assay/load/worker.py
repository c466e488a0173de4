"""A worker: owns connections to the endpoints, stamps every chunk, keeps the records. One process a core.

Started as `python -m assay.load.worker FD PLAN INDEX PARENT_PID`; FD is its end of a socket pair to LoadGen's process.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import uvloop

from assay.load import frames
from assay.load.attempts import AttemptJournal, attempts_path, warmup_path
from assay.load.bodies import Bodies
from assay.load.demand import demand_of
from assay.load.history import with_answers
from assay.load.plan import EndpointPlan, LoadPlan, read_plan
from assay.load.probe import is_alive
from assay.load.processes import SelfMeasure, die_with_parent, leave_with, quiet_gc, raise_file_limit
from assay.load.shares import Shares
from assay.load.transport import EndpointPool, Exchange, Opening, Outcome, endpoint_pace, process_gate
from assay.load.trial import pool_settings
from assay.load.unwritable import unwritable_line
from assay.serving.client import ControlClient

T = TypeVar("T")
OUTCOMES = list(Outcome)
_OUTCOME_INDEX = {outcome: index for index, outcome in enumerate(OUTCOMES)}
_FLUSH_S = 0.2
_FAREWELL_S = 0.05


class Worker(asyncio.Protocol):
    """Turns SEND frames into requests, and what the endpoints answer into FIRST and DONE frames and records."""

    def __init__(self, plan: LoadPlan, index: int, loop: asyncio.AbstractEventLoop) -> None:
        parts = Path(plan.folder) / "parts"
        self._plan = plan
        self._index = index
        self._loop = loop
        self._reader = frames.FrameReader()
        shares, gate = Shares(demand_of(plan).loads, plan.workers), process_gate()
        self._pools = [
            self._pool(endpoint, Opening(endpoint_pace(shares.sharers(number)), gate))
            for number, endpoint in enumerate(plan.endpoints)
        ]
        self._clients = [ControlClient(endpoint.connection) for endpoint in plan.endpoints]
        bodies = {path: Bodies(Path(path)) for path in {endpoint.bodies for endpoint in plan.endpoints}}
        self._bodies = [bodies[endpoint.bodies] for endpoint in plan.endpoints]
        self._prompt_tokens: list[int] = np.load(plan.prompt_tokens).tolist()
        self._attempts = AttemptJournal(attempts_path(parts, index))
        self._warmup = AttemptJournal(warmup_path(parts, index))
        self._unwritable = False
        self._sends: dict[int, frames.Send] = {}
        self._next_tag = 0
        self._outbox: list[bytes] = []
        self._measure = SelfMeasure()
        self._tokenizer: Any = None
        self._background: set[asyncio.Task[None]] = set()
        if plan.mode == "accuracy" and plan.tokenizer:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(plan.tokenizer)

    def _pool(self, endpoint: EndpointPlan, opening: Opening) -> EndpointPool:
        settings = pool_settings(endpoint, self._plan.timeouts)
        on_first = self._on_first if self._plan.streams_first_token else _not_wanted
        return EndpointPool(settings, on_first, self._on_done, self._loop, opening)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._post(frames.pack_word(frames.READY))
        self._flush_journals()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop()

    def data_received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            kind = frame[0]
            if kind == frames.SEND:
                self._send(frames.unpack_send(frame))
            elif kind == frames.PROBE:
                task = self._loop.create_task(self._probe(frames.unpack_probe(frame)))
                self._background.add(task)
                task.add_done_callback(self._background.discard)
            elif kind == frames.STATS:
                self._measure.start(self._loop)
            elif kind == frames.STOP:
                self._report()
                self._stop()

    def _send(self, send: frames.Send) -> None:
        tag = self._next_tag
        self._next_tag += 1
        self._sends[tag] = send
        body = self._bodies[send.endpoint][send.qsl_idx]
        if send.history:
            body = with_answers(body, send.history)
        while time.monotonic_ns() < send.due_ns:  # well below a ms, which is what timers of an event loop can tell
            pass
        self._pools[send.endpoint].submit(tag, body)

    def _on_first(self, exchange: Exchange) -> None:
        send = self._sends[exchange.tag]
        token = exchange.ids[0] if exchange.ids else -1
        self._post(frames.pack_first(frames.First(send.sample, send.attempt, token, exchange.first_ns)))

    def _on_done(self, exchange: Exchange) -> None:
        send = self._sends.pop(exchange.tag)
        assert exchange.outcome is not None
        tokens = exchange.streamed_tokens
        self._post(
            frames.pack_done(
                frames.Done(
                    send.sample,
                    send.attempt,
                    send.endpoint,
                    _OUTCOME_INDEX[exchange.outcome],
                    -1 if tokens is None else tokens,
                    len(exchange.chunk_ns),
                    exchange.sent_ns,
                    exchange.first_ns,
                    exchange.last_ns,
                    exchange.done_ns,
                    exchange.retry_after_ns,
                    self._output_bytes(exchange),
                    exchange.detail,
                )
            )
        )
        journal = self._attempts if send.sample >= 0 else self._warmup
        row = self._row(send, exchange)
        self._write(lambda: journal.add(row))

    def _output_bytes(self, exchange: Exchange) -> bytes:
        """The output as int32 ids, for LoadGen's accuracy log; made from the text where the server sends only that.

        Where later turns need it, the text.
        """
        if self._plan.live_history:
            return exchange.text().encode() if exchange.outcome is Outcome.OK else b""
        ids: Sequence[int] | None = exchange.token_ids
        if ids is None and self._tokenizer is not None and exchange.outcome is Outcome.OK:
            ids = self._tokenizer.encode(exchange.text(), add_special_tokens=False).ids
        return array("i", ids).tobytes() if ids else b""

    def _row(self, send: frames.Send, exchange: Exchange) -> dict[str, Any]:
        row: dict[str, Any] = {
            "sample_id": send.sample,
            "qsl_idx": send.qsl_idx,
            "attempt": send.attempt,
            "endpoint": self._plan.endpoints[send.endpoint].name,
            "worker": self._index,
            "status": exchange.outcome,
            "detail": exchange.detail or None,
            "http_status": exchange.http_status or None,
            "sent_ns": exchange.sent_ns or None,
            "first_ns": exchange.first_ns or None,
            "first_answer_ns": exchange.first_answer_ns or None,
            "last_ns": exchange.last_ns or None,
            "done_ns": exchange.done_ns,
            "chunk_at_ns": exchange.chunk_ns,
            "chunk_tokens": None if exchange.ids_missing else exchange.chunk_tokens,
            "input_tokens": exchange.usage_prompt or self._prompt_tokens[send.qsl_idx],
            "prompt_tokens_sent": self._prompt_tokens[send.qsl_idx] if self._plan.prompt_tokens_exact else None,
            "prompt_tokens_guessed": None if self._plan.prompt_tokens_exact else self._prompt_tokens[send.qsl_idx],
            "prompt_tokens_counted": exchange.usage_prompt,
            "cached_tokens": exchange.usage_cached,
            "output_tokens": exchange.output_tokens,
            "streamed_tokens": exchange.streamed_tokens,
            "reasoning_tokens": exchange.usage_reasoning,
            "token_source": None if exchange.token_source == "text" else exchange.token_source,
            "finish_reason": exchange.finish_reason,
            "answer_model": exchange.model,
            "output_ids": exchange.token_ids,
            "reused": exchange.reused,
        }
        if exchange.token_source == "text" or (self._plan.tokenizer and exchange.token_source == "usage"):
            row["text"] = exchange.streamed_text()  # counted with the tokenizer when the run is closed
        return row

    async def _probe(self, endpoint: int) -> None:
        healthy = await is_alive(self._clients[endpoint])
        self._post(frames.pack_health(frames.Health(endpoint, healthy)))

    def _post(self, message: bytes) -> None:
        if not self._outbox:
            self._loop.call_soon(self._flush_outbox)
        self._outbox.append(message)

    def _flush_outbox(self) -> None:
        if self._outbox and not self._transport.is_closing():  # else the load's process is gone, and nobody reads
            self._transport.write(b"".join(self._outbox))
        self._outbox.clear()

    def _flush_journals(self) -> None:
        """A part at a time: between them the loop stamps the chunks that came."""
        if self._write(lambda: self._attempts.step() or self._warmup.step()):
            self._loop.call_soon(self._flush_journals)
        else:
            self._loop.call_later(_FLUSH_S, self._flush_journals)

    def _write(self, act: Callable[[], T]) -> T | None:
        """Do something that writes a journal. A disk that takes no more ends the load, whose process is told once.

        What couldn't be written is tried again, for the last time as this process ends.
        """
        try:
            return act()
        except OSError as error:
            if not self._unwritable:
                self._unwritable = True
                self._post(frames.pack_word(frames.UNWRITABLE, unwritable_line(error)))
            return None

    def _report(self) -> None:
        self._flush_outbox()
        self._transport.write(frames.pack_word(frames.STATS, self._measure.report().model_dump_json().encode()))

    def _stop(self) -> None:
        for tag, send in list(self._sends.items()):  # each leaves a record that says so
            self._pools[send.endpoint].cancel(tag)
        self._loop.call_later(_FAREWELL_S, self._finish)

    def keep(self) -> None:
        """Write what was measured so far."""
        self._attempts.flush()
        self._warmup.flush()

    def _finish(self) -> None:
        self._write(self.keep)
        self._flush_outbox()
        self._transport.close()
        self._loop.stop()


def _not_wanted(exchange: Exchange) -> None:
    """Nobody asks for first tokens."""


def give_up(worker: Worker, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A defect of the worker itself: better no result than one from a worker that lost a request.

    What it had measured is kept, and it ends even where neither that nor the defect can be written.
    """
    try:
        with suppress(OSError):
            loop.default_exception_handler(context)
            sys.stderr.flush()
        worker.keep()
    finally:
        os._exit(70)


def main(argv: list[str]) -> int:
    """Run one worker until its parent says stop or is gone."""
    handle, plan_path, index, parent = int(argv[0]), Path(argv[1]), int(argv[2]), int(argv[3])
    die_with_parent(parent)
    raise_file_limit()
    plan = read_plan(plan_path)
    loop = uvloop.new_event_loop()
    connection = socket.socket(fileno=handle)
    try:
        worker = Worker(plan, index, loop)
    except OSError as error:
        connection.sendall(frames.pack_word(frames.UNWRITABLE, unwritable_line(error)))
        return 1
    loop.set_exception_handler(partial(give_up, worker))
    connection.setblocking(False)
    quiet_gc()
    loop.run_until_complete(loop.connect_accepted_socket(lambda: worker, connection))
    loop.run_forever()
    return 0


if __name__ == "__main__":
    leave_with(main)
