"""What a run took beside time, as figures of `result.json`: energy, and money for the time of its nodes."""

from __future__ import annotations

from dataclasses import replace

from assay.analysis.energy import RunEnergy
from assay.analysis.figures import figure
from assay.analysis.rates import token_rate
from assay.analysis.samples import Samples
from assay.analysis.statistics import Estimate
from assay.runs.cost import CostFacts
from assay.runs.result import Figure

COST = "cost_per_million_output_tokens"
EXPENSES = (
    "energy_j",
    "mean_power_w",
    "joules_per_sample",
    "joules_per_output_token",
    "output_tokens_per_s_per_kw",
    COST,
)
"""Names of the figures, in their order."""
_TELEMETRY = "telemetry.parquet, run.json"
_BOTH = f"{_TELEMETRY}, requests.parquet"


def energy_figures(energy: RunEnergy | None) -> dict[str, Figure]:
    """Of the nodes that count; nothing where none does."""
    if energy is None or energy.spent is None:
        return {}
    spent = energy.spent
    whole = f"joules of {energy.words}, over the time of the rates"
    power = figure(spent.power_w, "W", f"{whole} / that time", _TELEMETRY)
    joules = spent.power_w.value * energy.seconds
    found = {
        "energy_j": Figure(value=joules, unit="J", formula=whole, source=_TELEMETRY),
        "mean_power_w": power.model_copy(update={"n": None}),
    }
    if spent.per_sample_j is not None:
        formula = f"{whole} / samples that these nodes completed in it"
        found["joules_per_sample"] = figure(spent.per_sample_j, "J/sample", formula, _BOTH)
    if spent.per_token_j is not None:
        formula = f"{whole} / output_tokens of samples that these nodes completed in it"
        found["joules_per_output_token"] = figure(spent.per_token_j, "J/token", formula, _BOTH)
        efficiency = _inverse(spent.per_token_j).scaled(1000)
        found["output_tokens_per_s_per_kw"] = figure(efficiency, "tokens/s/kW", "1000 / joules_per_output_token", _BOTH)
    return found


def cost_figures(cost: CostFacts | None, samples: Samples) -> dict[str, Figure]:
    """A million output tokens at the run's rate; nothing where the tokens or a node's price aren't known."""
    if cost is None or cost.whole_per_hour is None or not samples.counted or not samples.output_tokens.any():
        return {}
    estimate = _inverse(token_rate(samples)).scaled(cost.whole_per_hour * 1e6 / 3600)
    unit = f"{cost.currency}/million output tokens"
    formula = f"{cost.whole_per_hour:g} {cost.currency} an hour for all nodes of the run / output_tokens_per_s"
    return {COST: figure(estimate, unit, formula, "run.json, requests.parquet")}


def _inverse(estimate: Estimate) -> Estimate:
    """One over a positive quantity, with the same relative error."""
    value = 1 / estimate.value
    se = None if estimate.se is None else estimate.se * value**2
    shared, known = estimate.shared * value**2, estimate.known * value**2
    return replace(estimate, value=value, se=se, shared=shared, known=known)
