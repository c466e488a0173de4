"""What one core of assay's client could do at best: its cost beside that of doing less with the same replies.

    python benchmarks/limits.py [--json] [--runs 3] [--streams 500]

`assay` is the transport of a worker. `framing` runs on the same event loop and has httptools take HTTP apart, then
drops the bodies; `counting` looks at nothing but the end of a reply; `epoll` has no event loop either, only Python
around epoll, recv and send. All do the same requests of assay's simulator, in turns. The system's part of the CPU is
what the kernel takes, from any client in any language. Three kinds of load: streams that come in one write, plain
requests, and streams of one token a read, as engines send them. Then what it takes to decode events in several ways.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from client import FLOORS, ITL_MS, STREAM_TOKENS, TTFT_MS, run_child
from peers.decoders import DECODERS, EVENTS
from peers.machine import Watch
from peers.server import simulator
from peers.work import Work

BURST, PLAIN_TOKENS = 64, 8
WAYS = ("assay", *FLOORS)
PACED_ROUNDS = 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--runs", type=int, default=3, help="of each measurement (3)")
    parser.add_argument("--streams", type=int, default=500, help="of one token a read (500)")
    parser.add_argument(
        "--requests", type=int, default=10_000, help="of the streams in one write (10,000); plain: twice"
    )
    options = parser.parse_args()
    result = measure(options)
    print(json.dumps(result, indent=2) if options.json else as_text(result))
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All loads, then the decoders."""
    watch, streams = Watch(), options.streams
    paced = ("--ttft-ms", str(TTFT_MS), "--itl-ms", str(ITL_MS))
    round_s = (TTFT_MS + (STREAM_TOKENS - 1) * ITL_MS) / 1000
    loads = {
        "streams_in_one_write": ((), options.requests, BURST, True, STREAM_TOKENS, 0.0),
        "plain_requests": ((), 2 * options.requests, BURST, False, PLAIN_TOKENS, 0.0),
        "one_token_a_read": (paced, PACED_ROUNDS * streams, streams, True, STREAM_TOKENS, round_s),
    }
    cost = {load: costs(options.runs, *fields) for load, fields in loads.items()}
    per_core = {load: {way: round(1e6 / of[way]["us"]) for way in WAYS} for load, of in cost.items()}
    return {
        "a_core_a_second": per_core,
        "times_assay": {
            load: {way: round(of[way] / of["assay"], 2) for way in FLOORS} for load, of in per_core.items()
        },
        "cost": cost,
        "decode_us_per_event": decoding(options.runs),
        "machine": watch.report(),
        "conditions": {"python": sys.version.split()[0], "runs": options.runs, "streams": streams},
    }


def costs(
    runs: int, server: tuple[str, ...], requests: int, streams: int, stream: bool, tokens: int, stagger_s: float
) -> dict[str, dict[str, float]]:
    """CPU of each way, us a token of a stream or a plain request, in the run that neighbours disturbed least."""
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with simulator(*server) as (url, _):
        work = Work(url, requests, streams, stream=stream, max_tokens=tokens, stagger_s=stagger_s)
        units = requests * (tokens if stream else 1)
        for _ in range(runs):
            for way in WAYS:
                done = run_child(way, work)
                found[way].append((done["cpu_s"] / units * 1e6, done["system_s"] / units * 1e6))
    return {way: {"us": round(min(each)[0], 3), "system_us": round(min(each)[1], 3)} for way, each in found.items()}


def decoding(runs: int) -> dict[str, float | None]:
    """CPU to decode one event, us; None where the library isn't there."""
    return {
        name: None if library and find_spec(library) is None else round(decoder_us(make(), runs), 3)
        for name, (library, make) in DECODERS.items()
    }


def decoder_us(decode: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(10 * runs):
        started = time.process_time()
        for _ in range(200):
            decode()
        times.append((time.process_time() - started) / 200 / EVENTS * 1e6)
    return min(times)


def as_text(result: dict[str, Any]) -> str:
    """A table a load, and the decoders."""
    lines = []
    for load, ways in result["cost"].items():
        unit = "request" if load == "plain_requests" else "token"
        lines.append(f"{load}: us of CPU a {unit}, the kernel's part of it, {unit}s a second and core")
        for way, cost in ways.items():
            rate = result["a_core_a_second"][load][way]
            lines.append(f"  {way:10} {cost['us']:8.2f} {cost['system_us']:8.2f} {rate:12,}")
    lines.append("decoding an event, us of CPU")
    for name, each in result["decode_us_per_event"].items():
        lines.append(f"  {name:40} " + ("not installed" if each is None else f"{each:8.2f}"))
    if result["machine"]["warning"]:
        lines.append(result["machine"]["warning"])
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
