"""A campaign from configuration to report: servers up, runs one after another, servers down; resumable at any point."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from assay.alerts import Post
from assay.analysis.names import title_in
from assay.campaign.alerting import alert_post
from assay.campaign.api import learn_api
from assay.campaign.client_load import ClientLoads, Machine
from assay.campaign.estimate import count, estimator, together
from assay.campaign.execute import Bench, execute, interrupted_by, run_folder
from assay.campaign.kept_counts import KeptCounts
from assay.campaign.kinds import kind_of
from assay.campaign.plan_text import nodes_text, plan_text
from assay.campaign.planning import planned
from assay.campaign.prepare import prepare
from assay.campaign.recover import again, recover
from assay.campaign.replan import plan_without
from assay.campaign.reporting import render_reports
from assay.campaign.servers import campaign_nodes, servers, stop_leftovers, unable_nodes
from assay.campaign.state import begin, check_dataset, check_user_conf, held, resumed_benchmark, session
from assay.campaign.system import system_record
from assay.campaign.tune_engine.setups import config_of_run
from assay.campaign.work import Work
from assay.cluster.launcher import LaunchError
from assay.config import Config
from assay.deploy.check.controller import require_controller
from assay.engines import build_engine
from assay.errors import AssayError, UserError
from assay.load.client_rate import known_rate
from assay.runs import (
    CampaignFolder,
    CampaignState,
    EndpointFacts,
    Result,
    RunEntry,
    RunFolder,
    RunStatus,
    read_campaign,
    read_model,
    read_record,
    read_result,
    write_json,
    write_text,
)
from assay.runs.campaign import find_campaigns
from assay.runs.campaign_manifest import note_run
from assay.runs.progress import AnyEvent
from assay.runs.setups import setup_words
from assay.scratch import scratch_folder
from assay.serving.exits import lost_words
from assay.telemetry import NodeActivity

_LEAST_LIMIT_S = 900.0
_MISSED = ("samples_failed", "samples_lost")


class Listener(Protocol):
    """Who is told how a campaign goes: the terminal, or nobody."""

    def say(self, text: str) -> None: ...
    def doing(self, text: str) -> None:
        """Something that takes its time begins; it is over once anything else of these does."""

    def begins(self, folder: CampaignFolder) -> None:
        """From here on there is something to put in order before the end: servers, and a run in progress."""

    def run_begins(self, title: str, number: int, total: int, samples: int) -> None:
        """A run, as it is called in its reports."""

    def progress(self, event: AnyEvent) -> None: ...
    def run_ends(self, entry: RunEntry, result: Result | None) -> None: ...
    def measured(self, state: CampaignState, results: Sequence[Result]) -> None:
        """Everything is measured and put in order; reports follow."""


@dataclass
class CampaignOutcome:
    """What a campaign left."""

    folder: CampaignFolder
    state: CampaignState
    results: list[Result] = field(default_factory=list)
    unreported: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Every run completed, with all its samples answered, and its report made.

        In a search for a rate a sample that isn't answered is an answer: its probe was over a limit.
        """
        must = [entry for entry in self.state.runs if not entry.may_fail]
        completed = all(entry.status is RunStatus.COMPLETED for entry in must)
        if self.state.rate_search is not None:
            return completed and not self.unreported
        counted = [result for result in self.results if result.run in {entry.run for entry in must}]
        missed = [result.figures[name] for result in counted for name in _MISSED if name in result.figures]
        return completed and not any(figure.value for figure in missed) and not self.unreported


async def run_campaign(config: Config, listener: Listener) -> CampaignOutcome:
    """Carry a new campaign out. Raises UserError before anything starts, LaunchError where servers don't come up.

    On cancellation the run in progress is closed as interrupted, the servers are stopped, and it is passed on.
    """
    benchmark, runs = planned(config)
    require_controller(config)
    post = alert_post(config.alerts, listener.say)
    engine = build_engine(config.engine)
    with scratch_folder() as scratch:
        kept = KeptCounts()
        prepared = prepare(config, benchmark, engine.model, scratch, listener.say, kept)
        client, machine = ClientLoads(config, benchmark, prepared.dataset), Machine.here(known_rate())
        client.require_room(runs, machine)
        known = estimator(config, prepared.benchmark, prepared.dataset)
        listener.say(plan_text(config, runs, known, client.lines(runs, machine)))
        folder = begin(
            config,
            runs,
            prepared.benchmark,
            dataset_sha256=prepared.dataset.sha256,
            simulated=engine.simulated,
            counts=kept,
        )
        with held(folder):
            work = Work(config, prepared, folder)
            return await _Campaign(work, read_campaign(folder), listener, post).carry_out()


