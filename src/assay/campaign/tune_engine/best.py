"""`best.yaml`: the configuration that a search found best, to be run as it is."""

from __future__ import annotations

from assay.analysis.engine_tries import Tuned
from assay.campaign.tune_engine.objectives import objective_of
from assay.campaign.tune_engine.setups import config_with
from assay.config import Config, dump_config
from assay.runs.campaign import EngineObjective

FILE = "best.yaml"
_LONGEST_NAME = 64
_COMPARED: dict[EngineObjective, str] = {
    "offline": "Offline's output tokens/s",
    "highest-rate": "the highest rate that keeps limits",
}


def best_yaml(config: Config, found: Tuned, campaign: str) -> str:
    """The configuration with the best settings, or with its own where none is shown to be better, and which it is."""
    best = found.named(found.best) if found.outcome == "better" else None
    chosen = config if best is None else config_with(config, best.settings, best.servers)
    if best is not None and best.window is not None:
        chosen = config_with(chosen, {"window": best.window}, None)
    name = f"{config.name[: _LONGEST_NAME - len('-best')]}-best"
    shown = (best or found.default or found.tries[0]).rate
    campaign_config = objective_of(config).best(None if shown is None else shown.value)
    chosen = chosen.model_copy(update={"name": name, "campaign": campaign_config})
    return "".join(f"# {line}\n" for line in _told(found, campaign)) + dump_config(chosen)


def _told(found: Tuned, campaign: str) -> list[str]:
    against = {one.name: one for one in found.against}
    lines = [f"From {campaign}, which compared settings by {_COMPARED[found.objective]} over server starts."]
    if found.best is None:
        return [*lines, "No difference from the default was shown, so this is the default."]
    top = against[found.best]
    ratio = f"{found.best}: {top.ratio:.3g} x the default's rate (95 %: {top.low:.3g} to {top.high:.3g})"
    if found.outcome == "answers worse":
        return [*lines, f"{ratio}, but its answers are worse, so this is the default."]
    if not found.scores:
        return [*lines, f"{ratio}; its answers were not scored against the default's."]
    judged = all(score.judged for score in found.scores)
    shown = "are not below the interval of the default's" if judged else "are not shown to be worse or not"
    return [*lines, f"{ratio}; its answers {shown}."]
