"""One run from start to report: load, records, ledger, scores, result. Nothing that was measured is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay import __version__
from assay.campaign.load_process import TimedOutError, run_load, utc_minus_monotonic_ns
from assay.campaign.prepare import Prepared
from assay.config import Config, dump_config
from assay.errors import AssayError
from assay.load.closing import close_load, discard_journals, read_outcome
from assay.load.plan import EndpointPlan, LoadgenSettings, LoadPlan, Timeouts, WarmupPlan
from assay.runs import (
    ClientAudit,
    EndpointFacts,
    Ledger,
    RunEntry,
    RunFolder,
    RunRecord,
    RunStatus,
    SystemRecord,
    WarmupFacts,
    write_json,
    write_text,
)
from assay.telemetry import Sampler

_FASTEST_QPS = 1000.0  # accuracy runs of Server are paced too; nothing is timed, so as fast as the queue takes them
_ENDPOINTS_A_WORKER = 8
_CLIENT_CPU_LIMIT = 0.85  # of a core; above it queueing in the client begins to show in the percentiles
_CLIENT_LAG_LIMIT = 0.05  # of the median TTFT


@dataclass(frozen=True)
class Bench:
    """What all runs of a campaign share."""

    config: Config
    prepared: Prepared
    system: SystemRecord
    ready_ns: dict[str, int]
    simulated: bool


async def execute(
    bench: Bench,
    entry: RunEntry,
    endpoints: Sequence[EndpointFacts],
    folder: RunFolder,
    limit_s: float,
    progress: Callable[[dict[str, Any]], None],
) -> RunRecord:
    """Carry out one run in `folder` (which is made) and close it; returns its record.

    Cancellation closes the run as `interrupted` and is then passed on.
    """
    folder.path.mkdir(parents=True)
    record = _begin(bench, entry, endpoints, folder)
    plan = load_plan(bench, entry, endpoints, folder)
    sampler = Sampler(endpoints)
    sampler.start()
    try:
        await run_load(plan, folder, limit_s, progress)
        _judge(record, read_outcome(folder))
    except TimedOutError:
        record.status, record.reason = RunStatus.TIMEOUT, f"not over after {limit_s:.0f} s"
    except asyncio.CancelledError:
        record.status, record.reason = RunStatus.INTERRUPTED, "stopped by the user"
        raise
    finally:
        sampler.stop(folder)
        _close(bench, record, plan, folder)
    return record


def _begin(bench: Bench, entry: RunEntry, endpoints: Sequence[EndpointFacts], folder: RunFolder) -> RunRecord:
    prepared, config = bench.prepared, bench.config
    record = RunRecord(
        id=folder.id,
        assay_version=__version__,
        benchmark=prepared.benchmark.name,
        scenario=entry.scenario,
        mode=entry.mode,
        official=config.official,
        started_utc=_now(),
        clock_offset_ns=utc_minus_monotonic_ns(),
        dataset_name=prepared.dataset.name,
        dataset_sha256=prepared.dataset.sha256,
        dataset_samples=prepared.dataset.total,
        samples=len(prepared.dataset),
        dataset_generated=prepared.dataset.generated,
        model=prepared.benchmark.starting_weights,
        simulated=bench.simulated,
        target_qps=_qps(entry),
        max_tokens=prepared.benchmark.max_new_tokens,
        endpoints=list(endpoints),
        warmup=WarmupFacts(ready_ns=bench.ready_ns),
        tags={"campaign_key": entry.key, "nodes": ",".join(entry.nodes), "repeat": str(entry.repeat)},
    )
    write_text(folder.config, dump_config(config))
    write_json(folder.system, bench.system)
    write_json(folder.record, record)
    return record


def _qps(entry: RunEntry) -> float | None:
    if entry.mode == "accuracy" and entry.scenario in ("Server", "Interactive"):
        return max(_FASTEST_QPS, entry.target_qps or 0.0)
    return entry.target_qps


def load_plan(bench: Bench, entry: RunEntry, endpoints: Sequence[EndpointFacts], folder: RunFolder) -> LoadPlan:
    """The plan of one run."""
    config, prepared = bench.config, bench.prepared
    spec = prepared.benchmark.scenarios[entry.scenario]
    user_conf = config.loadgen.user_conf
    key = config.engine.api_key_env if config.engine.kind == "external" else None
    return LoadPlan(
        folder=str(folder.path),
        scenario=entry.scenario,
        mode=entry.mode,
        loadgen=LoadgenSettings(
            # mlperf.conf knows only MLPerf's models; others take the same seeds and their own counts and limits.
            model=spec.loadgen_model or "llama3_1-8b",
            scenario=spec.loadgen_scenario,
            official=config.official,
            own_sample_count=spec.loadgen_model is None,
            target_qps=_qps(entry),
            queries=config.queries.get(entry.scenario) if entry.mode == "performance" else None,
            ttft_limit_ns=spec.ttft_limit_ns,
            tpot_limit_ns=spec.tpot_limit_ns,
            user_conf=str(user_conf) if user_conf else None,
        ),
        samples=len(prepared.dataset),
        max_tokens=prepared.benchmark.max_new_tokens,
        eos_id=prepared.eos_id,
        prompt_tokens=str(prepared.prompt_tokens),
        tokenizer=str(prepared.tokenizer_json) if prepared.tokenizer_json else None,
        endpoints=[
            EndpointPlan(
                name=endpoint.name,
                url=endpoint.url,
                api_path=config.load.api_path,
                window=endpoint.window,
                bodies=str(prepared.bodies),
                api_key_env=key,
                ca_file=str(config.load.ca_file) if config.load.ca_file else None,
            )
            for endpoint in endpoints
        ],
        workers=config.load.workers or -(-len(endpoints) // _ENDPOINTS_A_WORKER),
        max_attempts=config.load.max_attempts,
        timeouts=Timeouts(
            connect_s=config.load.connect_timeout_s,
            stall_s=config.load.stall_timeout_s,
            request_s=config.load.request_timeout_s,
        ),
        warmup=WarmupPlan(prompts=prepared.warmup_prompts),
    )


def _judge(record: RunRecord, outcome: dict[str, Any]) -> None:
    """Status from the load process' own words; LoadGen's verdict comes later."""
    if outcome["status"] == "finished":
        record.status = RunStatus.COMPLETED
    else:
        record.status, record.reason = RunStatus.FAILED, f"{outcome['status']}: {outcome['reason']}"


def _close(bench: Bench, record: RunRecord, plan: LoadPlan, folder: RunFolder) -> None:
    """Everything after the load, from files alone. The journals go only when all of it has worked."""
    from assay.analysis.summary import summarise

    outcome = read_outcome(folder)
    ledger = close_load(folder, plan)
    _complete(record, outcome, ledger)
    if record.status is RunStatus.COMPLETED and plan.mode == "accuracy":
        _score(bench.prepared, record, folder)
    write_json(folder.record, record)
    write_json(folder.result, summarise(folder, bench.prepared.benchmark))
    discard_journals(folder)


def _complete(record: RunRecord, outcome: dict[str, Any], ledger: Ledger) -> None:
    record.ended_utc = _now()
    record.issued = ledger.issued
    if ledger.problems and record.status in (RunStatus.COMPLETED, RunStatus.INVALID):
        record.status, record.reason = RunStatus.FAILED, "the ledger doesn't balance: " + "; ".join(ledger.problems)
    if facts := outcome.get("warmup"):
        record.warmup = WarmupFacts.model_validate({**facts, "ready_ns": record.warmup.ready_ns})
    for endpoint, window in zip(record.endpoints, outcome.get("windows", []), strict=False):
        endpoint.window = window
    record.client = client_audit(outcome)


def client_audit(outcome: dict[str, Any]) -> ClientAudit:
    """What the load processes measured of themselves, and whether it could have shaped the result."""
    processes: dict[str, dict[str, float]] = outcome.get("processes", {})
    audit = ClientAudit(
        cpu_share={name: round(facts["cpu_share"], 4) for name, facts in processes.items()},
        loop_lag_p99_ns={name: int(f["lag_p99_ns"]) for name, f in processes.items() if "lag_p99_ns" in f},
        loop_lag_max_ns={name: int(f["lag_max_ns"]) for name, f in processes.items() if "lag_max_ns" in f},
    )
    if hops := outcome.get("hop_percentiles_ns"):
        audit.completion_hop_p50_ns, audit.completion_hop_p99_ns, audit.completion_hop_max_ns = hops
    for name, share in audit.cpu_share.items():
        if share > _CLIENT_CPU_LIMIT:
            audit.reasons.append(f"{name} used {share:.0%} of a core (limit {_CLIENT_CPU_LIMIT:.0%})")
    return audit


def _score(prepared: Prepared, record: RunRecord, folder: RunFolder) -> None:
    from assay.scoring import accuracy_txt, quality_gate, score_accuracy_log

    try:
        scores = score_accuracy_log(folder.loadgen_accuracy, prepared.dataset.references, prepared.decode)
    except AssayError as error:
        record.status, record.reason = RunStatus.FAILED, f"accuracy couldn't be scored: {error}"
        return
    gate = quality_gate(prepared.benchmark, scores)
    write_text(folder.accuracy_txt, accuracy_txt(scores))
    facts = {**scores.values(), "gen_len": scores.gen_len, "gen_num": scores.gen_num}
    write_json(folder.accuracy, {**facts, "gate": gate.verdict, "details": list(gate.details)})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def run_folder(runs: Path, entry: RunEntry, config: Config) -> RunFolder:
    """A new folder's path for a run: UTC time, scenario, mode, a short hash."""
    from assay.runs import new_id

    salt = f"{entry.key}{dump_config(config)}{datetime.now(UTC).isoformat()}".encode()
    return RunFolder(runs / new_id(datetime.now(UTC), entry.scenario.lower(), entry.mode, salt=salt))
