"""A campaign's runs are those that it planned and carried out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from assay.audit.evidence import Evidence
from assay.audit.folder import CampaignFacts, FolderFacts
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported
from assay.runs import RunEntry, RunStatus
from assay.runs.setups import with_setup
from assay.runs.shapes import ConcurrencyShape

_ROOM_S = 60.0
_PLANNED = ("single", "official", "scaling", "sweep", "bench", "tune-curve")
_DEFAULT_REPEATS = {"scaling": 3}


@evidence_rule(
    "campaign-runs",
    explain="""
campaign.json holds the plan: every run with its key, in which repeats are counted from 0, and the folder that carried
it out. So a run that ended has its folder; a folder that ended is in the plan; each is what the plan says of it
(scenario, mode, nodes, repeat, target, load, engine settings of its own, status, data set) and has the campaign's
configuration, but for those settings; it ran while the campaign did, one run after another; and the repeats are as
many as config.yaml asks for, without a gap. Where one is missing, means and intervals rest on the repeats that somebody
kept. A curve of throughput against pace has every point on its way up: one that was left out may be the one that didn't
fit.
""",
    source="campaign.json and config.yaml against the folders in runs/",
)
def check(evidence: Evidence) -> Iterator[Check]:
    facts = evidence.campaign
    if facts is None:
        return
    found = [*_folders(facts), *_repeats(facts), *_configuration(facts)]
    runs = {run.folder.record.id: run.folder for run in evidence.runs if run.folder is not None}
    for entry in facts.state.runs:
        if entry.run in runs and entry.status is not None:
            found += _entry(facts, entry, runs[entry.run])
    found += _times(facts, list(runs.values()))
    yield from found
    if not found:
        yield supported(f"{len(facts.state.runs)} runs as planned", f"{len(facts.folders)} folders")


def _folders(facts: CampaignFacts) -> Iterator[Check]:
    for key, count in Counter(entry.key for entry in facts.state.runs).items():
        if count > 1:
            yield contradicted(f"{key} is one run", f"the plan has it {count} times")
    claimed = Counter(entry.run for entry in facts.state.runs if entry.run)
    for folder, count in claimed.items():
        if count > 1:
            yield contradicted(f"{count} runs of the plan were carried out", f"all of them are {folder}")
    for entry in facts.state.runs:
        if entry.run and entry.status in (RunStatus.COMPLETED, RunStatus.INVALID) and entry.run not in facts.folders:
            yield unsupported(f"{entry.key} was carried out", f"its folder {entry.run} is missing")
    known = {name for entry in facts.state.runs for name in (entry.run, *entry.earlier)}
    for folder in sorted(facts.folders - known):
        yield contradicted(f"{folder} is a run of this campaign", "its plan doesn't have it")


def _repeats(facts: CampaignFacts) -> Iterator[Check]:
    state, campaign = facts.state, facts.config.get("campaign")
    if state.kind not in _PLANNED or not isinstance(campaign, dict):
        return
    asked = campaign.get("repeats") or _DEFAULT_REPEATS.get(state.kind, 1)
    refitted = any(entry.status is RunStatus.SKIPPED for entry in state.runs) or len(state.sessions) > 1
    by_name: dict[str, set[int]] = defaultdict(set)
    for entry in state.runs:
        if (
            entry.compliance is None
            and not entry.planning
            and not (refitted and len(entry.nodes) > 1 and state.kind == "scaling")
        ):
            by_name[entry.key.removesuffix(f"-r{entry.repeat}")].add(entry.repeat)
    for name, repeats in by_name.items():
        missing = sorted(set(range(max(asked, max(repeats) + 1))) - repeats)
        if missing:
            yield contradicted(
                f"{name} was measured {len(repeats)} times", f"{asked} repeats were planned; missing: {missing}"
            )
    yield from _way_up(facts)
    loads = _loads(facts)
    if loads is not None and len(by_name) < loads:
        yield contradicted(f"{len(by_name)} kinds of run", f"config.yaml asks for {loads}")


def _way_up(facts: CampaignFacts) -> Iterator[Check]:
    """A curve's points follow each other: each has twice as many in flight as the one before."""
    curve = facts.config["campaign"].get("curve")
    if facts.state.kind != "tune-curve" or not isinstance(curve, dict) or curve.get("points") != "log2":
        return
    shapes = (entry.shape for entry in facts.state.runs)
    points = sorted({shape.concurrency for shape in shapes if isinstance(shape, ConcurrencyShape)})
    least = curve.get("least")
    if isinstance(least, int) and points and points[0] != least:
        yield contradicted(f"the curve begins at {points[0]} in flight", f"config.yaml asks for {least}")
    for below, above in pairwise(points):
        if above != 2 * below:
            yield contradicted(f"{above} in flight follows {below}", f"{2 * below} comes between them on the way up")


