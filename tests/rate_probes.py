"""Whole searches for a rate without servers or a clock: a queue that is worked out, and run folders as runs leave them.

Nothing here is a measurement.
"""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tests.campaigns import config

from assay.analysis.summary import summarise
from assay.benchmarks import get_benchmark, write_benchmark
from assay.campaign.kinds import kind_of, plan_runs
from assay.campaign.state import begin
from assay.config import Config
from assay.runs import (
    REQUESTS_SCHEMA,
    CampaignFolder,
    CampaignState,
    ClientAudit,
    EndpointFacts,
    EndpointLedger,
    Ledger,
    RequestWriter,
    RunEntry,
    RunFolder,
    RunRecord,
    RunStatus,
    read_campaign,
    read_result,
    write_json,
)
from assay.runs.arrivals import due_times_ns
from assay.runs.outcome import Sure
from assay.runs.scenarios import drives
from assay.runs.shapes import RateShape
from assay.runs.tail_limits import TailLimit
from assay.search import Criterion, Request, Trial

Ints = NDArray[np.int64]
NODE, PLACES, SERVICE_MS = "local", 4, 40.0
CAPACITY = 1000 * PLACES / SERVICE_MS
"""Requests a second that the queue can do."""
_BEGIN_NS = 10**12
_EVERY = 50


def search_config(folder: Path, **campaign: Any) -> Config:
    """A search on one simulated node."""
    asked = {"kind": "tune-rate", "limits": ["p95(latency) < 150 ms"], "precision": "5%", **campaign}
    return config(folder, campaign=asked, cluster={}, engine={"kind": "simulated"})


def queue(rate: float, requests: int, seed: int, places: int = PLACES) -> tuple[Ints, Ints]:
    """When requests arrive and when they are answered, ns: Poisson arrivals, some places, lognormal service."""
    times = due_times_ns(rate, "poisson", 1.0, seed)
    start = np.array([next(times) for _ in range(requests)], dtype=np.int64) + _BEGIN_NS
    draw = np.random.default_rng([seed, 1])
    service = (SERVICE_MS * 1e6 * draw.lognormal(-0.045, 0.3, requests)).astype(np.int64)
    free = [0] * places
    ends = np.empty(requests, dtype=np.int64)
    for number, (at, took) in enumerate(zip(start.tolist(), service.tolist(), strict=True)):
        end = max(heapq.heappop(free), at) + took
        heapq.heappush(free, end)
        ends[number] = end
    return start, ends


def over_share(rate: float, limit: TailLimit, requests: int = 150_000) -> float:
    """The share of a long run's requests over a limit of latency."""
    start, end = queue(rate, requests, seed=999)
    return float((end - start > limit.keeps.limits["latency"]).mean())


def begun(settings: Config) -> tuple[CampaignFolder, CampaignState]:
    runs = plan_runs(settings, [NODE])
    folder = begin(settings, runs, get_benchmark(settings.benchmark), dataset_sha256="", simulated=True)
    return folder, read_campaign(folder)


def carry_on(settings: Config, folder: CampaignFolder, state: CampaignState, *, most: int = 100, **run: Any) -> None:
    """Carry runs out, `most` of them, as long as there are any; `run` are `write_probe`'s."""
    kind = kind_of(state.kind)
    for _ in range(most):
        if not state.todo:
            results = [read_result(folder.run(entry.run)) for entry in state.runs if entry.run]
            state.runs += kind.more(settings, state, [one for one in results if one is not None], folder)
            write_json(folder.state, state)
        if not state.todo:
            return
        entry = state.todo[0]
        entry.run = f"run-{state.runs.index(entry)}"
        write_probe(folder.run(entry.run), entry, state, **run)
        entry.status = RunStatus.COMPLETED
        write_json(folder.state, state)


