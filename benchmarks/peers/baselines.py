"""aiohttp and httpx, used the way their documentation shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic_ns

from peers.work import Sample, Work, in_flight


def run_aiohttp(work: Work) -> list[Sample]:
    import aiohttp

    async def run() -> list[Sample]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def ask(number: int) -> Sample:
                sent_ns = monotonic_ns()
                async with session.post(work.url + "/v1/completions", json=work.payload(number)) as reply:
                    reply.raise_for_status()
                    if work.stream:
                        return await _read_stream(number, sent_ns, aiter(reply.content))
                    return _read_whole(number, sent_ns, await reply.json())

            return await in_flight(work, ask)

    return asyncio.run(run())


def run_httpx(work: Work) -> list[Sample]:
    import httpx

    async def run() -> list[Sample]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=600, trust_env=False) as client:

            async def ask(number: int) -> Sample:
                sent_ns = monotonic_ns()
                url, payload = work.url + "/v1/completions", work.payload(number)
                if not work.stream:
                    whole = await client.post(url, json=payload)
                    whole.raise_for_status()
                    return _read_whole(number, sent_ns, whole.json())
                async with client.stream("POST", url, json=payload) as reply:
                    reply.raise_for_status()
                    return await _read_stream(number, sent_ns, (line.encode() async for line in reply.aiter_lines()))

            return await in_flight(work, ask)

    return asyncio.run(run())


def _read_whole(number: int, sent_ns: int, reply: dict[str, list[dict[str, list[int]]]]) -> Sample:
    now_ns = monotonic_ns()
    return Sample(number, sent_ns, now_ns, now_ns, len(reply["choices"][0]["token_ids"]))


async def _read_stream(number: int, sent_ns: int, lines: AsyncIterator[bytes]) -> Sample:
    sample = Sample(number, sent_ns, 0, 0, 0)
    async for line in lines:
        if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
            continue
        chunk = json.loads(line[6:])
        if chunk["choices"] and chunk["choices"][0]["token_ids"]:
            sample.last_ns = monotonic_ns()
            sample.first_ns = sample.first_ns or sample.last_ns
            sample.tokens += len(chunk["choices"][0]["token_ids"])
    return sample
