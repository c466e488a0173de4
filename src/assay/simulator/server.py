"""The simulated server: requests in, jobs to the engine, faults at their time."""

from __future__ import annotations

import asyncio
import os
import ssl
from time import monotonic_ns

import orjson

from assay import SIMULATOR, __version__
from assay.simulator.config import Fault, FaultKind, SimulatorConfig
from assay.simulator.connection import Connection
from assay.simulator.engine import Engine
from assay.simulator.faults import MIDWAY, FaultPlan
from assay.simulator.job import Job
from assay.simulator.metrics import metrics_page
from assay.simulator.rendering import CYCLE, Output, Rendering
from assay.simulator.requests import Asked, read_request
from assay.simulator.timer import AbsoluteTimer
from assay.simulator.truth import Truth

_COMPLETIONS = "/v1/completions"
_CHAT = "/v1/chat/completions"
_FLUSH_S = 1.0


class SimulatorServer:
    """One simulated endpoint on the running event loop."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.connections: set[Connection] = set()
        self.port = config.port
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._truth = Truth(config.truth, each_token=config.truth_tokens)
        self._plan = FaultPlan(config.faults, config.seed, monotonic_ns())
        self._timer = AbsoluteTimer(self._loop, lambda: self._engine.run_due())
        self._engine = Engine(config, self._plan, self._truth, self._timer.set)
        self._output = Output(config.seed)
        self._renderings: dict[tuple[bool, bool], Rendering] = {}
        self._listener: asyncio.Server | None = None
        self._requests = 0

    async def start(self) -> None:
        """Listens; sets `port` if any was allowed."""
        self._rendering(chat=False, with_ids=True)
        await self._listen()
        for fault in self._plan.at_times():
            self._loop.call_later(fault.at_s, self._begin, fault)
        self._flush()

    async def stop(self) -> None:
        """Closes everything and completes the truth."""
        self._stop_listening()
        for connection in list(self.connections):
            connection.half_close()
        self._timer.close()
        self._truth.close()

    def handle(self, connection: Connection, method: str, path: str, body: bytes, arrival_ns: int) -> None:
        """Answers one request."""
        if method == "POST" and path in (_COMPLETIONS, _CHAT):
            if connection.job is not None:
                connection.half_close()  # pipelining isn't served
            else:
                self._complete(connection, body, arrival_ns, chat=path == _CHAT)
        elif method != "GET":
            connection.reply(404, _error(404, f"no {method} {path}"))
        elif path == "/health":
            connection.reply(200, b"")
        elif path == "/version":
            connection.reply(200, orjson.dumps({"version": __version__, "server": SIMULATOR}))
        elif path == "/v1/models":
            entry = {"id": self._config.model, "object": "model", "created": 0, "owned_by": SIMULATOR}
            connection.reply(200, orjson.dumps({"object": "list", "data": [entry]}))
        elif path == "/metrics":
            page = metrics_page(self._engine, self._config.model, self._config.kv_tokens)
            connection.reply(200, page, "text/plain; version=0.0.4")
        else:
            connection.reply(404, _error(404, f"no {path}"))

    def drop(self, job: Job) -> None:
        """The client of a job is gone."""
        self._engine.drop(job)

    def _complete(self, connection: Connection, body: bytes, arrival_ns: int, *, chat: bool) -> None:
        for fault in self._plan.arriving(arrival_ns):
            self._begin(fault)
        try:
            asked = read_request(body, self._config, chat=chat)
        except ValueError as error:
            connection.reply(400, _error(400, str(error)))
            return
        job = self._job(connection, asked, arrival_ns, chat=chat)
        if job.fault is not None and job.fault.kind in (FaultKind.ERROR_500, FaultKind.ERROR_429):
            self._truth.add(job, monotonic_ns(), "faulted")
            status = 500 if job.fault.kind is FaultKind.ERROR_500 else 429
            connection.reply(status, _error(status, "fault injected by the simulator"))
            return
        self._engine.prompt_tokens += job.prompt_tokens
        connection.job = job
        self._engine.submit(job)

    def _job(self, connection: Connection, asked: Asked, arrival_ns: int, *, chat: bool) -> Job:
        self._requests += 1
        fault = self._plan.for_request(arrival_ns)
        total = 0 if fault is not None and fault.kind is FaultKind.EMPTY else asked.total
        elsewhere = CYCLE // 2 if self._plan.corrupts(asked.place, arrival_ns) else 0
        return Job(
            client=connection,
            rendering=self._rendering(chat=chat, with_ids=asked.with_ids),
            request_id=b"%016x" % self._requests,
            user=asked.user,
            start=(asked.place + elsewhere) % CYCLE,
            prompt_tokens=asked.prompt_tokens,
            total=total,
            finish=asked.finish,
            stream=asked.stream,
            wants_usage=asked.wants_usage,
            arrival_ns=arrival_ns,
            fault=fault,
            fault_after=total // 2 if fault is not None and fault.kind in MIDWAY else -1,
        )

    def _rendering(self, *, chat: bool, with_ids: bool) -> Rendering:
        key = (chat, with_ids)
        if key not in self._renderings:
            each_token = self._config.tokens_per_step == 1
            self._renderings[key] = Rendering(
                self._output, self._config.model, chat=chat, with_ids=with_ids, each_token=each_token
            )
        return self._renderings[key]

    async def _listen(self) -> None:
        config, context = self._config, None
        if config.tls_cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(config.tls_cert, config.tls_key)
        self._listener = await self._loop.create_server(
            lambda: Connection(self),
            config.host,
            self.port,
            ssl=context,
            backlog=4096,
            reuse_address=True,
            reuse_port=config.one_port,
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _begin(self, fault: Fault) -> None:
        """A fault of the whole server, or of running requests, begins now."""
        if fault.kind is FaultKind.DIE:
            self._truth.close()
            os._exit(1)
        if fault.kind is FaultKind.REFUSE:
            self._stop_listening()
            if fault.for_s != float("inf"):
                self._loop.call_later(fault.for_s, lambda: self._loop.create_task(self._listen()))
        else:
            self._engine.hit_running(fault)

    def _flush(self) -> None:
        self._truth.flush()
        self._loop.call_later(_FLUSH_S, self._flush)


def _error(status: int, message: str) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": "simulator", "code": status}})