def write_probe(
    folder: RunFolder,
    entry: RunEntry,
    state: CampaignState,
    *,
    failing: float = 0.0,
    client_from: float = 1e9,
    late_ms: float = 0.0,
    window: int | None = None,
) -> None:
    """A run's folder. A share of the requests fails; from the rate `client_from` on the client's core is full, and it
    is late by `late_ms` whatever the rate. With a `window` requests wait at the client until just before their end."""
    search = state.rate_search
    assert search is not None
    folder.path.mkdir(parents=True)
    shape, rate, places = entry.shape, CAPACITY, entry.settings.get("max_num_seqs", PLACES)
    requests, seed = entry.queries or 2000, 1000 + entry.repeat
    if isinstance(shape, RateShape):
        rate, requests = shape.rate, shape.requests or requests
    elif entry.target_qps:
        rate = entry.target_qps
    start, end = queue(rate, requests, seed, places)
    failed = np.random.default_rng([seed, 2]).random(requests) < failing
    sure = None
    if isinstance(shape, RateShape) and shape.until_sure:
        count, sure = _until_sure(start, end, failed, search.limits)
        start, end, failed = start[:count], end[:count], failed[:count]
    sent = start if window is None else np.maximum(start, end - 5_000_000)
    _write_requests(folder, start, sent, end, failed)
    took = timedelta(seconds=int(end.max() - start[0]) / 1e9)
    begin_utc = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=entry.repeat)
    ledger = _ledger(len(start), int(failed.sum()))
    record = RunRecord(
        id=folder.id, assay_version="0", benchmark="smollm2-135m", scenario=entry.scenario, mode="performance",
        official=False, driver=drives(entry.scenario), shape=shape, status=RunStatus.COMPLETED,
        limits=search.limits, sure=sure, schedule_seed=seed,
        started_utc=begin_utc.isoformat(), ended_utc=(begin_utc + took).isoformat(), clock_offset_ns=0,
        dataset_name="none", dataset_sha256="", dataset_samples=8, samples=8, model="none", simulated=True,
        target_qps=entry.target_qps, max_tokens=8, issued=len(start), campaign_key=entry.key, nodes=entry.nodes,
        repeat=entry.repeat,
        endpoints=[EndpointFacts(name=f"{NODE}-0", url="http://a.example", node=NODE, engine="simulated",
                                 model="simulated", window=window)],
        client=ClientAudit(
            client_bound=rate >= client_from or late_ms > 2, cpu_share={"pacer": 0.99 if rate >= client_from else 0.1},
            schedule_lateness_p99_ns=int(late_ms * 1e6),
            completion_hop_p99_ns=10**9 if drives(entry.scenario) == "pacer" else None,  # arrivals wait for no answer
        ),
    )  # fmt: skip
    write_json(folder.ledger, ledger)
    write_json(folder.record, record)
    write_benchmark(folder.benchmark, get_benchmark("smollm2-135m"))
    write_json(folder.result, summarise(folder))


def _until_sure(start: Ints, end: Ints, failed: NDArray[np.bool_], limits: tuple[TailLimit, ...]) -> tuple[int, Any]:
    """After how many requests a test is sure, and of what."""
    trial = Trial(tuple(Criterion(limit.title, limit.share) for limit in limits))
    ends: list[int] = []
    took = end - start
    times_ns = {"latency": took, "ttft": took - 1000, "tpot": np.full(len(took), 1000)}
    taken = np.stack([np.where(failed, np.inf, limit.keeps.of_limit(times_ns)) for limit in limits], axis=1)
    for number, (at, done, own) in enumerate(zip(start.tolist(), end.tolist(), taken.tolist(), strict=True)):
        while ends and ends[0] <= at:
            heapq.heappop(ends)
        trial.tell(number, Request(at / 1e9, len(ends), tuple(own)))
        heapq.heappush(ends, done)
        if number % _EVERY == 0 and (verdict := trial.verdict()) != "undecided":
            because = trial.because or "limits"
            return number + 1, Sure(over=verdict == "over", because=because, after_ns=at - int(start[0]))
    return len(start), None


def _write_requests(folder: RunFolder, start: Ints, sent: Ints, end: Ints, failed: NDArray[np.bool_]) -> None:
    count = len(start)
    columns: dict[str, Any] = {
        "sample_id": np.arange(count), "qsl_idx": np.arange(count) % 8, "attempt": np.ones(count),
        "final": np.ones(count, dtype=bool), "worker": np.zeros(count),
        "endpoint": pa.DictionaryArray.from_arrays(pa.array(np.zeros(count), pa.int16()), [f"{NODE}-0"]),
        "status": pa.DictionaryArray.from_arrays(pa.array(failed.astype(np.int16)), ["ok", "http_error"]),
        "issued_ns": start, "scheduled_ns": start, "sent_ns": sent, "done_ns": end,
        "first_ns": pa.array(end - 1000, pa.int64(), mask=failed), "last_ns": pa.array(end, pa.int64(), mask=failed),
        "input_tokens": np.full(count, 16), "output_tokens": pa.array(np.full(count, 2), pa.int32(), mask=failed),
    }  # fmt: skip
    arrays = [
        pa.nulls(count, field.type) if (value := columns.get(field.name)) is None
        else value if isinstance(value, pa.DictionaryArray) else pa.array(value).cast(field.type)
        for field in REQUESTS_SCHEMA
    ]  # fmt: skip
    with RequestWriter(folder.requests) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=REQUESTS_SCHEMA))


def _ledger(issued: int, failed: int) -> Ledger:
    ok, reasons = issued - failed, {"http_error": failed} if failed else {}
    endpoint = EndpointLedger(endpoint=f"{NODE}-0", sent=issued, ok=ok, failed=failed, reasons=reasons)
    return Ledger(
        issued=issued, completed=ok, failed=failed, lost=0, resent=0, attempts=issued, short_outputs=0,
        endpoints=[endpoint], failure_reasons=reasons, loadgen_issued=issued, loadgen_completed=ok, problems=[],
    )  # fmt: skip
