"""What the harness itself costs: memory of long runs, and the way from a worker to the load process.

    python benchmarks/harness.py [--json]

The run has 13,368 generated prompts and answers of 128 tokens from simulated endpoints; LoadGen, router, workers and
transport are the real ones. So they are in the pacer's load of 100,000 requests, whose memory is held against that of
2,000, and whose issue times against their schedule. The IPC part sends two messages a sample (first token; done, with
128 token ids) from one process to another: assay's frames over a socket pair, and for comparison pickled tuples over a
multiprocessing.Pipe.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.simulated import Run, run, simulators

from assay.load import frames
from assay.runs import read_requests

SAMPLES = 13_368
TOKENS = 128
GOAL_MB = 300
MESSAGES = 20_000
FEW, MANY = 2_000, 100_000
IDS = bytes(4 * TOKENS)
FAST = ("--ttft-ms", "2", "--itl-ms", "0.2", "--tokens-per-step", "8")
PACED = ("--ttft-ms", "2", "--itl-ms", "0.2", "--output-tokens", "8", "--max-num-seqs", "256")


def offline_memory() -> dict[str, Any]:
    """Peak resident memory of LoadGen's process and of the workers, MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with simulators(folder, [FAST, FAST]) as urls:
            started_s = time.monotonic()
            result = run(
                folder, urls, samples=SAMPLES, window=64, max_tokens=TOKENS, limit_s=600,
                timeouts={"request_s": 120, "stall_s": 60},
            )  # fmt: skip
            wall_s = time.monotonic() - started_s
    if result.ledger.completed != SAMPLES or result.ledger.problems:
        raise RuntimeError(f"the run is not sound: {result.ledger}")
    peaks, hops = _peaks_mb(result), result.outcome.hops
    assert hops is not None
    return {
        "simulated": True,
        "samples": SAMPLES,
        "wall_s_with_closing": round(wall_s, 1),
        "peak_mb_loadgen_process": round(peaks.pop("loadgen")),
        "peak_mb_workers": {name: round(peak) for name, peak in peaks.items()},
        "done_to_loadgen_p50_ms": hops.p50_ns / 1e6,
        "done_to_loadgen_p99_ms": hops.p99_ns / 1e6,
    }


def pacer_memory() -> dict[str, Any]:
    """Peak resident memory of the driver and its worker by the number of requests, MB, and the first's ratio."""
    found: dict[str, Any] = {"simulated": True}
    for requests in (FEW, MANY):
        shape = {"kind": "concurrency", "concurrency": 64, "requests": requests}
        peaks = _peaks_mb(_paced(shape, samples=500))
        found[f"peak_mb_of_{requests}"] = {name: round(peak, 1) for name, peak in peaks.items()}
        found[f"driver_mb_of_{requests}"] = round(peaks["pacer"], 1)
    found["driver_ratio"] = round(found[f"driver_mb_of_{MANY}"] / found[f"driver_mb_of_{FEW}"], 3)
    return found


def pacer_lateness() -> dict[str, float]:
    """How late the pacer issues Poisson arrivals, ms."""
    with tempfile.TemporaryDirectory() as name:
        result = _paced({"kind": "rate", "rate": 200, "requests": 4000}, samples=500, folder=Path(name))
        table = read_requests(result.folder.requests, ["issued_ns", "scheduled_ns"])
    late_ns = table["issued_ns"].to_numpy() - table["scheduled_ns"].to_numpy()
    return {f"p{share}_ms": round(float(np.percentile(late_ns, share)) / 1e6, 3) for share in (50, 99, 100)}


def _paced(shape: dict[str, Any], samples: int, folder: Path | None = None) -> Run:
    if folder is None:
        with tempfile.TemporaryDirectory() as name:
            return _paced(shape, samples, Path(name))
    with simulators(folder, [PACED]) as urls:
        result = run(folder, urls, samples=samples, window=1000, shape=shape, limit_s=600)
    if result.ledger.problems or result.ledger.completed != shape["requests"]:
        raise RuntimeError(f"the run is not sound: {result.ledger}")
    return result


def _peaks_mb(result: Run) -> dict[str, float]:
    return {name: facts.peak_rss_bytes / 1e6 for name, facts in result.outcome.processes.items()}


def send_frames(connection: socket.socket) -> None:
    for sample in range(MESSAGES):
        first = frames.pack_first(frames.First(sample, 1, 7, 1))
        done = frames.pack_done(frames.Done(sample, 1, 0, 0, TOKENS, TOKENS, 1, 2, 3, 4, 0, IDS, ""))
        connection.sendall(first + done)
    connection.close()


def receive_frames() -> int:
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("fork").Process(target=send_frames, args=(theirs,))
    process.start()
    theirs.close()
    reader, found = frames.FrameReader(), 0
    while data := ours.recv(1 << 20):
        for frame in reader.feed(data):
            found += 1
            frames.unpack_first(frame) if frame[0] == frames.FIRST else frames.unpack_done(frame)
    process.join()
    return found


def send_pickles(connection: Any) -> None:
    for sample in range(MESSAGES):
        connection.send(("first", sample, 1, 7, 1))
        connection.send(("done", sample, 1, 0, 0, TOKENS, TOKENS, 1, 2, 3, 4, 0, IDS, ""))
    connection.close()


def receive_pickles() -> int:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=send_pickles, args=(theirs,))
    process.start()
    theirs.close()
    found = 0
    try:
        while True:
            ours.recv()
            found += 1
    except EOFError:
        process.join()
        return found


def cost_us(receive: Callable[[], int]) -> float:
    """CPU time a sample, of both processes, µs; the median of five rounds."""
    rounds = []
    for _ in range(5):
        before = _cpu_s()
        if receive() != 2 * MESSAGES:
            raise RuntimeError("messages were lost")
        rounds.append((_cpu_s() - before) / MESSAGES * 1e6)
    return median(rounds)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ours, pickles = cost_us(receive_frames), cost_us(receive_pickles)
    found = {
        "ipc_us_per_sample": round(ours, 2),
        "ipc_pickled_pipe_us_per_sample": round(pickles, 2),
        "ipc_ratio_to_pickled_pipe": round(pickles / ours, 2),
        "load_average": os.getloadavg()[0],
        "offline": offline_memory(),
        "pacer": pacer_memory(),
        "pacer_issue_lateness": pacer_lateness(),
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    offline = found["offline"]
    print(f"IPC: {ours:.1f} µs a sample, pickled pipe {pickles:.1f} µs: {pickles / ours:.1f} times")
    peak = offline["peak_mb_loadgen_process"]
    print(f"{SAMPLES} simulated Offline samples: {peak} MB in LoadGen's process (goal {GOAL_MB})")
    paced = found["pacer"]
    print(
        f"{MANY:,} simulated requests of the pacer: {paced[f'driver_mb_of_{MANY}']} MB in the driver, "
        f"{paced['driver_ratio']} times that of {FEW:,}"
    )
    print(f"The pacer's arrivals are issued late by {found['pacer_issue_lateness']['p99_ms']} ms at p99")


if __name__ == "__main__":
    main()
