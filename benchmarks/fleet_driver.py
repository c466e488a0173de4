"""What LoadGen's process carries: samples/s and CPU with 1,024 endpoints that answer at once, and its memory.

    python benchmarks/fleet_driver.py [--json] [--samples N] [--in-flight N] [--workers N] [--server-qps N]

LoadGen, the driver and the messages between it and its workers are the real ones; a worker (`null_worker.py`) answers
every request at once without an endpoint, with a first token and 128 token ids. In Server LoadGen is asked for 100,000
samples/s, more than it carries; at a rate that it carries, what is told of the wait from LoadGen's callback to the
worker's answer means something. Samples a second of wall-clock time mean something where there are cores for workers
too; anywhere else the process' own CPU time a sample (user and system, LoadGen's threads included) says what one core
would carry. The baseline is LoadGen alone, whose callback answers at once. Both are measured as they are, and with all
threads of the process on one core. Memory is the growth of the process' resident memory from before the load, LoadGen's
own included.
"""

from __future__ import annotations

import argparse
import array
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.simulated import make_plan

from assay.load import driver, hub
from assay.load.loadgen import test_settings
from assay.load.plan import LoadgenSettings
from assay.load.processes import cpu_ns, peak_rss_bytes, quiet_gc
from assay.runs import RunFolder, read_outcome, write_json

ENDPOINTS, WORKERS, WINDOW = 1024, 64, 500
SAMPLES, IN_FLIGHT = 200_000, ENDPOINTS * WINDOW
PROMPTS = 10_000
SERVER_QPS = 100_000.0
GOAL_PER_S, GOAL_BYTES = 50_000, 300
WAITS = {"p50": 0.5, "p99": 0.99}
TOKENS = 128
HOLD_S = "4"
LIMIT_S = 900


def measure(
    samples: int = SAMPLES, in_flight: int = IN_FLIGHT, workers: int = WORKERS, server_qps: float = SERVER_QPS
) -> dict[str, Any]:
    """Everything this file measures. Samples of the memory are as many as in flight."""
    found: dict[str, Any] = {"null_workers": workers, "null_endpoints": ENDPOINTS}
    for scenario, qps in (("Offline", None), ("Server", server_qps)):
        for cores in ("any", "one"):
            name = scenario.lower() + ("_on_one_core" if cores == "one" else "")
            alone, whole = _loadgen_alone(qps, samples, cores), _driver(qps, samples, workers, cores)
            found[f"driver_samples_per_s_{name}"] = round(samples / whole["wall_s"])
            found[f"driver_cpu_us_per_sample_{name}"] = round(whole["cpu_s"] / samples * 1e6, 1)
            found[f"driver_own_thread_us_per_sample_{name}"] = round(whole["thread_s"] / samples * 1e6, 1)
            found[f"driver_samples_per_cpu_s_{name}"] = round(samples / whole["cpu_s"])
            if qps is not None:
                found |= {f"driver_wait_{share}_ms_{name}": round(whole[f"wait_{share}_ms"], 2) for share in WAITS}
            found[f"loadgen_alone_samples_per_s_{name}"] = round(samples / alone["wall_s"])
            found[f"loadgen_alone_cpu_us_per_sample_{name}"] = round(alone["cpu_s"] / samples * 1e6, 1)
    found["driver_samples_per_s"] = min(found[f"driver_samples_per_s_{name}"] for name in ("offline", "server"))
    found["driver_samples_per_cpu_s"] = min(found[f"driver_samples_per_cpu_s_{name}"] for name in ("offline", "server"))
    held, alone = _driver(None, in_flight, workers, hold=True), _loadgen_alone(None, in_flight)
    found["in_flight"] = in_flight
    found["driver_bytes_per_sample_in_flight"] = round(held["in_flight_bytes"] / in_flight)
    found["driver_bytes_per_sample_at_most"] = round(held["peak_bytes"] / in_flight)
    found["driver_bytes_per_sample_over"] = round(held["over_bytes"] / in_flight)
    found["loadgen_alone_bytes_per_sample_at_most"] = round(alone["peak_bytes"] / in_flight)
    found["load_average"] = os.getloadavg()[0]
    return found


def _scenario(qps: float | None) -> str:
    return "Offline" if qps is None else "Server"


def _settings(qps: float | None, samples: int) -> dict[str, Any]:
    return {"queries": samples, "min_duration_ms": 0, "target_qps": qps}


def _driver(
    qps: float | None, samples: int, workers: int, cores: str = "any", *, hold: bool = False
) -> dict[str, float]:
    """A load through the driver, in a process of its own, on `one` core or `any`; without a rate Offline."""
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name) / "run")
        folder.parts.mkdir(parents=True)
        prompts = [[5, 6, 7]] * PROMPTS
        urls = ["http://127.0.0.1:9"] * ENDPOINTS
        plan = make_plan(
            folder.path, urls, _scenario(qps), samples=PROMPTS, prompts=prompts, window=WINDOW, workers=workers,
            loadgen=_settings(qps, samples),
        )  # fmt: skip
        write_json(folder.plan, plan)
        words = {"HOLD_S": HOLD_S if hold else "0", "FIRSTS": str(int(plan.streams_first_token))}
        found = _child(["--driver", str(folder.plan), str(os.getpid()), cores], words)
        outcome = read_outcome(folder)
        if outcome.status != "finished" or outcome.completed != samples or outcome.failed:
            raise RuntimeError(f"the load is not sound: {outcome}")
    return found


