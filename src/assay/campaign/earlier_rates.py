"""Target rates for official runs from what earlier campaigns found: Server's from a search, Offline's from a run.

A rate is taken only where it is that of the same benchmark on the same servers; else each reason is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.analysis.expected_rate import expected_rate
from assay.analysis.rate_answer import rate_answer
from assay.campaign.entries import rate
from assay.campaign.servers import campaign_nodes
from assay.config import Config, load_config
from assay.engines import build_engine
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, read_campaign, read_record
from assay.runs.scenarios import Scenario


@dataclass
class EarlierRates:
    """Samples/s by scenario, and in words where each comes from and what is to be known of it."""

    rates: dict[Scenario, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def settings(self) -> list[str]:
        """As `--set` takes them."""
        return [f"target_qps.{scenario}={value:g}" for scenario, value in self.rates.items()]


def earlier_rates(campaigns: Sequence[Path], config: Config) -> EarlierRates:
    """The rates that earlier campaigns give `config`'s scenarios. Raises UserError with every reason against one."""
    found = EarlierRates()
    for path in campaigns:
        folder = CampaignFolder(path)
        state = read_campaign(folder)
        if reasons := list(_others(folder, state, config)):
            raise UserError(f"--from {path}: its rates aren't those of these servers:" + _listed(reasons))
        rates = _searched(folder, state) if state.kind == "tune-rate" else _offline(folder, state)
        for scenario, value, words in rates:
            _take(found, path, scenario, value, words, config)
        if state.simulated and not build_engine(config.engine).simulated:
            found.said.append(f"{state.id} measured simulated endpoints: its rates are worth nothing for others")
    return found


def _others(folder: CampaignFolder, state: CampaignState, config: Config) -> Iterator[str]:
    """Where the earlier campaign measured something else."""
    own = load_config(folder.config)
    if own.benchmark != config.benchmark:
        yield f"benchmark is {own.benchmark} there, {config.benchmark} here"
    if campaign_nodes(own) != campaign_nodes(config):
        yield f"nodes are {', '.join(campaign_nodes(own))} there, {', '.join(campaign_nodes(config))} here"
    sides = [one.engine.model_dump(mode="json") for one in (own, config)]
    for name in sorted({*sides[0], *sides[1]}):
        there, here = (side.get(name, "not set") for side in sides)
        if there != here:
            yield f"engine.{name} is {there} there, {here} here"
    engine = build_engine(config.engine)
    if state.simulated and not engine.simulated and not engine.endpoints():
        yield "its endpoints were simulated"


def _searched(folder: CampaignFolder, state: CampaignState) -> Iterator[tuple[Scenario, float, str]]:
    """The rate of a search, where a confirming run of LoadGen's held it. Raises UserError."""
    answer = rate_answer(folder, state)
    confirming = [point for point in answer.points if point.role == "confirm"]
    reasons = []
    if answer.rate is None or not answer.confirmed:
        reasons.append(f"no run confirmed a rate: {answer.why}")
    if answer.scenario == "rate":
        reasons.append("it searched with limits of its own, by the pacer's arrivals: search with --scenario Server")
    if confirming and confirming[-1].client_bound:
        reasons.append("the load generator could have shaped its confirming run")
    if reasons or answer.rate is None or answer.scenario == "rate":
        raise UserError(f"--from {folder.path}: its rate can't be taken:" + _listed(reasons))
    short = not read_record(folder.run(confirming[-1].run)).official
    note = "; confirmed by a short run alone: an official one takes longer" if short else ""
    yield answer.scenario, answer.rate, f"{answer.scenario}: {answer.rate:g} a second, as {state.id} found{note}"


def _offline(folder: CampaignFolder, state: CampaignState) -> Iterator[tuple[Scenario, float, str]]:
    """The rate of the newest Offline run that says how long an official one takes. Raises UserError."""
    reasons = []
    for entry in reversed(state.runs):
        if entry.scenario != "Offline" or entry.run is None or not (entry.measures or entry.planning):
            continue
        found = expected_rate(folder.run(entry.run))
        if found is None:
            reasons.append(f"{entry.run} has no rate: {entry.status or 'not ended'}")
        elif not found.tells:
            reasons.append(f"{entry.run} was too short to fill its places")
        else:
            bound = read_record(folder.run(entry.run)).client.client_bound
            note = "; the load generator could have shaped it: without that it may be higher" if bound else ""
            yield (
                "Offline",
                found.rate,
                f"Offline: {found.rate:g} samples/s are expected, as measured in {found.run}{note}",
            )
            return
    reasons = reasons or [f"a {state.kind} campaign without an Offline run, and no search for a rate"]
    raise UserError(f"--from {folder.path}: it gives no rate:" + _listed(reasons))


def _take(found: EarlierRates, path: Path, scenario: Scenario, value: float, words: str, config: Config) -> None:
    if scenario not in config.scenarios:
        raise UserError(f"--from {path}: its rate is {scenario}'s, which scenarios doesn't have")
    if found.rates.get(scenario, value) != value:
        raise UserError(
            f"--from {path}: it has {value:g} a second for {scenario}, another has {found.rates[scenario]:g}"
        )
    given = config.target_qps.get(scenario)
    if (used := rate(config, scenario)) not in (given, value):
        raise UserError(
            f"--from {path}: {scenario} has {value:g} a second there, and LoadGen would take {used:g} from "
            f"{config.loadgen.user_conf}: leave one of them out"
        )
    found.rates[scenario] = value
    found.said.append(words if given in (None, value) else f"{words}, instead of target_qps.{scenario}, {given:g}")


def _listed(reasons: Sequence[str]) -> str:
    return "".join(f"\n  {reason}" for reason in reasons)
