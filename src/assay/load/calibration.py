"""A short calibration: the client against a simulated endpoint that writes down the truth. No model takes part.

64 requests, 16 at once, TTFT 50 ms and 10 ms between 16 tokens: what the client measures of them, less what the
simulator really did, is the client's own error on this machine, now.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from assay.errors import AssayError
from assay.load.encoders import completion_body
from assay.load.processes import die_with_parent
from assay.load.transport import EndpointPool, EndpointSettings, Exchange
from assay.scratch import scratch_folder
from assay.serving.connection import EndpointConnection

_REQUESTS, _AT_ONCE, _TOKENS = 64, 16, 16
_PACE = ("--ttft-ms", "50", "--itl-ms", "10", "--max-num-seqs", "64")
_LIMIT_S = 60.0
_TRUTH_NAME = "truth"


@functools.cache
def calibrate() -> dict[str, float]:
    """Errors of TTFT and TPOT: `ttft_error_p50_ns`, `ttft_error_p99_ns`, `tpot_error_mean_ns`, and `requests`.

    Runs in a process of its own, as the workers do, and once a controller's life. Raises AssayError if it fails.
    """
    command = [sys.executable, "-m", "assay.load.calibration", str(os.getpid())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=True, start_new_session=True)
        found: dict[str, float] = orjson.loads(done.stdout)
    except (subprocess.SubprocessError, orjson.JSONDecodeError) as error:
        raise AssayError(f"the client's calibration failed: {error}") from None
    return found


def _main() -> None:
    die_with_parent(int(sys.argv[1]))
    with scratch_folder() as folder:
        with simulator(folder, *_PACE) as url:
            exchanges = asyncio.run(_measure(url))
        truth = [orjson.loads(line) for line in (folder / _TRUTH_NAME).read_bytes().splitlines()]
    sys.stdout.buffer.write(orjson.dumps(_errors(exchanges, truth)))


@contextlib.contextmanager
def simulator(folder: Path, *pace: str) -> Iterator[str]:
    """A simulated endpoint; its URL. At the end its truth is in `folder`."""
    port_file, truth = folder / "port", folder / _TRUTH_NAME
    command = [sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", str(port_file)]
    parent = os.getpid()
    process = subprocess.Popen(
        [*command, "--truth", str(truth), *pace],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: die_with_parent(parent),
    )
    try:
        while not (port_file.exists() and port_file.read_text().endswith("\n")):
            if process.poll() is not None:
                raise AssayError("the simulator ended")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{int(port_file.read_text())}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)  # it writes the truth to the end


async def _measure(url: str) -> list[Exchange]:
    done: asyncio.Queue[Exchange] = asyncio.Queue()
    pool = EndpointPool(
        EndpointSettings(EndpointConnection(url=url)), _ignore, done.put_nowait, asyncio.get_running_loop()
    )
    finished: list[Exchange] = []
    for tag in range(_REQUESTS + _AT_ONCE):
        if tag >= _AT_ONCE:
            finished.append(await done.get())
        if tag < _REQUESTS:
            pool.submit(tag, completion_body("simulated", [1, 2, 3], _TOKENS, extra={"user": str(tag)}))
    await pool.close()
    return finished


def _ignore(exchange: Exchange) -> None:
    """First tokens are in the exchange already."""


def _errors(exchanges: list[Exchange], lines: list[dict[str, Any]]) -> dict[str, float]:
    truth = {line["user"]: line for line in lines if not line.get("summary")}
    ttft_ns, tpot_ns = [], []
    for exchange in exchanges:
        true = truth[str(exchange.tag)]
        ttft_ns.append((exchange.first_ns - exchange.sent_ns) - (true["first_ns"] - true["arrival_ns"]))
        steps = _TOKENS - 1
        tpot_ns.append(((exchange.last_ns - exchange.first_ns) - (true["last_ns"] - true["first_ns"])) / steps)
    return {
        "requests": len(exchanges),
        "ttft_error_p50_ns": float(np.median(ttft_ns)),
        "ttft_error_p99_ns": float(np.percentile(np.abs(ttft_ns), 99)),
        "tpot_error_mean_ns": float(np.mean(np.abs(tpot_ns))),
    }


if __name__ == "__main__":
    _main()
