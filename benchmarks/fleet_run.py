"""A whole run against many simulated endpoints on this machine: `assay run` with the real LoadGen, and its report.

    python benchmarks/fleet_run.py [--endpoints 1024] [--scenario Server] [--seconds 60] [--json]

Simulators have the upper half of the cores, one process a core with its share of the endpoints; everything of the
client has the lower half. The load is sized from the simulators' cores. `combined_over_ideal` is how long the endpoints
would take for the same answers at the speed that they are set to, each place taking the next at once, over how long the
run took from the first issue to the last answer: what the simulators themselves are late is lost in it too, and is
printed beside. In Server, where arrivals set the pace, it is how long the answers would take at that speed from their
issue on, in sum, over how long they took.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import yaml

from assay.load.processes import raise_file_limit
from assay.runs import RunFolder, read_ledger, read_requests, read_result
from assay.runs.campaign import find_campaigns
from assay.runs.progress import DoneEvent, PhaseEvent, read_progress
from fleet_processes import Seen, Watcher
from fleet_truth import Pace, ideal_s, served

GOAL = 0.97
CHUNKS, TOKENS_PER_CHUNK, TTFT_MS = 32, 4, 200.0
CHUNKS_PER_S_A_CORE = 4_000
"""Of simulators: about a third of what a core sends, so that they are on time."""
PROMPTS = 2_000
_READY_S = 120
_LOOK_S = 0.1


def pace_of(options: argparse.Namespace, cores: int) -> Pace:
    """So many chunks a second that each simulator's core sends what is asked of it."""
    itl_ms = options.endpoints * options.window / (cores * options.chunks_per_s_a_core) * 1e3
    return Pace(TTFT_MS, round(itl_ms, 3), TOKENS_PER_CHUNK, options.window)


@contextmanager
def simulators(folder: Path, pace: Pace, endpoints: int, cores: list[int]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """One pinned process a core; each writes its ports to `port-N`, and its endpoints' truth to `truth-N` and on."""
    processes = []
    try:
        for number, (core, share) in enumerate(zip(cores, shares(endpoints, len(cores)), strict=True)):
            settings = {
                "port": 0,
                "port-file": folder / f"port-{number}",
                "truth": folder / f"truth-{number}",
                "endpoints-per-process": share,
                "seed": 1000 * number,
                "max-num-seqs": pace.places,
                "ttft-ms": pace.ttft_ms,
                "itl-ms": pace.itl_ms,
                "tokens-per-step": pace.tokens_per_chunk,
                "output-tokens": CHUNKS * pace.tokens_per_chunk,
                "output-sigma": 0.3,
            }
            command = [sys.executable, "-m", "assay.simulator"]
            for name, value in settings.items():
                command += [f"--{name}", str(value)]
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=_pinned({core})))
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(60)


