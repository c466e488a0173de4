"""From `campaign.kind` to what answers it."""

from __future__ import annotations

from collections.abc import Sequence

from assay.benchmarks import Benchmark
from assay.campaign.kinds.base import Kind
from assay.campaign.kinds.bench import Bench
from assay.campaign.kinds.official import Official
from assay.campaign.kinds.scaling import Scaling
from assay.campaign.kinds.single import Single
from assay.campaign.kinds.sweep import Sweep
from assay.campaign.kinds.tune_curve import TuneCurve
from assay.campaign.kinds.tune_engine import TuneEngine
from assay.campaign.kinds.tune_rate import TuneRate
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry
from assay.runs.campaign import CampaignKind
from assay.runs.scenarios import drives
from assay.scoring import get_scorer

_KINDS: dict[CampaignKind, Kind] = {
    kind.name: kind
    for kind in (
        Single(),
        Scaling(),
        Official(),
        Sweep(),
        Bench(),
        TuneCurve(),
        TuneRate(),
        TuneEngine(),
    )
}


def kind_of(name: CampaignKind) -> Kind:
    """The kind with that name."""
    return _KINDS[name]


def plan_runs(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """The campaign's runs on `nodes`, in the order in which they are to be carried out.

    Raises UserError where the configuration or the nodes can't answer what the campaign's kind asks.
    """
    kind = kind_of(config.campaign.kind)
    kind.check(config, nodes)
    return kind.plan(config, nodes)


def check_benchmark(runs: Sequence[RunEntry], benchmark: Benchmark) -> None:
    """Raises UserError where the benchmark can't be run or scored as planned."""
    for run in runs:
        if drives(run.scenario) == "loadgen" and run.scenario not in benchmark.scenarios:
            known = ", ".join(benchmark.scenarios) or "none of LoadGen's, only the pacer's loads (campaign.kind bench)"
            raise UserError(f"scenarios: {benchmark.name} has no {run.scenario}; it has {known}")
    modes = {run.mode for run in runs}
    if benchmark.accuracy is not None and len(modes) > 1:
        raise UserError(
            f"modes: {benchmark.name}'s accuracy runs have samples of their own, and a campaign has one data set: set "
            "modes to [performance], and to [accuracy] in a campaign of its own"
        )
    if "accuracy" not in modes:
        return
    if benchmark.scorer is not None:
        get_scorer(benchmark.scorer)
    elif not benchmark.scored_with:
        raise UserError(f"modes: {benchmark.name} has no scorer, so nothing to score: set modes to [performance]")
