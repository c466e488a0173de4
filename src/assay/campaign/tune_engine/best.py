"""`best.yaml`: the configuration that a search found best, to be run as it is."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.engine_models import Try, Tuned
from assay.campaign.tune_engine.objectives import objective_of
from assay.campaign.tune_engine.setups import config_with
from assay.config import Config, dump_config
from assay.report.engine_front import front_words
from assay.runs.campaign import BEST, EngineObjective

_LONGEST_NAME = 64
_COMPARED: dict[EngineObjective, str] = {
    "offline": "Offline's output tokens/s",
    "highest-rate": "the highest rate that keeps limits",
    "pareto": "output tokens/s against the pace of a user",
}
_UNSCORED = "Its answers were not scored against the default's."


def best_files(config: Config, found: Tuned, campaign: str) -> dict[str, str]:
    """`best.yaml`, and where the best depends on the pace of a user, one more for each that is shown to be best at
    some; nothing where nothing was compared."""
    if not found.against:
        return {}
    files = {BEST: best_yaml(config, found, campaign)}
    if found.front is not None and found.outcome == "depends on the pace":
        for place, name in enumerate(found.front.shown, start=1):
            lines = [_from(found, campaign), *front_words(found.front, name), _UNSCORED]
            files[f"best-{place}.yaml"] = _written(config, found, found.named(name), lines)
    return files


def best_yaml(config: Config, found: Tuned, campaign: str) -> str:
    """The configuration with the best settings, or with its own where none is shown to be better, and which it is."""
    best = found.named(found.best) if found.outcome == "better" else None
    return _written(config, found, best, _told(found, campaign))


def _written(config: Config, found: Tuned, best: Try | None, comment: Sequence[str]) -> str:
    """With the settings of `best`, or its own where there is none."""
    chosen = config if best is None else config_with(config, best.settings, best.servers, best.server_nodes)
    if best is not None and best.window is not None:
        chosen = config_with(chosen, {"window": best.window}, None)
    name = f"{config.name[: _LONGEST_NAME - len('-best')]}-best"
    shown = (best or found.default or found.tries[0]).rate
    campaign_config = objective_of(config).best(None if shown is None else shown.value)
    chosen = chosen.model_copy(update={"name": name, "campaign": campaign_config})
    return "".join(f"# {line}\n" for line in comment) + dump_config(chosen)


def _from(found: Tuned, campaign: str) -> str:
    return f"From {campaign}, which compared settings by {_COMPARED[found.objective]} over server starts."


def _told(found: Tuned, campaign: str) -> list[str]:
    lines = [_from(found, campaign)]
    if found.outcome == "depends on the pace":
        return [*lines, "The best depends on the pace of a user (best-1.yaml, ...), so this is the default."]
    if found.outcome == "default is best":
        return [*lines, "Every other finalist is shown to be slower than the default, so this is the default."]
    if found.best is None:
        return [*lines, "No difference from the default was shown, so this is the default."]
    if found.front is not None:
        ratio = f"{found.best} gives the most tokens/s at every pace of a user"
    else:
        top = next(one for one in found.against if one.name == found.best)
        ratio = f"{found.best}: {top.ratio:.3g} x the default's rate (95 %: {top.low:.3g} to {top.high:.3g})"
    if found.outcome == "answers worse":
        return [*lines, f"{ratio}, but its answers are worse, so this is the default."]
    if not found.scores:
        return [*lines, f"{ratio}; its answers were not scored against the default's."]
    judged = all(score.judged for score in found.scores)
    shown = "are not below the interval of the default's" if judged else "are not shown to be worse or not"
    return [*lines, f"{ratio}; its answers {shown}."]
