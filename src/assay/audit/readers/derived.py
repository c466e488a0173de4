"""What a claims file derives from its runs: scaling, speed-up, projections and changes."""

from __future__ import annotations

import re

from assay.audit.claimed import ClaimedChange
from assay.audit.evidence import ClaimedDuration, ClaimedRatio, Evidence, RunEvidence
from assay.audit.readers.fields import Fields, read_share
from assay.audit.spans import Span
from assay.errors import UserError

_CHANGE = re.compile(r"^(?P<share>.*\S)\s+(?P<word>lower|less|higher|more)$")
_RATES = ("samples_per_s", "tokens_per_s", "goodput")
_SPREADS = ("latency", "ttft", "tpot")


def run_named(runs: dict[str, RunEvidence], name: str, fields: Fields, key: str) -> RunEvidence:
    """Raises UserError where no run is called so."""
    if name not in runs:
        raise UserError(f"{fields.where}: {key}: no run is called {name!r}; the runs are: {', '.join(runs)}")
    return runs[name]


def read_derived(evidence: Evidence, runs: dict[str, RunEvidence], fields: Fields, all_samples: int | None) -> None:
    """Add one entry of `derived` to the evidence; a projection without samples is for `all_samples`."""
    kind = fields.text("kind")
    if kind == "projection":
        evidence.projections.append(_projection(runs, fields, all_samples))
    elif kind in ("scaling", "speedup"):
        evidence.comparisons.append(_ratio(kind, runs, fields))
    elif kind == "change":
        evidence.changes.append(_change(runs, fields))
    else:
        raise UserError(f"{fields.where}: kind: give scaling, speedup, projection or change")


def _projection(runs: dict[str, RunEvidence], fields: Fields, all_samples: int | None) -> ClaimedDuration:
    fields.only({"kind", "run", "samples", "duration"})
    run = run_named(runs, fields.text("run") or "", fields, "run")
    samples = fields.integer("samples") or all_samples
    duration = fields.seconds("duration")
    if samples is None or duration is None:
        raise UserError(f"{fields.where}: a projection needs samples and duration")
    return ClaimedDuration(f"{run.name}: {samples} samples in {fields.data.get('duration')}", run, samples, duration)


def _ratio(kind: str, runs: dict[str, RunEvidence], fields: Fields) -> ClaimedRatio:
    fields.only({"kind", "value", "combined", "baselines", "baseline_rate", "measured"})
    combined = fields.text("combined")
    return ClaimedRatio(
        kind=kind,
        statement=f"{'scaling efficiency' if kind == 'scaling' else 'speed-up'} {fields.data.get('value')}",
        claimed=fields.share("value"),
        combined=run_named(runs, combined, fields, "combined") if combined else None,
        baselines=[run_named(runs, name, fields, "baselines") for name in fields.names("baselines")],
        measured=fields.flag("measured") is not False,
    )


def _change(runs: dict[str, RunEvidence], fields: Fields) -> ClaimedChange:
    fields.only({"kind", "of", "value", "run", "baseline"})
    run, baseline = (run_named(runs, fields.text(key) or "", fields, key) for key in ("run", "baseline"))
    figure, value = fields.text("of") or "", fields.text("value") or ""
    match = _CHANGE.match(value)
    if match is None:
        raise UserError(f"{fields.where}: value: give a share and a word, as '35 % lower' or '20 % higher'")
    try:
        share = read_share(match["share"])
    except ValueError as error:
        raise UserError(f"{fields.where}: value: {error}") from None
    return ClaimedChange(
        statement=f"{figure} of {run.name} is {value} than {baseline.name}'s",
        figure=figure,
        share=share * -1.0 if match["word"] in ("lower", "less") else share,
        before=_figure(baseline, figure, fields),
        after=_figure(run, figure, fields),
        of_time=figure.partition(" ")[0] in _SPREADS,
    )


def _figure(run: RunEvidence, name: str, fields: Fields) -> Span | None:
    """A figure by its name: tokens_per_s, duration, or a latency's statistic as `latency p99`."""
    what, _, statistic = name.partition(" ")
    if what in _SPREADS and statistic:
        return dict(getattr(run, what).named()).get(statistic.replace("_", "."))
    if what in _RATES and not statistic:
        found: Span | None = run.goodput_per_s if what == "goodput" else getattr(run, what)
        return found
    if name == "duration":
        return run.duration_s
    known = ", ".join((*_RATES, "duration", *(f"{spread} mean" for spread in _SPREADS)))
    raise UserError(f"{fields.where}: of: give one of {known}, or another statistic of a latency, such as 'ttft p99'")
