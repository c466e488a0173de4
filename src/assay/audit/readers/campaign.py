"""Evidence from a campaign: its runs, and the scaling that its report.json states."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from assay.audit.evidence import ClaimedRatio, Evidence, Origin, RunEvidence, Wording
from assay.audit.folder import CampaignFacts
from assay.audit.readers.engine_search import claimed_settings
from assay.audit.readers.folder import read_config
from assay.audit.readers.rate_search import claimed_rates
from assay.audit.readers.run_folder import is_run_folder, read_runs
from assay.audit.spans import Span
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, read_campaign, read_object
from assay.runs.campaign_manifest import check_campaign

_NEAR = 1e-6
Groups = dict[frozenset[str], list[RunEvidence]]


def read_campaign_folder(folder: Path) -> Evidence:
    """A campaign's runs that have started, and its claims of scaling."""
    campaign = CampaignFolder(folder)
    state = read_campaign(campaign)
    started = [campaign.run(entry.run).path for entry in state.runs if entry.run]
    evidence = read_runs([path for path in started if is_run_folder(path)], folder, "campaign")
    evidence.campaign = _facts(campaign, state, evidence)
    report = _report(campaign, evidence)
    evidence.comparisons += _scaling(report, evidence)
    evidence.rates += claimed_rates(report, campaign, state, evidence)
    evidence.settings += claimed_settings(report, campaign, state, evidence)
    evidence.manifest = check_campaign(campaign)
    return evidence


def _facts(campaign: CampaignFolder, state: CampaignState, evidence: Evidence) -> CampaignFacts:
    damage: list[str] = []
    config = read_config(campaign.config, damage)
    evidence.unreadable += [Wording(str(campaign.config), words) for words in damage]
    digest = sha256(campaign.config.read_bytes()).hexdigest() if campaign.config.is_file() else None
    folders = {record.parent.name for record in campaign.runs.glob("*/run.json")}
    return CampaignFacts(state, folders, config, digest)


def _report(campaign: CampaignFolder, evidence: Evidence) -> dict[str, Any]:
    """What report.json says; nothing where it isn't rendered, or can't be read."""
    try:
        return read_object(campaign.report_json) or {}
    except UserError as error:
        evidence.unreadable.append(Wording(str(campaign.report_json), str(error)))
        return {}


def _scaling(report: dict[str, Any], evidence: Evidence) -> Iterator[ClaimedRatio]:
    """Efficiency and speed-up of each group of nodes, beside the runs that must give them."""
    scaling = report.get("scaling")
    groups = scaling.get("groups") if isinstance(scaling, dict) else []  # a campaign without scaling
    for group in groups if isinstance(groups, list) else []:
        if not isinstance(group, dict) or not isinstance(group.get("nodes"), list):
            continue
        runs = _runs_nearest(evidence, group)
        nodes = [str(node) for node in group["nodes"]]
        combined = _mean_run(", ".join(nodes), runs.get(frozenset(nodes), []))
        baselines = [_mean_run(node, runs.get(frozenset([node]), [])) for node in nodes]
        for kind, key, low in (("scaling", "efficiency", "low"), ("speedup", "speedup", "speedup_low")):
            value, lowest = group.get(key), group.get(low)
            if isinstance(value, int | float):
                words = f"{'scaling efficiency' if kind == 'scaling' else 'speed-up'} {value:.4g} of {', '.join(nodes)}"
                claim = ClaimedRatio(kind, words, Span.near(float(value), _NEAR), combined, baselines)
                claim.lowest = float(lowest) if isinstance(lowest, int | float) else None
                yield claim


def _runs_nearest(evidence: Evidence, group: dict[str, Any]) -> Groups:
    """The runs by the nodes that took part, of the scenario whose combined rate is nearest to the group's."""
    by_scenario: dict[str, Groups] = defaultdict(lambda: defaultdict(list))
    for run in evidence.runs:
        if run.performance and run.tokens_per_s is not None and run.finished:
            by_scenario[run.scenario_key][frozenset(run.nodes)].append(run)
    nodes, rate = frozenset(map(str, group["nodes"])), group.get("rate")
    stated = float(rate) if isinstance(rate, int | float) else 0.0

    def distance(groups: Groups) -> float:
        repeats = groups.get(nodes)
        return abs(_mean_rate(repeats) - stated) if repeats else float("inf")

    return min(by_scenario.values(), key=distance, default={})


def _mean_run(name: str, repeats: list[RunEvidence]) -> RunEvidence:
    """The mean of a group's repeats, and the samples of all of them."""
    run = RunEvidence(name=name, origin=Origin.RUN, where="runs")
    if repeats:
        run.tokens_per_s = Span.near(_mean_rate(repeats), _NEAR)
        for count in ("assigned", "completed", "failed", "lost"):
            setattr(run.samples, count, sum(getattr(repeat.samples, count) or 0 for repeat in repeats))
    return run


def _mean_rate(repeats: list[RunEvidence]) -> float:
    """Output tokens/s."""
    rates = [run.tokens_per_s.value for run in repeats if run.tokens_per_s is not None]
    return sum(rates) / len(rates)