async def resume_campaign(
    config: Config, folder: CampaignFolder, listener: Listener, *, retry_failed: bool = False
) -> CampaignOutcome:
    """Go on with a campaign that didn't end; `config` is its own. Completed runs are never repeated.

    Raises UserError where another process carries it out or its data set changed, and what `run_campaign` raises, for
    what is left to do.
    """
    post = alert_post(config.alerts, listener.say)
    with held(folder), scratch_folder() as scratch:
        state = read_campaign(folder)
        check_user_conf(state, config)
        benchmark = resumed_benchmark(folder, config, listener.say)
        kept = read_model(folder.prompt_counts, KeptCounts)
        prepared = prepare(config, benchmark, build_engine(config.engine).model, scratch, listener.say, kept)
        check_dataset(state, prepared.dataset.sha256)
        work = Work(config, prepared, folder)
        await _stop_leftovers(work, listener)
        recover(work, state, listener.say)
        again(state, retry_failed=retry_failed)
        if kind_of(state.kind).leaves_nodes_out:
            plan_without(state, config, campaign_nodes(config))
        if state.todo:  # it may go on on another day, in another shell
            require_controller(config)
            client = ClientLoads(config, benchmark, prepared.dataset)
            client.require_room(state.todo, Machine.here(known_rate()))
        return await _Campaign(work, state, listener, post).carry_out()


async def _stop_leftovers(work: Work, listener: Listener) -> None:
    try:
        if stopped := await stop_leftovers(work.campaign):
            listener.say(f"made sure that servers of an earlier process are down: {', '.join(stopped)}")
    except LaunchError as error:
        if not kind_of(work.config.campaign.kind).leaves_nodes_out:
            raise
        listener.say(f"not all nodes could be asked to stop earlier servers: {error}")


