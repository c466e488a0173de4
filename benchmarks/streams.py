"""Many streams at one endpoint: how exactly they are timed, and the CPU that each client process takes.

    python benchmarks/streams.py [--streams 4096] [--workers 1 14] [--json]

The endpoint is simulated, several processes behind one port; pacer, router, workers and transport are the real ones.
The load rises to its requests in flight within `--ramp-s` and stays there; what is told is of the time from then until
the last request is sent. Errors are differences from the simulator's truth on the same clock: they hold the servers'
own delay in noticing a request, so the servers' lateness stands beside them. The first of `--workers` is the baseline;
default: one, and as many as a run on the client's cores would have.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.simulated import make_plan, run

from assay.load.demand import demand_of
from assay.runs import read_requests
from peers.machine import Watch

GOALS = {"ttft_error_p99_ms": 2.0, "worker_cpu_share": 0.6}
LOOK_S = 0.25
TICKS_S = os.sysconf("SC_CLK_TCK")


class CpuWatch(threading.Thread):
    """CPU seconds of this process' descendants, again and again; with `pin`, each worker on a core of its own."""

    def __init__(self, pin: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._pin = pin
        self._over = threading.Event()
        self._seen: list[tuple[int, dict[str, float]]] = []

    def run(self) -> None:
        while not self._over.wait(LOOK_S):
            found = {}
            for pid in descendants(os.getpid()):
                if name := name_of(pid):
                    found[name] = cpu_s(pid)
                    if self._pin and name.startswith("worker-"):
                        os.sched_setaffinity(pid, {self._pin[int(name.removeprefix("worker-")) % len(self._pin)]})
            self._seen.append((time.monotonic_ns(), found))

    def end(self) -> None:
        self._over.set()
        self.join()

    def shares(self, from_ns: int, to_ns: int) -> dict[str, float]:
        """CPU seconds a second of each process between the looks within these times."""
        looks = [look for look in self._seen if from_ns <= look[0] <= to_ns]
        if len(looks) < 2:
            return {}
        (begun_ns, before), (ended_ns, after) = looks[0], looks[-1]
        seconds = (ended_ns - begun_ns) / 1e9
        return {name: round((after[name] - before[name]) / seconds, 3) for name in sorted(after) if name in before}


def descendants(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        own = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return own + [further for child in own for further in descendants(child)]


def name_of(pid: int) -> str | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return None
    if "assay.load.worker" in words:
        return f"worker-{int(words[words.index('assay.load.worker') + 3])}"
    if "assay.load.driver" in words:
        return "driver"
    return f"server-{pid}" if any("spawn_main" in word for word in words) or "assay.simulator" in words else None


def cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_S


@contextmanager
def server(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    """One endpoint of several processes; its URL."""
    port_file = folder / "port"
    command = [
        sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", str(port_file), "--one-port",
        "--processes", str(options.servers), "--max-num-seqs", str(options.streams), "--truth", str(folder / "truth"),
        "--ttft-ms", str(options.ttft_ms), "--itl-ms", str(options.itl_ms), "--jitter", "0.05", "--speed", "1",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, options.server_cores)
    )
    try:
        while not (port_file.exists() and port_file.read_text().endswith("\n")):
            if process.poll() is not None:
                raise RuntimeError("the simulator ended")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{int(port_file.read_text())}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def measure(workers: int, options: argparse.Namespace) -> dict[str, Any]:
    """One run with so many workers."""
    requests = options.streams * options.rounds
    watch = CpuWatch(sorted(options.client_cores) if options.pin else ())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder, options) as url:
            watch.start()
            result = run(
                folder, [url], limit_s=600, samples=requests, window=options.streams, workers=workers,
                max_tokens=options.tokens, timeouts={"request_s": 300, "stall_s": 120},
                shape={"kind": "ramp", "of": "concurrency", "from": 1, "to": options.streams,
                       "over_s": options.ramp_s, "requests": requests},
            )  # fmt: skip
            watch.end()
        if result.ledger.completed != requests or result.ledger.problems:
            raise RuntimeError(f"the run is not sound: {result.ledger}")
        truth, late_us = read_truth(folder)
        table = read_requests(
            result.folder.requests, ["qsl_idx", "status", "issued_ns", "sent_ns", "first_ns", "last_ns"]
        )
    rows = [row for row in table.to_pylist() if row["status"] == "ok"]
    full_ns = min(row["issued_ns"] for row in rows) + int(options.ramp_s * 1e9)
    end_ns = max(row["sent_ns"] for row in rows)
    ttft_ms, tpot_ms = errors_ms([row for row in rows if row["sent_ns"] >= full_ns], truth)
    if not len(ttft_ms):
        raise RuntimeError("no request was sent at full load: more --rounds, or a shorter --ramp-s")
    shares = watch.shares(full_ns, end_ns)
    of_workers = [share for process, share in shares.items() if process.startswith("worker-")]
    return {
        "ttft_error_p50_ms": round(float(np.median(ttft_ms)), 4),
        "ttft_error_p99_ms": round(float(np.percentile(np.abs(ttft_ms), 99)), 4),
        "tpot_error_mean_ms": round(float(np.mean(np.abs(tpot_ms))), 5),
        "requests_at_full_load": len(ttft_ms),
        "seconds_at_full_load": round((end_ns - full_ns) / 1e9, 2),
        "worker_cpu_share_max": max(of_workers, default=None),
        "cpu_share": shares,
        "server_late_p99_us": late_us,
        "completion_hop_p99_ms": result.outcome.hops.p99_ns / 1e6 if result.outcome.hops else None,
    }


def read_truth(folder: Path) -> tuple[dict[int, dict[str, Any]], float]:
    """What the servers wrote down, by sample; and the 99th percentile of how late the latest of them sent, us."""
    truth, late_us = {}, 0.0
    for path in folder.glob("truth*"):
        for line in map(json.loads, path.read_bytes().splitlines()):
            if line.get("summary"):
                late_us = max(late_us, line["lateness"]["p99_us"]) if line["lateness"]["chunks"] else late_us
            else:
                truth[int(line["user"])] = line
    return truth, late_us


def errors_ms(rows: Sequence[dict[str, Any]], truth: dict[int, dict[str, Any]]) -> tuple[Any, Any]:
    """Measured less true TTFT and TPOT of each request, ms."""
    ttft, tpot = [], []
    for row in rows:
        true = truth[row["qsl_idx"]]
        ttft.append((row["first_ns"] - row["sent_ns"]) - (true["first_ns"] - true["arrival_ns"]))
        steps = max(1, true["tokens"] - 1)
        tpot.append(((row["last_ns"] - row["first_ns"]) - (true["last_ns"] - true["first_ns"])) / steps)
    return np.asarray(ttft) / 1e6, np.asarray(tpot) / 1e6


def cores_of(text: str) -> set[int]:
    """`0-3,8` as numbers."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def planned(options: argparse.Namespace) -> int:
    """As many workers as a run of the load on the client's cores would have."""
    with tempfile.TemporaryDirectory() as name:
        plan = make_plan(
            Path(name) / "run", ["http://127.0.0.1:1"], samples=1, window=options.streams,
            shape={"kind": "concurrency", "concurrency": options.streams},
        )  # fmt: skip
        return demand_of(plan).workers(len(options.client_cores))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--streams", type=int, default=4096, help="requests in flight")
    parser.add_argument("--workers", type=int, nargs="+", help="client workers of each run, the first the baseline")
    parser.add_argument("--tokens", type=int, default=128, help="of each answer, each a chunk")
    parser.add_argument("--rounds", type=int, default=8, help="requests, as a multiple of the streams")
    parser.add_argument("--ttft-ms", type=float, default=50)
    parser.add_argument("--itl-ms", type=float, default=10)
    parser.add_argument("--ramp-s", type=float, default=3)
    parser.add_argument("--servers", type=int, help="processes of the endpoint; default: one for each of its cores")
    parser.add_argument("--server-cores", type=cores_of, help="such as 0-7; default: half of all")
    parser.add_argument("--client-cores", type=cores_of, help="default: the others")
    parser.add_argument("--pin", action="store_true", help="each worker on a core of its own")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("needs two cores: one for the servers, one for the client")
    options.server_cores = options.server_cores or set(cores[len(cores) // 2 :]) - (options.client_cores or set())
    options.client_cores = options.client_cores or set(cores) - options.server_cores
    options.servers = options.servers or len(options.server_cores)
    options.workers = options.workers or [1, planned(options)]
    return options


def main() -> None:
    options = parsed()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    machine = Watch()
    os.sched_setaffinity(0, options.client_cores)
    found = {str(workers): measure(workers, options) for workers in options.workers}
    first, last = (found[str(options.workers[place])] for place in (0, -1))
    result = {
        "simulated": True,
        "streams": options.streams,
        "workers": options.workers[-1],
        "ttft_error_p99_ms": last["ttft_error_p99_ms"],
        "worker_cpu_share_max": last["worker_cpu_share_max"],
        "ttft_error_p99_ratio": round(first["ttft_error_p99_ms"] / max(1e-9, last["ttft_error_p99_ms"]), 2),
        "goals": GOALS,
        "by_workers": found,
        "conditions": {
            "client_cores": len(options.client_cores),
            "server_cores": len(options.server_cores),
            "server_processes": options.servers,
            "paced": f"TTFT {options.ttft_ms:g} ms, ITL {options.itl_ms:g} ms, {options.tokens} tokens, each a chunk",
            "pinned": options.pin,
        },
        "machine": machine.report(),
    }
    print(json.dumps(result, indent=2) if options.json else as_text(result))


def as_text(result: dict[str, Any]) -> str:
    lines = [f"{result['streams']} streams at one simulated endpoint; {result['conditions']['paced']}"]
    for workers, case in result["by_workers"].items():
        lines.append(
            f"  {workers:>3} workers: TTFT error p50 {case['ttft_error_p50_ms']} p99 {case['ttft_error_p99_ms']} ms "
            f"(goal {GOALS['ttft_error_p99_ms']:g}), a worker's CPU at most {case['worker_cpu_share_max']} of a core "
            f"(goal {GOALS['worker_cpu_share']:g}), servers late p99 {case['server_late_p99_us']} us"
        )
    if result["machine"]["warning"]:
        lines.append(result["machine"]["warning"])
    return "\n".join(lines)


if __name__ == "__main__":
    main()
