"""Assay's own transport, driven as its worker drives it: from callbacks, with bodies made ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop

from assay.load.encoders import completion_body
from assay.load.transport import EndpointPool, EndpointSettings, Exchange, Outcome
from assay.serving.connection import EndpointConnection
from peers.work import Sample, Work


def bodies_of(work: Work) -> list[bytes]:
    """The requests' bodies."""
    bodies = []
    for number in range(work.requests):
        payload = work.payload(number)
        bodies.append(
            completion_body(
                payload["model"],
                payload["prompt"],
                payload["max_tokens"],
                stream=work.stream,
                extra={"user": payload["user"]},
            )
        )
    return bodies


def prepare_assay(work: Work) -> Callable[[], list[Sample]]:
    """Makes the bodies, as assay does before its clock starts; what is returned does the rest."""
    bodies = bodies_of(work)

    async def run() -> list[Sample]:
        loop = asyncio.get_running_loop()
        done: list[Sample] = []
        ended = asyncio.Event()
        numbers = iter(range(work.requests))

        def start() -> None:
            number = next(numbers, None)
            if number is not None:
                pool.submit(number, bodies[number])

        def on_done(exchange: Exchange) -> None:
            done.append(_sample(exchange))  # as the worker: no exchange is kept
            start()
            if len(done) == work.requests:
                ended.set()

        pool = EndpointPool(EndpointSettings(EndpointConnection(url=work.url)), lambda exchange: None, on_done, loop)
        for user in range(work.concurrency):
            loop.call_later(work.stagger_s * user / work.concurrency, start)
        await ended.wait()
        await pool.close()
        return done

    return lambda: uvloop.run(run())


def _sample(exchange: Exchange) -> Sample:
    if exchange.outcome is not Outcome.OK:
        raise RuntimeError(f"request {exchange.tag}: {exchange.outcome}: {exchange.detail}")
    tokens = exchange.output_tokens or 0
    return Sample(exchange.tag, exchange.sent_ns, exchange.first_ns, exchange.last_ns, tokens)