class _Campaign:
    """The list of runs, from the first that is to be done to the last."""

    def __init__(self, work: Work, state: CampaignState, listener: Listener, post: Post) -> None:
        self._work = work
        self._post = post
        self._config = work.config
        self._folder = work.campaign
        self._state = state
        self._say = listener.say
        self._listener = listener
        self._outcome = CampaignOutcome(work.campaign, state)
        self._served = False
        self._skipped = False
        self._kind = kind_of(work.config.campaign.kind)
        self._estimator = estimator(work.config, work.prepared.benchmark, work.prepared.dataset)
        for problem in self._estimator.problems:
            self._say(f"estimates do without a run: {problem}")

    async def carry_out(self) -> CampaignOutcome:
        self._listener.begins(self._folder)
        with session(self._folder, self._state), self._post.open():
            self._leave_out_failed()
            while todo := self._todo():
                try:
                    await self._with_servers(todo[0])
                except LaunchError as error:
                    if not self._served:
                        raise
                    self._skip_rest(f"servers could not be started again: {error}")
            self._outcome.results = self._results()
            for name, text in self._kind.files(self._config, self._state, self._outcome.results, self._folder).items():
                write_text(self._folder.path / name, text)
        self._listener.measured(self._state, self._outcome.results)
        self._outcome.unreported = render_reports(self._folder, self._listener)
        return self._outcome

    async def _with_servers(self, first: RunEntry) -> None:
        """Bring the servers of the first run up and carry out those that are on them, until all are done, a server is
        lost, or one may hang."""
        able = [node for node in campaign_nodes(self._config) if node not in self._state.left_out]
        if self._kind.tries_setups:  # in some of which one server is spread over several of them
            able = first.nodes
        engine = build_engine(self._config.engine)
        doing = "asking what runs" if engine.endpoints() else f"starting {engine.kind}"
        if self._kind.tries_setups:
            doing += f" ({setup_words(first.settings, first.servers, server_nodes=first.server_nodes)})"
        self._listener.doing(f"{doing} on {nodes_text(able)}")
        self._work.lost.clear()
        try:
            await self._serve(able, first)
        except (LaunchError, UserError) as error:
            if self._kind.tries_setups and (self._served or not first.as_configured):
                self._fail_setup(first, str(error))
                return
            if isinstance(error, UserError):
                raise
            if not self._kind.leaves_nodes_out:
                raise
            self._say(f"{error}\ntrying each node by itself")
            unable = await unable_nodes(self._config, able, self._folder)
            if not unable or len(unable) == len(able):
                raise
            self._leave_out(unable)

    async def _serve(self, nodes: Sequence[str], first: RunEntry) -> None:
        activity = NodeActivity()
        work = replace(self._work, config=config_of_run(self._config, first))
        async with servers(work.config, nodes, self._folder, self._on_lost, activity.heard) as up:
            if told := await learn_api(up.engine, self._work.prepared, up.connections):
                self._say(told)
            system = await system_record(up, self._work.prepared)
            bench = Bench(work, system, up.ready_ns, up.queued_ns, activity, self._simulated(up.endpoints), self._post)
            self._served = True
            try:
                await self._runs(bench, up.endpoints, first.start)
            finally:
                if not up.engine.endpoints():
                    self._listener.doing("taking servers down")
        for problem in up.problems:
            self._say(f"a server may still run: {problem}")

    async def _runs(self, bench: Bench, endpoints: Sequence[EndpointFacts], start: int) -> None:
        """Carry runs out one after another, as long as the servers are as they should be, and theirs."""
        while (todo := self._todo()) and todo[0].start == start:
            await asyncio.sleep(0)  # where a cancellation came meanwhile, no run begins
            await self._one(bench, todo[0], endpoints)
            self._after(todo[0])
            # Looked at after a run, so that each start of servers brings the campaign on.
            if self._work.lost or todo[0].status is RunStatus.TIMEOUT:
                break

    def _simulated(self, endpoints: Sequence[EndpointFacts]) -> bool:
        """Whether any endpoint is simulated: a server that says so is, whatever the configuration calls it."""
        found = self._work.prepared.api.simulated or any(endpoint.simulated for endpoint in endpoints)
        if found and not self._state.simulated:
            self._say("the server says that it is `assay simulate`: every run is marked simulated")
            self._state.simulated = True
            write_json(self._folder.state, self._state)
        return found

    def _todo(self) -> list[RunEntry]:
        """What is left to do; where nothing is, what the campaign's kind makes of the results so far."""
        if told := self._kind.fit(self._config, self._state, self._folder):
            self._say(told)
            write_json(self._folder.state, self._state)
        if self._state.todo or self._skipped:
            return self._state.todo
        if new := self._kind.more(self._config, self._state, self._results(), self._folder):
            self._state.runs += new
            write_json(self._folder.state, self._state)
        return self._state.todo

    def _on_lost(self, endpoint: str, reason: str) -> None:
        self._work.lost[endpoint] = reason
        self._say(lost_words({endpoint: reason}))

    async def _one(self, bench: Bench, entry: RunEntry, endpoints: Sequence[EndpointFacts]) -> None:
        folder = run_folder(self._folder.runs, entry, self._config)
        entry.run = folder.id
        write_json(self._folder.state, self._state)  # before the folder is made: a crash leaves no unknown folder
        ended = sum(other.ended for other in self._state.runs)
        samples = self._estimator.samples(entry)
        self._listener.run_begins(title_in(self._state.runs, entry), ended + 1, len(self._state.runs), samples)
        taking_part = [endpoint.model_copy() for endpoint in endpoints if endpoint.node in entry.nodes]
        for endpoint in taking_part:
            endpoint.window = entry.window or endpoint.window or self._found_window(entry, endpoint.name)
        try:
            record = await execute(
                bench, entry, taking_part, folder, self._limit_s(entry, samples), self._listener.progress
            )
            entry.status, entry.reason = record.status, record.reason
        except (asyncio.CancelledError, OSError) as error:
            entry.status, entry.reason = _ended_as(folder, interrupted_by(error))
            raise
        except AssayError as error:
            entry.status, entry.reason = RunStatus.FAILED, str(error)
        finally:
            note_run(self._folder, folder)
            write_json(self._folder.state, self._state)
            self._listener.run_ends(entry, read_result(folder))

    def _found_window(self, entry: RunEntry, endpoint: str) -> int | None:
        """The window that an earlier run of this campaign found: runs that are compared must have the same.

        A run with a shape looks for none: its places are the load's own, and would hold another load back.
        """
        if entry.shape is not None:
            return None
        for other in self._state.runs:
            if other.status is not RunStatus.COMPLETED or other.window is not None or other.run is None:
                continue
            if other.shape is not None:
                continue
            for facts in read_record(self._folder.run(other.run)).endpoints:
                if facts.name == endpoint and facts.window is not None:
                    return facts.window
        return None

    def _after(self, entry: RunEntry) -> None:
        """What a run's end means for those to come, and how long they will take."""
        if entry.status is not RunStatus.COMPLETED:
            if self._config.campaign.stop_on_failure:
                self._skip_rest(f"{title_in(self._state.runs, entry)} ended as {entry.status}")
            self._leave_out_failed()
        self._estimator.learn_from(find_campaigns(self._config.output))
        estimates = [self._estimator.estimate(left) for left in self._state.todo]
        if estimates and all(estimate.seconds is not None for estimate in estimates):
            self._say(f"{count(len(estimates))} left: {together(estimates)}")

    def _limit_s(self, entry: RunEntry, samples: int) -> float:
        """Generous: a minute a sample in sequence would be slow even for a CPU; official runs take hours."""
        if (given := self._config.campaign.run_timeout_s) is not None:
            return given
        if self._config.official:
            return 24 * 3600.0
        lasts_s = entry.shape.lasts_s if entry.shape else None
        return _LEAST_LIMIT_S + 60.0 * samples + samples / (entry.target_qps or 1.0) + (lasts_s or 0.0)

    def _fail_setup(self, first: RunEntry, reason: str) -> None:
        """What can't be started is a result of its own: it is told, and the others are tried."""
        self._say(
            f"{setup_words(first.settings, first.servers, server_nodes=first.server_nodes)} can't be measured: {reason}"
        )
        for entry in self._state.todo:
            if entry.start == first.start:
                entry.status, entry.reason = RunStatus.FAILED, reason
        write_json(self._folder.state, self._state)

    def _skip_rest(self, reason: str) -> None:
        self._skipped = True
        for entry in self._state.todo:
            entry.status, entry.reason = RunStatus.SKIPPED, reason
        write_json(self._folder.state, self._state)

    def _leave_out_failed(self) -> None:
        """Scaling: a node whose run alone didn't complete can stand on neither side of the comparison."""
        if not self._kind.leaves_nodes_out:
            return
        alone = [entry for entry in self._state.runs if len(entry.nodes) == 1 and entry.ended]
        measured = {entry.nodes[0] for entry in alone if entry.status in (RunStatus.COMPLETED, RunStatus.INVALID)}
        unmeasured = [entry for entry in alone if entry.nodes[0] not in measured]
        reasons = {entry.nodes[0]: entry.reason.partition("\n")[0] for entry in unmeasured}
        runs = self._state.runs
        why = {e.nodes[0]: f"{title_in(runs, e)} ended as {e.status}: {reasons[e.nodes[0]]}" for e in unmeasured}
        self._leave_out(why)

    def _leave_out(self, unable: dict[str, str]) -> None:
        new = {node: reason for node, reason in unable.items() if node not in self._state.left_out}
        for node, reason in new.items():
            self._say(f"node {node} is left out: {reason}")
        if new:
            self._state.left_out |= new
            plan_without(self._state, self._config, campaign_nodes(self._config))
            write_json(self._folder.state, self._state)

    def _results(self) -> list[Result]:
        found = [read_result(self._folder.run(entry.run)) for entry in self._state.runs if entry.run]
        return [result for result in found if result is not None]


def _ended_as(folder: RunFolder, interruption: str) -> tuple[RunStatus, str]:
    """How a run ended with which the campaign ends: its load may have gone to its end before."""
    if folder.result.exists() and (record := read_record(folder)).status is not RunStatus.INCOMPLETE:
        return record.status, record.reason
    return RunStatus.INTERRUPTED, interruption