def shares(endpoints: int, processes: int) -> list[int]:
    """How many of the endpoints each process has."""
    return [endpoints // processes + (number < endpoints % processes) for number in range(processes)]


def _pinned(cores: set[int]) -> Any:
    def pin() -> None:
        os.sched_setaffinity(0, cores)
        raise_file_limit()

    return pin


def ports(folder: Path, processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """Of all endpoints, once all listen."""
    give_up_s = time.monotonic() + _READY_S
    files = [folder / f"port-{number}" for number in range(len(processes))]
    while not all(file.exists() for file in files):
        if any(process.poll() is not None for process in processes) or time.monotonic() > give_up_s:
            raise RuntimeError("a simulator doesn't listen")
        time.sleep(0.05)
    return [int(port) for file in files for port in file.read_text().split()]


def write_configuration(folder: Path, options: argparse.Namespace, pace: Pace, urls: list[str]) -> Path:
    """`assay.yaml`, with a benchmark and generated prompts of its own."""
    words = np.random.default_rng(1).integers(0, 10_000, (PROMPTS, 48))
    rows = [{"prompt": " ".join(f"word{number}" for number in row)} for row in words.tolist()]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    least = {"min_duration_ns": 1_000_000_000, "min_query_count": 1}
    limits = {"ttft_limit_ns": 2_000_000_000, "tpot_limit_ns": 200_000_000}
    benchmark = {
        "name": "fleet",
        "title": "Generated prompts on simulated endpoints",
        "max_new_tokens": 4 * CHUNKS * pace.tokens_per_chunk,
        "dataset": {"title": "Generated words", "files": ["prompts.jsonl"]},
        "scenarios": {
            "Offline": {"loadgen_scenario": "Offline", **least},
            "Server": {"loadgen_scenario": "Server", **least, **limits},
        },
        "scorer": None,
    }
    (folder / "fleet.yaml").write_text(yaml.safe_dump(benchmark))
    rate = sum_of_rates(options, pace)
    target = options.server_share * rate
    queries = max(options.endpoints, round((rate if options.scenario == "Offline" else target) * options.seconds))
    settings: dict[str, Any] = {
        "name": "fleet",
        "benchmark": str(folder / "fleet.yaml"),
        "scenarios": [options.scenario],
        "modes": ["performance"],
        "dataset": {"path": str(folder / "prompts.jsonl")},
        "queries": {options.scenario: queries},
        "target_qps": {"Server": round(target, 3)},
        "engine": {
            "kind": "external",
            "model": "simulated",
            "server": "vllm",
            "window": options.window,
            "endpoints": [
                {"url": url, "name": f"e{number:04}", "node": f"n{number:04}"} for number, url in enumerate(urls)
            ],
        },
        "load": {"warmup_prompts": options.warmup_prompts} | ({"workers": options.workers} if options.workers else {}),
        "output": str(folder / "results"),
    }
    (folder / "assay.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return folder / "assay.yaml"


def sum_of_rates(options: argparse.Namespace, pace: Pace) -> float:
    """Samples/s of all endpoints at the speed that they are set to, from the mean length of answers."""
    mean_s = float(pace.service_s(np.array([CHUNKS * pace.tokens_per_chunk]))[0])
    return float(options.endpoints * options.window / mean_s)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    client, servers = cores[: len(cores) // 2], cores[len(cores) // 2 :]
    servers = servers[: options.endpoints]
    pace = pace_of(options, len(servers))
    start_ns = time.monotonic_ns()
    with simulators(folder, pace, options.endpoints, servers) as processes:
        urls = [f"http://127.0.0.1:{port}" for port in ports(folder, processes)]
        configuration = write_configuration(folder, options, pace, urls)
        begin_ns = time.monotonic_ns()
        with (folder / "assay.log").open("wb") as log:
            run = subprocess.Popen(
                [sys.executable, "-m", "assay.commands.main", "run", str(configuration)],
                stdout=log, stderr=log, preexec_fn=_pinned(set(client)),
            )  # fmt: skip
        watcher = Watcher([run.pid, *(process.pid for process in processes)])
        watcher.start()
        code = followed(run, folder / "assay.log")
        end_ns = time.monotonic_ns()
        watcher.end()
    told = (folder / "assay.log").read_text(errors="replace")
    campaigns = find_campaigns(folder / "results")
    folders = [RunFolder(path) for campaign in campaigns for path in campaign.runs.iterdir()]
    if code or len(folders) != 1:
        raise RuntimeError(f"assay run ended with {code}:\n{told[-4000:]}")
    found = figures(options, folder, folders[0], pace, (begin_ns, end_ns), watcher.seen)
    found["seconds"] = {"simulators_listen": round((begin_ns - start_ns) / 1e9, 2)} | found["seconds"]
    return {
        "cores": {"client": len(client), "simulators": len(servers)},
        **found,
        "assay_said": told.splitlines()[-12:],
    }


def followed(run: subprocess.Popen[bytes], log: Path) -> int:
    """How the run ends. What it says is passed on to stderr as it comes: it takes minutes, most of them warm-up."""
    with log.open(errors="replace") as said:
        while True:
            code = run.poll()
            sys.stderr.write(said.read())
            sys.stderr.flush()
            if code is not None:
                return code
            time.sleep(_LOOK_S)


def figures(
    options: argparse.Namespace,
    folder: Path,
    run: RunFolder,
    pace: Pace,
    command_ns: tuple[int, int],
    seen: dict[int, Seen],
) -> dict[str, Any]:
    """All that is printed of a run whose command began and ended at `command_ns`."""
    times = read_requests(run.requests, ["issued_ns", "done_ns", "output_tokens"])
    first_ns, last_ns = pc.min(times["issued_ns"]).as_py(), pc.max(times["done_ns"]).as_py()
    ledger, result = read_ledger(run), read_result(run)
    done = served(folder.glob("truth-*"), first_ns, last_ns)
    if len(done.tokens) != ledger.attempts:
        raise RuntimeError(f"the endpoints saw {len(done.tokens)} requests, the ledger {ledger.attempts}")
    wall_s = (last_ns - first_ns) / 1e9
    if options.scenario == "Offline":
        over_ideal = ideal_s(done, pace, options.endpoints) / wall_s
    else:
        latency_s = pc.subtract(times["done_ns"], times["issued_ns"]).to_numpy() / 1e9
        over_ideal = float(pace.service_s(times["output_tokens"].to_numpy()).sum() / latency_s.sum())
    events = read_progress(run.progress)
    phases = {event.phase: event.time_ns for event in events if isinstance(event, PhaseEvent | DoneEvent)}
    files = {str(path.relative_to(run.path)): path.stat().st_size for path in run.path.rglob("*") if path.is_file()}
    assert result is not None
    return {
        "simulated": True,
        "scenario": options.scenario,
        "endpoints": options.endpoints,
        "window": options.window,
        "itl_ms": pace.itl_ms,
        "samples": ledger.issued,
        "combined_over_ideal": round(over_ideal, 4),
        "goal_combined_over_ideal": GOAL,
        "ledger_balanced": ledger.balanced and ledger.completed == ledger.issued,
        "samples_per_s": round(ledger.completed / wall_s, 1),
        "tokens_per_s": round(int(done.tokens.sum()) / wall_s),
        "chunks_per_s": round(int((-(-done.tokens // pace.tokens_per_chunk)).sum()) / wall_s),
        "load_s": round(wall_s, 2),
        "simulators_late_p99_us": done.lateness_p99_us,
        "ttft_p99_ms": round(result.latency["ttft_ns"].p99 / 1e6, 1) if "ttft_ns" in result.latency else None,
        "server_ttft_p99_ms": round(float(np.percentile(done.first_ns - done.arrival_ns, 99)) / 1e6, 1),
        "seconds": {
            "command_to_first_request": round((first_ns - command_ns[0]) / 1e9, 2),
            "command_to_warmup": round((phases["warmup"] - command_ns[0]) / 1e9, 2),
            "last_answer_to_closed": round((phases["done"] - last_ns) / 1e9, 2),
            "closed_to_end_with_reports": round((command_ns[1] - phases["done"]) / 1e9, 2),
        },
        "cpu_share": cpu_shares(seen, first_ns, last_ns),
        "peak_mb": peaks(seen),
        "run_folder_mb": round(sum(files.values()) / 1e6, 1),
        "largest_files_mb": {
            name: round(size / 1e6, 1) for name, size in sorted(files.items(), key=lambda item: -item[1])[:6]
        },
    }


def cpu_shares(seen: dict[int, Seen], first_ns: int, last_ns: int) -> dict[str, Any]:
    """CPU seconds a second of load, by program; of several processes the least, the middle and the most."""
    shares_of: dict[str, list[float]] = {}
    for process in seen.values():
        if (share := process.share(first_ns, last_ns)) is not None:
            shares_of.setdefault(process.name.split()[0], []).append(share)
    return {
        name: {
            "processes": len(values),
            "min": round(min(values), 3),
            "median": round(float(np.median(values)), 3),
            "max": round(max(values), 3),
            "sum": round(sum(values), 2),
        }
        for name, values in shares_of.items()
    }


def peaks(seen: dict[int, Seen]) -> dict[str, float]:
    """The most memory that a process of each program held, MB, and what all of a program's held together."""
    found: dict[str, list[int]] = {}
    for process in seen.values():
        found.setdefault(process.name.split()[0], []).append(process.peak_bytes)
    return {name: round(max(values) / 1e6) for name, values in found.items()} | {
        f"{name}, all {len(values)}": round(sum(values) / 1e6) for name, values in found.items() if len(values) > 1
    }


def as_text(found: dict[str, Any]) -> str:
    met = "met" if found["combined_over_ideal"] >= GOAL and found["ledger_balanced"] else "not met"
    seconds = found["seconds"]
    lines = [
        f"{found['scenario']}, {found['endpoints']} simulated endpoints, {found['samples']:,} samples, "
        f"{found['cores']['client']} cores for the client, {found['cores']['simulators']} for simulators",
        f"combined/ideal {found['combined_over_ideal']} (goal {GOAL}: {met}), "
        f"ledger {'balanced' if found['ledger_balanced'] else 'NOT balanced'}",
        f"over {found['load_s']} s; {found['samples_per_s']:,} samples/s, {found['tokens_per_s']:,} tokens/s, "
        f"{found['chunks_per_s']:,} chunks/s; simulators late by {found['simulators_late_p99_us']} us at p99 at most",
        f"simulators listen after {seconds['simulators_listen']} s; "
        f"warm-up {seconds['command_to_warmup']} s after the command, first request after "
        f"{seconds['command_to_first_request']} s; closed {seconds['last_answer_to_closed']} s after the last answer, "
        f"reports {seconds['closed_to_end_with_reports']} s",
    ]
    for name, share in found["cpu_share"].items():
        each = f"{share['min']:.1%} to {share['max']:.1%}, median {share['median']:.1%}"
        lines.append(f"CPU of {share['processes']} {name}: {each} of a core; peak {found['peak_mb'][name]:,} MB each")
    lines.append(f"run folder {found['run_folder_mb']} MB: {found['largest_files_mb']}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=1024)
    parser.add_argument("--window", type=int, default=8, help="requests in flight at an endpoint (8)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load, at the endpoints' set speed (60)")
    parser.add_argument("--scenario", choices=("Offline", "Server"), default="Offline")
    parser.add_argument(
        "--server-share", type=float, default=0.7, help="Server: arrivals over the endpoints' rate (0.7)"
    )
    parser.add_argument("--chunks-per-s-a-core", type=float, default=CHUNKS_PER_S_A_CORE, help="of simulators")
    parser.add_argument("--warmup-prompts", type=int, default=64)
    parser.add_argument("--workers", type=int, default=0, help="0: as Assay chooses")
    parser.add_argument("--folder", type=Path, help="kept; default: a temporary one")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("needs two cores: one for the client, one for the simulators")
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="assay-fleet-") as scratch:
        folder = (options.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(options, folder)
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    main()
