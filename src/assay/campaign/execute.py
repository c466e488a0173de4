"""One run: its folder, its plan, the load, and whatever happens, its closing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assay import __version__
from assay.alerts import Post
from assay.benchmarks import write_benchmark
from assay.campaign.alerting import alerted, stopped_words
from assay.campaign.close import close_run, judge_load
from assay.campaign.compliance import audit_config
from assay.campaign.cost import cost_of
from assay.campaign.kinds import kind_of
from assay.campaign.load_process import TimedOutError, run_load, utc_minus_monotonic_ns
from assay.campaign.loadgen_settings import loadgen_settings, target_qps
from assay.campaign.pacing import pacer_plan, window
from assay.campaign.work import Work, utc_now
from assay.config import Config, dump_config
from assay.deploy.deployment import WATCH_S
from assay.engines import build_engine
from assay.errors import system_words
from assay.load.cores import cores_here
from assay.load.demand import demand_of
from assay.load.encoders import ENCODERS
from assay.load.plan import EndpointPlan, LoadPlan, Timeouts, WarmupPlan
from assay.runs import (
    EndpointFacts,
    RunEntry,
    RunFolder,
    RunRecord,
    RunStatus,
    SystemRecord,
    WarmupFacts,
    read_outcome,
    write_json,
    write_text,
)
from assay.runs.alerts import AlertEvent
from assay.runs.progress import AnyEvent
from assay.runs.scenarios import drives
from assay.runs.shapes import is_live
from assay.runs.tail_limits import TailLimit
from assay.telemetry import NodeActivity, Sampler

_LOOKS = 20  # four a period of the watch over the servers


def interrupted_by(error: asyncio.CancelledError | OSError) -> str:
    """Why a run was interrupted."""
    return system_words(error) if isinstance(error, OSError) else "stopped by the user"


@dataclass(frozen=True)
class Bench:
    """What all runs on the same servers share."""

    work: Work
    system: SystemRecord
    ready_ns: dict[str, int]
    queued_ns: dict[str, int]
    activity: NodeActivity
    simulated: bool
    post: Post


async def execute(
    bench: Bench,
    entry: RunEntry,
    endpoints: Sequence[EndpointFacts],
    folder: RunFolder,
    limit_s: float,
    progress: Callable[[AnyEvent], None],
) -> RunRecord:
    """Carry out one run in `folder` (which is made) and close it; returns its record.

    Cancellation, and a disk that takes no more (OSError), close the run, as `interrupted` unless its load had gone to
    its end, and are then passed on.
    """
    folder.parts.mkdir(parents=True)
    record = _begin(bench, entry, endpoints, folder)
    plan = load_plan(bench.work, entry, endpoints, folder)
    taking_part = {endpoint.node for endpoint in endpoints}
    here = {i: node for i, node in bench.work.config.cluster.accelerators_here().items() if node in taking_part}
    connections = {endpoint.name: endpoint.connection for endpoint in plan.endpoints}
    journal = folder.telemetry_journal
    sampler = Sampler(endpoints, connections, accelerators=here, activity=bench.activity, journal=journal)
    sampler.start()
    try:
        stopped = await _carry(bench, record, plan, folder, limit_s, progress)
        judge_load(record, outcome := read_outcome(folder))
        if stopped is not None and not outcome.finished:
            record.reason = stopped_words(stopped)
        elif record.status is RunStatus.FAILED:
            await _notice(bench.work, endpoints)
    except TimedOutError:
        record.status, record.reason = RunStatus.TIMEOUT, f"not over after {limit_s:.0f} s"
    except (asyncio.CancelledError, OSError) as error:
        if (outcome := read_outcome(folder)).finished:  # nothing is missing from it
            judge_load(record, outcome)
        else:
            record.status, record.reason = RunStatus.INTERRUPTED, interrupted_by(error)
        raise
    finally:
        sampler.stop()
        close_run(bench.work, record, plan, folder)
    return record


async def _carry(
    bench: Bench,
    record: RunRecord,
    plan: LoadPlan,
    folder: RunFolder,
    limit_s: float,
    progress: Callable[[AnyEvent], None],
) -> AlertEvent | None:
    """The load, to its end; gives the alert that ended it where one did. Raises TimedOutError as `run_load` does."""
    load = asyncio.create_task(run_load(plan, folder, limit_s, progress))
    stopping: list[AlertEvent] = []

    def stop(event: AlertEvent) -> None:
        stopping.append(event)
        load.cancel()

    with alerted(bench.work.config.alerts, folder, record, bench.system, bench.post, stop):
        try:
            await load
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if not stopping or (this is not None and this.cancelling()):  # the campaign itself is told to end
                raise
    return stopping[0] if stopping else None


async def _notice(work: Work, endpoints: Sequence[EndpointFacts]) -> None:
    """Leave the watch over the servers time to see whether one that ended is the reason."""
    for _ in range(_LOOKS):
        if any(endpoint.name in work.lost for endpoint in endpoints):
            return
        await asyncio.sleep(WATCH_S / 4)


def _begin(bench: Bench, entry: RunEntry, endpoints: Sequence[EndpointFacts], folder: RunFolder) -> RunRecord:
    prepared, config = bench.work.prepared, bench.work.config
    record = RunRecord(
        id=folder.id,
        assay_version=__version__,
        benchmark=prepared.benchmark.name,
        scenario=entry.scenario,
        mode=entry.mode,
        official=config.official and entry.shape is None and not entry.planning,
        planning=entry.planning,
        driver=drives(entry.scenario),
        shape=entry.shape,
        started_utc=utc_now(),
        clock_offset_ns=utc_minus_monotonic_ns(),
        dataset_name=prepared.dataset.name,
        dataset_sha256=prepared.dataset.sha256,
        dataset_samples=prepared.dataset.total,
        samples=len(prepared.dataset),
        dataset_generated=prepared.dataset.generated,
        dataset_note=prepared.dataset.note,
        dataset_tokens_sha256=prepared.dataset.tokens_sha256,
        model=prepared.benchmark.starting_weights or endpoints[0].model,
        simulated=bench.simulated,
        target_qps=target_qps(config, prepared.benchmark, entry),
        slo=config.slo,
        limits=_limits(bench.work),
        api=prepared.api,
        max_tokens=prepared.max_tokens,
        endpoints=list(endpoints),
        warmup=WarmupFacts(ready_ns=bench.ready_ns, queued_ns=bench.queued_ns),
        campaign_key=entry.key,
        nodes=entry.nodes,
        cost=cost_of(config, entry.nodes),
        repeat=entry.repeat,
        compliance=entry.compliance,
        has_manifest=True,
    )
    if (audit := audit_config(entry, config)) is not None:
        write_text(folder.audit_config, audit)
    write_text(folder.config, dump_config(config))
    write_benchmark(folder.benchmark, prepared.benchmark)
    write_json(folder.system, bench.system)
    write_json(folder.record, record)
    return record


def load_plan(work: Work, entry: RunEntry, endpoints: Sequence[EndpointFacts], folder: RunFolder) -> LoadPlan:
    """The plan of one run."""
    config, prepared = work.config, work.prepared
    engine = build_engine(config.engine)
    plan = LoadPlan(
        folder=str(folder.path),
        scenario=entry.scenario,
        mode=entry.mode,
        loadgen=loadgen_settings(config, prepared.benchmark, entry) if drives(entry.scenario) == "loadgen" else None,
        pacer=pacer_plan(entry, config.campaign.seed, prepared.timetable, _limits(work)),
        samples=len(prepared.dataset),
        max_tokens=prepared.max_tokens,
        answer_limits=prepared.answer_limits if min(prepared.answer_limits) < prepared.max_tokens else None,
        eos_id=prepared.eos_id,
        prompt_tokens=str(prepared.prompt_tokens),
        prompt_tokens_exact=prepared.api.form == "ids",
        tokenizer=str(prepared.tokenizer_json) if prepared.tokenizer_json else None,
        endpoints=[
            EndpointPlan(
                name=endpoint.name,
                connection=engine.connection(endpoint.name, endpoint.url, config.reach),
                path=ENCODERS[prepared.api.form].path,
                needs_done=prepared.api.needs_done,
                window=window(entry, endpoint.window),
                bodies=str(prepared.live_bodies if is_live(entry.shape) else prepared.bodies),
            )
            for endpoint in endpoints
        ],
        workers=config.load.workers or 1,
        max_attempts=config.load.max_attempts,
        timeouts=Timeouts(
            stall_s=config.load.stall_timeout_s,
            request_s=config.load.request_timeout_s,
        ),
        warmup=WarmupPlan(
            prompts=prepared.warmup_prompts,
            tolerance=config.load.warmup_tolerance,
            limit_s=config.load.warmup_limit_s,
        ),
    )
    if config.load.workers is None:
        plan.workers = demand_of(plan).workers(cores_here())
    return plan


def _limits(work: Work) -> tuple[TailLimit, ...]:
    """What a search holds its rate against; none in other campaigns."""
    search = kind_of(work.config.campaign.kind).rate_search(work.config, work.prepared.benchmark)
    return () if search is None else search.limits


def run_folder(runs: Path, entry: RunEntry, config: Config) -> RunFolder:
    """A new folder's path for a run: UTC time, scenario, mode, a short hash."""
    from assay.runs import new_id

    salt = f"{entry.key}{dump_config(config)}{datetime.now(UTC).isoformat()}".encode()
    return RunFolder(runs / new_id(datetime.now(UTC), entry.scenario.lower(), entry.mode, salt=salt))