def _loadgen_alone(qps: float | None, samples: int, cores: str = "any") -> dict[str, float]:
    return _child(["--alone", str(qps or 0.0), str(samples), cores], {})


def _child(arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    own = str(Path(__file__).parent)
    paths = os.pathsep.join([own, str(Path(own).parent / "src"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(
        command, env=os.environ | environment | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE,
        timeout=LIMIT_S, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


class Measured(driver.Driver):
    """The driver, and what it cost from the load's begin to its end."""

    found: ClassVar[dict[str, float]] = {"in_flight_bytes": 0}
    cores: ClassVar[str] = "any"

    def _loop(self, source: Any) -> None:
        thread_s = time.thread_time()
        super()._loop(source)
        self.found["thread_s"] = time.thread_time() - thread_s
        self.found["cpu_s"] = (cpu_ns() - self._cpu_before_ns) / 1e9
        self.found["wall_s"] = (time.monotonic_ns() - self._wall_before_ns) / 1e9
        self.found["over_bytes"] = rss_bytes() - self._rss_before
        self.found["peak_bytes"] = peak_rss_bytes() - self._rss_before
        waits = self._meter.progress(self._router, time.monotonic_ns()).ttft  # to the worker's first token, at once
        self.found |= {f"wait_{name}_ms": (waits.quantile(share) or 0) / 1e6 for name, share in WAITS.items()}

    def _make_source(self) -> Any:
        if self.cores == "one":
            stay_on_one_core()
        source = super()._make_source()
        quiet_gc()
        self._rss_before, self._cpu_before_ns, self._wall_before_ns = rss_bytes(), cpu_ns(), time.monotonic_ns()
        return source

    def _step(self, *arguments: Any) -> None:
        super()._step(*arguments)
        if self._router.in_flight == self._plan.loadgen.queries:
            self.found["in_flight_bytes"] = rss_bytes() - self._rss_before


def run_driver(plan: str, parent: str, cores: str) -> None:
    hub.WORKER = "null_worker"
    Measured.cores = cores
    driver.Driver = Measured
    driver.main([plan, parent])
    print(json.dumps(Measured.found))


def loadgen_alone(qps: float | None, samples: int, cores: str) -> None:
    """LoadGen, whose callback answers every sample at once with 128 token ids."""
    import mlperf_loadgen as lg

    if cores == "one":
        stay_on_one_core()

    tokens = array.array("i", range(TOKENS))
    address, size = tokens.buffer_info()[0], 4 * TOKENS

    def issue(queries: list[Any]) -> None:
        if qps is not None:
            lg.FirstTokenComplete([lg.QuerySampleResponse(query.id, address, 4, 1) for query in queries])
        lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, address, size, TOKENS) for query in queries])

    with tempfile.TemporaryDirectory() as name:
        loadgen = LoadgenSettings(
            model="llama3_1-8b", scenario=_scenario(qps), official=False, own_sample_count=True,
            ttft_limit_ns=2_000_000_000, tpot_limit_ns=100_000_000, **_settings(qps, samples),
        )  # fmt: skip
        settings = test_settings(loadgen, "performance", PROMPTS, Path(name))
        output, log = lg.LogOutputSettings(), lg.LogSettings()
        output.outdir, output.copy_summary_to_stdout = name, False
        log.log_output = output
        log.enable_trace = False
        sut = lg.ConstructSUT(issue, lambda: None)
        qsl = lg.ConstructQSL(PROMPTS, PROMPTS, lambda _: None, lambda _: None)
        quiet_gc()
        before, cpu, wall_s = rss_bytes(), cpu_ns(), time.monotonic()
        lg.StartTestWithLogSettings(sut, qsl, settings, log, "")
        found = {"wall_s": time.monotonic() - wall_s, "cpu_s": (cpu_ns() - cpu) / 1e9}
    print(json.dumps(found | {"peak_bytes": peak_rss_bytes() - before}))


def stay_on_one_core() -> None:
    """Keep all threads of this process on one core, and those that they will start: the last, where fewest are."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {max(os.sched_getaffinity(0))})


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--server-qps", type=float, default=SERVER_QPS, help="that LoadGen is asked for in Server")
    parser.add_argument("--driver", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.driver:
        run_driver(*options.driver)
        return
    if options.alone:
        qps, samples, cores = options.alone
        loadgen_alone(float(qps) or None, int(samples), cores)
        return
    found = measure(options.samples, options.in_flight, options.workers, options.server_qps)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name in ("offline", "offline_on_one_core", "server", "server_on_one_core"):
        print(
            f"{name}: {found[f'driver_samples_per_s_{name}']:,} samples/s "
            f"({found[f'driver_cpu_us_per_sample_{name}']} µs of CPU a sample: one core would carry "
            f"{found[f'driver_samples_per_cpu_s_{name}']:,} samples/s, goal {GOAL_PER_S:,}; "
            f"{found[f'driver_own_thread_us_per_sample_{name}']} µs of it on the completing thread); LoadGen alone "
            f"{found[f'loadgen_alone_samples_per_s_{name}']:,} ({found[f'loadgen_alone_cpu_us_per_sample_{name}']} µs)"
        )
    print(
        f"{found['in_flight']:,} in flight: {found['driver_bytes_per_sample_in_flight']} bytes a sample, LoadGen's own "
        f"included (goal {GOAL_BYTES}); {found['driver_bytes_per_sample_over']} once they are over; at most "
        f"{found['driver_bytes_per_sample_at_most']} while they are issued, LoadGen alone "
        f"{found['loadgen_alone_bytes_per_sample_at_most']}"
    )


if __name__ == "__main__":
    main()