def _loads(facts: CampaignFacts) -> int | None:
    """How many different runs the configuration asks for; None where that depends on more than it."""
    config, campaign = facts.config, facts.config["campaign"]
    match facts.state.kind:
        case "single":
            return len(config.get("scenarios") or ()) * len(config.get("modes") or ())
        case "bench":
            return len(campaign.get("loads") or ())
        case "sweep":
            return len(campaign.get("rates") or ()) + len(campaign.get("concurrencies") or ())
    return None


def _configuration(facts: CampaignFacts) -> Iterator[Check]:
    if facts.config_sha256 is not None and facts.config_sha256 != facts.state.config_sha256:
        yield contradicted(
            "config.yaml is the campaign's", f"campaign.json has the digest {facts.state.config_sha256[:12]} of another"
        )


def _entry(facts: CampaignFacts, entry: RunEntry, folder: FolderFacts) -> Iterator[Check]:
    record = folder.record
    pairs: list[tuple[str, object, object]] = [
        (name, getattr(entry, name), getattr(record, name))
        for name in ("scenario", "mode", "repeat", "shape", "compliance", "planning", "status")
    ]
    if record.nodes:  # the first versions didn't keep them
        pairs.append(("nodes", entry.nodes, record.nodes))
    if record.campaign_key is not None:
        pairs.append(("key", entry.key, record.campaign_key))
    if facts.state.dataset_sha256:
        pairs.append(("data set", facts.state.dataset_sha256, record.dataset_sha256))
    if entry.mode == "performance" and not folder.has_user_conf:
        pairs.append(("target", entry.target_qps, record.target_qps))
    if facts.state.simulated:
        pairs.append(("simulated", True, record.simulated))
    pairs += [
        (f"{endpoint.name}'s {name}", value, endpoint.settings[name])
        for endpoint in record.endpoints
        for name, value in entry.settings.items()
        if name in endpoint.settings and value != "auto"  # what a server chose by itself
    ]
    for name, planned, actual in pairs:
        if planned != actual:
            yield contradicted(f"{entry.key}: {name} {actual} in {folder.folder.record.name}", f"{planned} in the plan")
    yield from _same_configuration(entry, facts, folder)


def _same_configuration(entry: RunEntry, facts: CampaignFacts, folder: FolderFacts) -> Iterator[Check]:
    """Settings that both files have; a later version may know more of them, and results may have been moved. A search
    gives its runs settings and servers of their own, which are in the plan."""
    config = with_setup(facts.config, entry.settings, entry.servers, entry.server_nodes)
    other = [
        name
        for name, value in config.items()
        if name != "output" and name in folder.config and not _agree(value, folder.config[name])
    ]
    if other:
        yield contradicted(f"{entry.key}: {', '.join(other)} in its config.yaml", "not the campaign's")


def _agree(value: object, other: object) -> bool:
    if isinstance(value, dict) and isinstance(other, dict):
        return all(_agree(item, other[name]) for name, item in value.items() if name in other)
    return value == other


def _times(facts: CampaignFacts, runs: list[FolderFacts]) -> Iterator[Check]:
    begin, end = _utc_s(facts.state.started_utc), _utc_s(facts.state.ended_utc)
    spans = []
    for run in runs:
        first, last = _utc_s(run.record.started_utc), _utc_s(run.record.ended_utc)
        if first is None or last is None:
            continue
        spans.append((first, last, run.record.id))
        early = begin is not None and first < begin - _ROOM_S
        if early or (end is not None and last > end + _ROOM_S):
            yield contradicted(
                f"{run.record.id} is a run of this campaign",
                f"it ran from {run.record.started_utc} to {run.record.ended_utc}, "
                f"the campaign from {facts.state.started_utc} to {facts.state.ended_utc}",
            )
    yield from _overlaps(sorted(spans))


def _overlaps(spans: list[tuple[float, float, str]]) -> Iterator[Check]:
    for (_, before, earlier), (after, last, later) in pairwise(spans):
        # A minute of the clock's being set right is left; copies of one run overlap from end to end.
        if after < before - min(_ROOM_S, (last - after) / 2):
            yield contradicted(
                f"{earlier} and {later} are two runs", "a campaign's runs follow each other; these overlap"
            )


def _utc_s(text: str | None) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
