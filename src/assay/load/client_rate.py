"""How many streamed tokens, each a chunk, one core reads as this machine's client: against a simulated endpoint.

256 streams of 96 tokens, a token each 10 ms, by CPU time from the last stream's first token on; what the opening of
connections costs is left out. Cached on disk, for `assay run --plan` starts nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from time import monotonic_ns
from typing import Any

import orjson
import uvloop

from assay import __version__
from assay.assets import cache_dir
from assay.errors import AssayError
from assay.load.calibration import simulator
from assay.load.encoders import completion_body
from assay.load.processes import cpu_ns, die_with_parent
from assay.load.transport import EndpointPool, EndpointSettings, Exchange, Outcome
from assay.runs import write_json
from assay.scratch import scratch_folder
from assay.serving.connection import EndpointConnection

_STREAMS, _TOKENS = 256, 96
_PACE = ("--ttft-ms", "50", "--itl-ms", "10", "--max-num-seqs", str(_STREAMS))
_LIMIT_S = 60.0
_NAME = "client_rate.json"


def known_rate() -> float | None:
    """Tokens/s a core as measured here before, by this version; None: not yet."""
    try:
        known: Any = orjson.loads((cache_dir() / _NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return _rate_of(known) if isinstance(known, Mapping) and known.get("machine") == _machine() else None


def measured_rate() -> float:
    """Tokens/s a core: what is known, or measured now, within about two seconds. Raises AssayError if that fails."""
    if (known := known_rate()) is not None:
        return known
    command = [sys.executable, "-m", "assay.load.client_rate", str(os.getpid())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=True, start_new_session=True)
        rate = _rate_of(orjson.loads(done.stdout))
    except (subprocess.SubprocessError, orjson.JSONDecodeError) as error:
        raise AssayError(f"the client's rate can't be measured: {error}") from None
    if rate is None:
        raise AssayError(f"the client's rate can't be measured: {done.stdout!r}")
    with contextlib.suppress(OSError):
        cache_dir().mkdir(parents=True, exist_ok=True)
        write_json(cache_dir() / _NAME, {"machine": _machine(), "tokens_per_core_s": rate})
    return rate


def _rate_of(told: Mapping[str, Any]) -> float | None:
    rate = told.get("tokens_per_core_s")
    return float(rate) if isinstance(rate, int | float) and rate > 0 else None


def _machine() -> str:
    return (
        f"{platform.node()} {platform.machine()} {platform.release()} Python {platform.python_version()} {__version__}"
    )


def _main() -> None:
    die_with_parent(int(sys.argv[1]))
    with scratch_folder() as folder, simulator(folder, *_PACE) as url:
        rate = uvloop.run(_measure(url))
    sys.stdout.buffer.write(orjson.dumps({"tokens_per_core_s": rate}))


async def _measure(url: str) -> float:
    done: asyncio.Queue[Exchange] = asyncio.Queue()
    begun: list[int] = []  # of each stream's first token, the process' CPU time
    all_begun_ns = 0

    def first(exchange: Exchange) -> None:
        nonlocal all_begun_ns
        begun.append(cpu_ns())
        all_begun_ns = monotonic_ns()

    pool = EndpointPool(
        EndpointSettings(EndpointConnection(url=url)), first, done.put_nowait, asyncio.get_running_loop()
    )
    for tag in range(_STREAMS):
        pool.submit(tag, completion_body("simulated", [1, 2, 3], _TOKENS))
    exchanges = [await done.get() for _ in range(_STREAMS)]
    spent_ns = cpu_ns() - begun[-1]
    await pool.close()
    if any(exchange.outcome is not Outcome.OK for exchange in exchanges):
        raise AssayError("the simulator didn't answer every request")
    read = sum(time_ns > all_begun_ns for exchange in exchanges for time_ns in exchange.chunk_ns)
    return read / max(1, spent_ns) * 1e9


if __name__ == "__main__":
    _main()
