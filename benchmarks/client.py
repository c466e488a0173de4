"""How much load one core of assay's client makes, and how exactly it measures; beside the usual HTTP clients.

    python benchmarks/client.py [--json] [--runs 3] [--quick] [--concurrency 1 50 200 1000 4096]

The server is assay's simulator on the first core, the client a process of its own on the second. Throughput is
per CPU second of the client, from its first request to its last; neighbours on the same cores lower it. Errors are
differences from the simulator's truth, taken on the same clock: they hold the server's own delay in noticing a
request, and the loopback's. `--quick` is to see that it works, in less than a minute on a quiet machine: one run of a
tenth of the requests, and two rounds of the paced ones instead of six.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, astuple
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from peers.machine import Watch
from peers.server import CLIENT_CORE, simulator
from peers.tools import measure_tools
from peers.work import Sample, Work

GOALS = {
    "streamed_tokens_per_s_per_core": 250_000,
    "plain_requests_per_s_per_core": 40_000,
    "ttft_error_p99_ms_at_200": 2.0,
    "tpot_error_mean_ms_at_200": 0.05,
}
FLOORS = ("framing", "counting", "epoll")
STREAM_TOKENS = 32
PLAIN_TOKENS = 8
TTFT_MS, ITL_MS = 50, 10
STREAMS_AT_FULL_PACE = 1000
"""More of them get their tokens more slowly, so that all together get as many a second, which one core can send."""
REQUESTS = {  # streamed, plain: what takes each client about two seconds
    "assay": (20_000, 60_000),
    "aiohttp": (4_000, 10_000),
    "httpx": (600, 1_000),
}


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2], json.loads(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--runs", type=int, help="of each throughput measurement (3, or 1 if quick)")
    parser.add_argument("--quick", action="store_true", help="few requests: to see that it works")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 50, 200, 1000], help="of the paced runs")
    parser.add_argument("--tools", action="store_true", help="also guidellm and aiperf, if on PATH: takes minutes")
    parser.add_argument("--clients", nargs="+", default=list(REQUESTS), choices=list(REQUESTS))
    options = parser.parse_args()
    options.runs = options.runs or (1 if options.quick else 3)
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("needs two cores: one for the server, one for the client")
    result = measure(options)
    print(json.dumps(result, indent=2) if options.json else as_text(result))
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements; the headline figures first."""
    watch = Watch()
    throughput = {name: measure_throughput(name, options) for name in options.clients}
    accuracy = {
        name: {
            str(concurrency): measure_accuracy(name, concurrency, rounds=2 if options.quick else 6)
            for concurrency in options.concurrency
            if name == "assay" or concurrency <= 200
        }
        for name in options.clients
    }
    headline: dict[str, Any] = {}
    if "assay" in options.clients:
        headline |= {figure: values["median"] for figure, values in throughput["assay"].items()}
        for concurrency, errors in accuracy["assay"].items():
            headline |= {f"{error}_at_{concurrency}": value for error, value in errors.items() if "error" in error}
    tools = measure_tools(simulator, CLIENT_CORE) if options.tools else {}
    return {
        **headline,
        "goals": GOALS,
        "ratios": ratios(throughput),
        "tools": tools,
        "machine": watch.report(),
        "throughput": throughput,
        "accuracy": accuracy,
        "conditions": {
            "streamed": f"{STREAM_TOKENS}-token streams with token ids and usage, no delay, one write a reply",
            "plain": f"one JSON reply of {PLAIN_TOKENS} tokens",
            "paced": f"TTFT {TTFT_MS} ms, ITL {ITL_MS} ms or, from {STREAMS_AT_FULL_PACE} streams on, "
            f"a hundredth ms a stream, a token a chunk, closed loop, starts staggered",
            "bodies": "assay's are made before the clock starts, as in its runs; the others encode as they send",
            "python": sys.version.split()[0],
            "runs": options.runs,
            "quick": options.quick,
        },
    }


