"""Whether a run can start: the nodes, the controller's own files, and one answer on the way that a run takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from assay.benchmarks import Benchmark
from assay.campaign.api import AT_ONCE, learn_api
from assay.campaign.client_load import ClientLoads, Machine
from assay.campaign.execute import load_plan
from assay.campaign.loadgen_settings import user_conf_lines
from assay.campaign.planning import planned
from assay.campaign.prepare import Prepared, prepare, tokeniser_of
from assay.campaign.work import Work
from assay.cluster.launcher import LaunchError
from assay.cluster.together import together
from assay.config import Config
from assay.deploy.check import CheckReport, CheckRow, check_cluster
from assay.deploy.check.controller import controller_rows
from assay.engines import build_engine
from assay.errors import AssayError, UserError
from assay.load.client_rate import measured_rate
from assay.load.plan import EndpointPlan, LoadPlan
from assay.load.transport import Exchange, Outcome
from assay.load.trial import try_one
from assay.runs import CampaignFolder, EndpointFacts, RunEntry, RunFolder
from assay.scratch import scratch_folder
from assay.serving.health import FIRST_TOKEN, judged

HERE = "controller"


async def preflight(config: Config, say: Callable[[str], None], *, deep: bool = False) -> CheckReport:
    """All checks of what `config` describes. Changes no node; where endpoints run already, each answers one request.

    Raises UserError for a mistake in the configuration itself.
    """
    benchmark, runs = planned(config)
    with scratch_folder() as scratch:
        prepared, rows = _workload(config, benchmark, scratch, say)
        rows += [*_user_conf(config, benchmark, runs, prepared), *controller_rows(config)]
        rows += await _client(config, benchmark, runs, prepared)
        report = await check_cluster(config.engine, config.cluster, deep=deep, reach=config.reach)
        rows = [*report.rows, *rows]
        failed = {row.node for row in rows if row.outcome == "failed"}
        rows += await _answers(config, prepared, runs[0], scratch, failed)
    return CheckReport(rows=rows, nodes=report.nodes)


def _workload(
    config: Config, benchmark: Benchmark, scratch: Path, say: Callable[[str], None]
) -> tuple[Prepared | None, list[CheckRow]]:
    """The requests as a run would send them, and what stands in their way."""
    try:
        tokenizer_json, _, _ = tokeniser_of(config, benchmark, say)
    except UserError as error:
        return None, [judged(HERE, "tokenizer", False, 5, "not usable", str(error), required=True)]
    known = str(tokenizer_json) if tokenizer_json else "none is known"
    rows = [judged(HERE, "tokenizer", True if tokenizer_json else None, 5, known, "", required=True)]
    engine = build_engine(config.engine)
    one = config.model_copy(update={"load": config.load.model_copy(update={"warmup_prompts": 1})})
    try:
        prepared = prepare(one, benchmark, engine.model, scratch, lambda told: None)
    except UserError as error:
        return None, [*rows, judged(HERE, "data set", False, 5, "not usable", str(error), required=True)]
    dataset = prepared.dataset
    detail = f"{dataset.name}: {len(dataset):,} of {dataset.total:,} samples, sha256 {dataset.sha256[:12]}"
    return prepared, [*rows, judged(HERE, "data set", True, 5, detail, "", required=True)]


def _user_conf(
    config: Config, benchmark: Benchmark, runs: Sequence[RunEntry], prepared: Prepared | None
) -> list[CheckRow]:
    """What LoadGen takes of the user.conf; one that it couldn't read was refused before."""
    samples = len(prepared.dataset) if prepared else 1
    lines = user_conf_lines(config, benchmark, runs, samples)
    return [judged(HERE, "user.conf", True, 3, "; ".join(lines), "", required=True)] if lines else []


async def _client(
    config: Config, benchmark: Benchmark, runs: Sequence[RunEntry], prepared: Prepared | None
) -> list[CheckRow]:
    """Whether this machine carries what the runs ask of it as a client."""
    if prepared is None:
        return []
    try:
        machine = Machine.here(await asyncio.to_thread(measured_rate))
    except AssayError:
        machine = Machine.here(None)
    return ClientLoads(config, benchmark, prepared.dataset).rows(runs, machine)


async def _answers(
    config: Config, prepared: Prepared | None, entry: RunEntry, scratch: Path, failed: set[str]
) -> list[CheckRow]:
    """A row an endpoint that runs already and is well so far; one for all where servers start with the run."""
    engine = build_engine(config.engine)
    running = engine.endpoints()
    if not running:
        return [judged("all", FIRST_TOKEN, None, 10, "not tried: the servers start with the run", "")]
    if prepared is None or HERE in failed:
        return [judged("all", FIRST_TOKEN, None, 10, f"not tried: {HERE}'s checks come first", "")]
    waiting = [one.name for one in running if one.name in failed]
    rows = [judged(name, FIRST_TOKEN, None, 10, "not tried: its other checks come first", "") for name in waiting]
    endpoints = [
        EndpointFacts(
            name=one.name, url=one.url, node=one.node, engine=engine.kind, model=engine.model, window=engine.window
        )
        for one in running
        if one.name not in failed
    ]
    if not endpoints:
        return rows
    try:
        await learn_api(
            engine, prepared, {one.name: engine.connection(one.name, one.url, config.reach) for one in endpoints}
        )
    except LaunchError as error:
        mend = "mend what the server says, or correct `engine`"
        return [
            *rows,
            *(judged(one.name, FIRST_TOKEN, False, 10, str(error), mend, required=True) for one in endpoints),
        ]
    plan = load_plan(Work(config, prepared, CampaignFolder(scratch)), entry, endpoints, RunFolder(scratch / "run"))
    return rows + await together(plan.endpoints, partial(_answer, plan=plan), AT_ONCE)


async def _answer(endpoint: EndpointPlan, plan: LoadPlan) -> CheckRow:
    exchange, tries = await try_one(endpoint, plan.timeouts, plan.samples, plan.max_attempts)
    passed = exchange.outcome is Outcome.OK
    detail = _told(exchange) if passed else f"{exchange.outcome}: {exchange.detail}"
    detail += f" (at try {tries})" if tries > 1 and passed else f" ({tries} tries)" if tries > 1 else ""
    mend = "a run would send the same request: mend what the server says, or correct `engine`"
    return judged(endpoint.name, FIRST_TOKEN, passed, 10, detail, mend, required=True)


def _told(exchange: Exchange) -> str:
    after_ms = (exchange.first_ns - exchange.sent_ns) / 1e6
    source = {"ids": "the server's token ids", "usage": "the server's usage", "text": "the text"}[exchange.token_source]
    return f"after {after_ms:.0f} ms; tokens are counted by {source}"
