"""What the harness itself costs: memory of a full-size Offline run, and the way from a worker to LoadGen's process.

    python benchmarks/harness.py [--json]

The run has 13,368 generated prompts and answers of 128 tokens from simulated endpoints; LoadGen,
router, workers and transport are the real ones. The IPC part sends two messages a sample (first token; done, with 128
token ids) from one process to another: assay's frames over a socket pair, and for comparison pickled tuples over a
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.simulated import run, simulators

from assay.load import frames

SAMPLES = 13_368
TOKENS = 128
GOAL_MB = 300
MESSAGES = 20_000
IDS = bytes(4 * TOKENS)
FAST = ("--ttft-ms", "2", "--itl-ms", "0.2", "--tokens-per-step", "8")


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
    peaks = {name: facts["peak_rss_bytes"] / 1e6 for name, facts in result.outcome["processes"].items()}
    hops = result.outcome["hop_percentiles_ns"]
    return {
        "simulated": True,
        "samples": SAMPLES,
        "wall_s_with_closing": round(wall_s, 1),
        "peak_mb_loadgen_process": round(peaks.pop("loadgen")),
        "peak_mb_workers": {name: round(peak) for name, peak in peaks.items()},
        "done_to_loadgen_p50_ms": hops[0] / 1e6,
        "done_to_loadgen_p99_ms": hops[1] / 1e6,
    }


def send_frames(connection: socket.socket) -> None:
    for sample in range(MESSAGES):
        first = frames.pack_first(frames.First(sample, 1, 7, 1))
        done = frames.pack_done(frames.Done(sample, 1, 0, 0, TOKENS, TOKENS, 1, 2, 3, 4, IDS))
        connection.sendall(first + done)
    connection.close()


def receive_frames() -> int:
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("fork").Process(target=send_frames, args=(theirs,))
    process.start()
    theirs.close()
    reader, found = frames.FrameReader(), 0
    while data := ours.recv(1 << 20):
        for payload in reader.feed(data):
            found += 1
            frames.unpack_first(payload) if payload[0] == frames.FIRST else frames.unpack_done(payload)
    process.join()
    return found


def send_pickles(connection: Any) -> None:
    for sample in range(MESSAGES):
        connection.send(("first", sample, 1, 7, 1))
        connection.send(("done", sample, 1, 0, 0, TOKENS, TOKENS, 1, 2, 3, 4, IDS))
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
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    offline = found["offline"]
    print(f"IPC: {ours:.1f} µs a sample, pickled pipe {pickles:.1f} µs: {pickles / ours:.1f} times")
    peak = offline["peak_mb_loadgen_process"]
    print(f"{SAMPLES} simulated Offline samples: {peak} MB in LoadGen's process (goal {GOAL_MB})")


if __name__ == "__main__":
    main()