def ratios(throughput: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Assay's medians over those of the others."""
    own = throughput.get("assay")
    if own is None:
        return {}
    return {
        name: {figure: round(own[figure]["median"] / values["median"], 2) for figure, values in figures.items()}
        for name, figures in throughput.items()
        if name != "assay"
    }


def measure_throughput(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Streamed tokens and plain requests per CPU second of the client: median and range of the runs."""
    scale = 10 if options.quick else 1
    streamed, plain = (count // scale for count in REQUESTS[name])
    tokens, requests = [], []
    with simulator() as (url, _):
        for _ in range(options.runs):
            done = run_child(name, Work(url, streamed, 64, stream=True, max_tokens=STREAM_TOKENS))
            tokens.append(done["tokens"] / done["cpu_s"])
            done = run_child(name, Work(url, plain, 64, stream=False, max_tokens=PLAIN_TOKENS))
            requests.append(done["requests"] / done["cpu_s"])
    return {
        "streamed_tokens_per_s_per_core": spread(tokens),
        "plain_requests_per_s_per_core": spread(requests),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": round(median(values)), "min": round(min(values)), "max": round(max(values))}


def measure_accuracy(name: str, concurrency: int, *, rounds: int) -> dict[str, Any]:
    """Measured minus true TTFT and TPOT over the requests of one paced run, and what the client took for it."""
    requests = max(3 * rounds, rounds * concurrency)
    itl_ms = ITL_MS * max(1.0, concurrency / STREAMS_AT_FULL_PACE)
    round_s = (TTFT_MS + (STREAM_TOKENS - 1) * itl_ms) / 1000
    with simulator("--ttft-ms", str(TTFT_MS), "--itl-ms", str(itl_ms)) as (url, truth_file):
        work = Work(url, requests, concurrency, stream=True, max_tokens=STREAM_TOKENS, stagger_s=round_s)
        done = run_child(name, work, records=True)
    *lines, summary = [json.loads(line) for line in truth_file()]
    truth = {line["user"]: line for line in lines}
    ttft, tpot = [], []
    for record in done["records"]:
        sample = Sample(*record)
        true = truth[str(sample.number)]
        ttft.append((sample.first_ns - sample.sent_ns - (true["first_ns"] - true["arrival_ns"])) / 1e6)
        true_tpot = (true["last_ns"] - true["first_ns"]) / (true["tokens"] - 1)
        tpot.append(((sample.last_ns - sample.first_ns) / (sample.tokens - 1) - true_tpot) / 1e6)
    ttft_size, tpot_size = sorted(map(abs, ttft)), sorted(map(abs, tpot))
    return {
        "ttft_error_p50_ms": round(median(ttft), 4),
        "ttft_error_p99_ms": round(ttft_size[int(0.99 * (len(ttft_size) - 1))], 4),
        "tpot_error_mean_ms": round(sum(tpot_size) / len(tpot_size), 5),
        "tpot_error_p99_ms": round(tpot_size[int(0.99 * (len(tpot_size) - 1))], 4),
        "requests": len(ttft),
        "itl_ms": itl_ms,
        "client_cpu_share": round(done["cpu_s"] / done["wall_s"], 3),
        "client_cpu_us_per_token": round(done["cpu_s"] / done["tokens"] * 1e6, 2),
        "client_memory_mb": round(done["memory_bytes"] / 1e6, 1),
        "server_lateness_us": summary["lateness"],
    }


def run_child(name: str, work: Work, *, records: bool = False) -> dict[str, Any]:
    """Runs one client in a process of its own on its core."""
    command = [sys.executable, __file__, "--child", name, json.dumps({"records": records, **asdict(work)})]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600)
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def child(name: str, fields: dict[str, Any]) -> int:
    """The client process: does the work, prints what it cost."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    records = fields.pop("records")
    work = Work(**fields)
    prepare = preparation(name)
    users = min(20, work.concurrency)
    prepare(Work(work.url, 5 * users, users, stream=work.stream, max_tokens=work.max_tokens))()  # a warm-up
    run = prepare(work)
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)  # for all clients alike, as assay's worker does
    memory_bytes = status_bytes("VmRSS")
    system_s = resource.getrusage(resource.RUSAGE_SELF).ru_stime
    cpu_s, wall_s = time.process_time(), time.monotonic()
    samples = run()
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    system_s = resource.getrusage(resource.RUSAGE_SELF).ru_stime - system_s
    memory_bytes = status_bytes("VmHWM") - memory_bytes
    tokens = sum(sample.tokens for sample in samples)
    if tokens != work.requests * work.max_tokens:
        raise RuntimeError(f"{name}: {tokens} tokens came instead of {work.requests * work.max_tokens}")
    result: dict[str, Any] = {
        "cpu_s": cpu_s,
        "system_s": system_s,
        "wall_s": wall_s,
        "requests": len(samples),
        "tokens": tokens,
        "memory_bytes": memory_bytes,
    }
    if records:
        result["records"] = [astuple(sample) for sample in samples]
    print(json.dumps(result))
    return 0


def preparation(name: str) -> Callable[[Work], Callable[[], list[Sample]]]:
    """What makes a client, or one of `limits.py`'s floors, ready for some work; only that one is imported."""
    if name == "assay":
        from peers.transport import prepare_assay

        return prepare_assay
    if name in FLOORS:
        from peers.floors import on_epoll, on_uvloop

        return on_epoll if name == "epoll" else partial(on_uvloop, name == "framing")
    from peers.baselines import run_aiohttp, run_httpx

    return partial(partial, run_aiohttp if name == "aiohttp" else run_httpx)


def status_bytes(field: str) -> int:
    """Memory of this process as the kernel tells it: VmRSS is held now, VmHWM the most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def as_text(result: dict[str, Any]) -> str:
    """The figures as a table, each goal beside its figure."""
    lines = []
    for figure, goal in GOALS.items():
        if figure in result:
            met = result[figure] >= goal if "_per_s_" in figure else result[figure] <= goal
            lines.append(f"{figure:34} {result[figure]:>12,}   goal {goal:>9,}  {'met' if met else 'not met'}")
    for name, figures in result["throughput"].items():
        lines.append(f"\n{name}")
        for figure, value in figures.items():
            lines.append(f"  {figure:34} {value['median']:>10,}   range {value['min']:,} to {value['max']:,}")
        for concurrency, errors in result["accuracy"][name].items():
            late = errors["server_lateness_us"]
            lines.append(
                f"  at {concurrency:>4}: TTFT error p50 {errors['ttft_error_p50_ms']:.3f} p99 "
                f"{errors['ttft_error_p99_ms']:.3f} ms, TPOT error mean {errors['tpot_error_mean_ms']:.4f} ms, "
                f"client CPU {errors['client_cpu_share']:.0%}, {errors['client_memory_mb']:.0f} MB, "
                f"server late p99 {late['p99_us']} us"
            )
    for name, ratio in result["ratios"].items():
        figures = ", ".join(f"{figure} x{value}" for figure, value in ratio.items())
        lines.append(f"\nassay over {name}: {figures}")
    for name, found in result["tools"].items():
        figures = ", ".join(f"{figure} {value}" for figure, value in found.items() if figure != "status")
        lines.append(f"\n{name}: {found['status']} {figures}")
    if result["machine"]["warning"]:
        lines.append(f"\n{result['machine']['warning']}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
