"""What changed between runs: ratios with intervals, and what differs in configuration, versions and hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.rates import sample_rate, token_rate
from assay.analysis.run import RunAnalysis
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Estimate, Floats, Ints, mean, ratio
from assay.errors import UserError
from assay.runs.folder import RunFolder
from assay.runs.result import Distribution

Direction = Literal["higher", "lower", "neither"]
_MUST_AGREE = ("benchmark", "scenario", "shape", "mode", "dataset_sha256", "max_tokens")
_Z = 1.959963984540054
_LEAST_PAIRS = 20
_TAILS = {"Offline": (), "SingleStream": (("latency_ns", "p90"),)}
_SERVER_TAILS = (("ttft_ns", "p99"), ("tpot_ns", "p99"))
_NAMES = {"ttft_ns": "TTFT", "tpot_ns": "TPOT", "latency_ns": "Latency"}


class Change(BaseModel):
    """One quantity in both runs. `ratio` is the other run's over the baseline's."""

    model_config = ConfigDict(extra="forbid")

    quantity: str
    unit: str
    better: Direction
    baseline: float
    other: float
    ratio: float
    low: float | None
    high: float | None
    paired: int = Field(description="samples compared one by one; 0: not paired")
    decisive: bool = Field(description="counts for --fail-if-slower")

    @property
    def words(self) -> str:
        """Two runs differ only if the interval of their ratio excludes 1."""
        if self.low is None or self.high is None:
            return "not decided: too few samples"
        if self.low <= 1 <= self.high:
            return "no difference shown"
        up = self.low > 1
        if self.better == "neither":
            return "more" if up else "less"
        return "better" if up == (self.better == "higher") else "worse"

    def slower_by(self, share: float) -> bool:
        """The whole interval lies beyond `share` on the worse side."""
        if self.low is None or self.high is None or not self.decisive:
            return False
        return self.high < 1 - share if self.better == "higher" else self.low > 1 + share


class Difference(BaseModel):
    """A fact that isn't the same in both runs."""

    model_config = ConfigDict(extra="forbid")

    where: str
    fact: str
    baseline: str
    other: str


class Comparison(BaseModel):
    """One run against the baseline."""

    model_config = ConfigDict(extra="forbid")

    baseline: str
    other: str
    changes: list[Change]
    differences: list[Difference]
    notes: list[str]
    fewer_answers: bool = Field(description="the other run left a larger share of its samples unanswered")

    @property
    def decided(self) -> bool:
        """Whether any quantity that counts for --fail-if-slower has an interval."""
        return any(c.decisive and c.low is not None and c.high is not None for c in self.changes)

    def slower_by(self, share: float) -> list[Change]:
        """The changes that show the other run to be slower by more than `share`."""
        return [change for change in self.changes if change.slower_by(share)]


@dataclass(frozen=True)
class _Pair:
    base: RunAnalysis
    other: RunAnalysis


def compare(runs: Sequence[RunAnalysis]) -> list[Comparison]:
    """Each run after the first against the first.

    Raises UserError where the runs aren't of the same benchmark, scenario, mode, data set and answer length, or have
    nothing to compare.
    """
    if len(runs) < 2:
        raise UserError("compare: give at least two runs")
    for run in runs:
        if run.samples is None:
            raise UserError(f"compare: {run.folder.id} has no reportable result ({run.result.verdict.words})")
    return [_compare(_Pair(runs[0], other)) for other in runs[1:]]


def _compare(pair: _Pair) -> Comparison:
    unlike = [
        f"{key} is {getattr(pair.base.record, key)} in {pair.base.folder.id} and {getattr(pair.other.record, key)} in "
        f"{pair.other.folder.id}"
        for key in _MUST_AGREE
        if getattr(pair.base.record, key) != getattr(pair.other.record, key)
    ]
    if unlike:
        raise UserError("compare: these runs measure different things: " + "; ".join(unlike))
    changes = [*_rates(pair), *_percentiles(pair), *_paired(pair)]
    return Comparison(
        baseline=pair.base.folder.id,
        other=pair.other.folder.id,
        changes=[change for change in changes if change is not None],
        differences=_differences(pair),
        notes=_notes(pair),
        fewer_answers=_unanswered(pair.other) > _unanswered(pair.base),
    )


def _rates(pair: _Pair) -> list[Change | None]:
    """Under a given load the rate is the load's, so it decides in a closed loop only."""
    closed = pair.base.record.scenario in ("Offline", "Concurrency")
    base, other = pair.base.samples, pair.other.samples
    assert base is not None
    assert other is not None
    return [
        _change("Samples/s", "samples/s", "higher", sample_rate(base), sample_rate(other), decisive=False),
        _change("Output tokens/s", "tokens/s", "higher", token_rate(base), token_rate(other), decisive=closed),
    ]


def _percentiles(pair: _Pair) -> list[Change | None]:
    wanted = _TAILS.get(pair.base.record.scenario, _SERVER_TAILS)
    found = []
    for key, share in wanted:
        base, other = pair.base.result.latency.get(key), pair.other.result.latency.get(key)
        if base is not None and other is not None:
            name = f"{_NAMES[key]} {share}"
            found.append(_change(name, "ms", "lower", _tail(base, share), _tail(other, share), decisive=True))
    return found


def _tail(value: Distribution, share: str) -> Estimate:
    """A percentile with the standard error that its interval implies on the logarithm."""
    at = float(getattr(value, share))
    low, high = value.intervals.get(share, (None, None))
    se = None if not low or not high else at * (np.log(high) - np.log(low)) / (2 * _Z)
    return Estimate(at / 1e6, None if se is None else float(se) / 1e6, n=value.n)


def _change(
    quantity: str, unit: str, better: Direction, base: Estimate, other: Estimate, *, decisive: bool, paired: int = 0
) -> Change | None:
    between = ratio(other, base)
    if not np.isfinite(between.value):
        return None
    return Change(
        quantity=quantity,
        unit=unit,
        better=better,
        baseline=base.value,
        other=other.value,
        ratio=between.value,
        low=between.low,
        high=between.high,
        paired=paired,
        decisive=decisive,
    )


def _paired(pair: _Pair) -> list[Change | None]:
    """Quantities of single samples, compared sample by sample where both runs answered the same ones."""
    assert pair.base.samples is not None
    assert pair.other.samples is not None
    single = pair.base.record.scenario == "SingleStream"
    pace = _pair_change("TPOT, by sample", "lower", pair, _tpot, decisive=pair.base.record.scenario == "Offline")
    first = _pair_change("TTFT from sending, by sample", "lower", pair, _service_ttft, decisive=False)
    whole = _pair_change("Latency from sending, by sample", "lower", pair, _service_latency, decisive=single)
    length = _pair_change("Output tokens, by sample", "neither", pair, _length, decisive=False)
    return [pace, first, whole, length]


def _tpot(samples: Samples) -> tuple[Ints, Floats]:
    return samples.qsl_idx[samples.has_tpot], samples.tpot_ns / 1e6


def _service_ttft(samples: Samples) -> tuple[Ints, Floats]:
    timed = (samples.sent_ns != MISSING) & (samples.first_ns != MISSING)
    return samples.qsl_idx[timed], samples.service_ttft_ns[timed] / 1e6


def _service_latency(samples: Samples) -> tuple[Ints, Floats]:
    timed = samples.sent_ns != MISSING
    return samples.qsl_idx[timed], samples.service_latency_ns[timed] / 1e6


def _length(samples: Samples) -> tuple[Ints, Floats]:
    known = samples.output_tokens > 0
    return samples.qsl_idx[known], samples.output_tokens[known].astype(np.float64)


def _pair_change(quantity: str, better: Direction, pair: _Pair, values: Any, *, decisive: bool) -> Change | None:
    """The geometric mean of the samples' ratios."""
    assert pair.base.samples is not None
    assert pair.other.samples is not None
    base_idx, base = _by_sample(*values(pair.base.samples))
    other_idx, other = _by_sample(*values(pair.other.samples))
    _, left, right = np.intersect1d(base_idx, other_idx, return_indices=True)
    usable = (base[left] > 0) & (other[right] > 0)
    first, second = base[left][usable], other[right][usable]
    if len(first) < _LEAST_PAIRS:
        return None
    logs = np.log(second) - np.log(first)
    spread = mean(logs - logs.min() + 1.0)  # `mean` is for positive series; a shift leaves its error alone
    centre = Estimate(float(np.exp(logs.mean())), None)
    low = high = None
    if spread.se is not None:
        reach = Estimate(1.0, spread.se, spread.df).high or np.inf
        low, high = centre.value / reach, centre.value * reach
    unit = "tokens" if better == "neither" else "ms"
    return Change(
        quantity=quantity,
        unit=unit,
        better=better,
        baseline=float(first.mean()),
        other=float(second.mean()),
        ratio=centre.value,
        low=low,
        high=high,
        paired=len(first),
        decisive=decisive,
    )


def _by_sample(qsl_idx: Ints, values: Floats) -> tuple[Ints, Floats]:
    """One value a data-set sample: the mean over the times that it was issued."""
    unique, inverse, counts = np.unique(qsl_idx, return_inverse=True, return_counts=True)
    return unique, np.bincount(inverse, weights=values) / counts


def _unanswered(run: RunAnalysis) -> float:
    """The share of the issued samples that failed or were lost."""
    ledger = run.ledger
    return (ledger.failed + ledger.lost) / ledger.issued if ledger and ledger.issued else 0.0


def _notes(pair: _Pair) -> list[str]:
    notes = [
        "Intervals hold the noise within these two runs. Another run of the same system may differ by more; "
        "repeats show by how much."
    ]
    if pair.base.record.target_qps != pair.other.record.target_qps:
        notes.append(
            f"The load differs: {pair.base.record.target_qps} and {pair.other.record.target_qps} samples/s; rates "
            "follow the load and latencies depend on it."
        )
    if pair.base.record.simulated != pair.other.record.simulated:
        notes.append("One of the two is simulated.")
    notes += [
        f"{100 * share:.1f} % of the samples of {run.folder.id} failed or were lost; only answered ones are compared."
        for run in (pair.base, pair.other)
        if (share := _unanswered(run))
    ]
    return notes


def _differences(pair: _Pair) -> list[Difference]:
    found = []
    for where, base, other in (
        ("run.json", _record_facts(pair.base), _record_facts(pair.other)),
        ("benchmark.json", flat(_benchmark(pair.base)), flat(_benchmark(pair.other))),
        ("system.json", flat(pair.base.system), flat(pair.other.system)),
        ("config.yaml", flat(_config(pair.base.folder)), flat(_config(pair.other.folder))),
    ):
        for fact in sorted(base.keys() | other.keys()):
            if base.get(fact) != other.get(fact):
                left, right = base.get(fact, "absent"), other.get(fact, "absent")
                found.append(Difference(where=where, fact=fact, baseline=left, other=right))
    return found


def _record_facts(run: RunAnalysis) -> dict[str, str]:
    keep = ("assay_version", "model", "official", "samples", "target_qps", "simulated", "loadgen_version")
    facts = {key: str(getattr(run.record, key)) for key in keep}
    for endpoint in run.record.endpoints:
        data = endpoint.model_dump(mode="json", exclude={"name", "url"})
        facts |= flat(data, f"endpoint {endpoint.name}")
    return facts


def _benchmark(run: RunAnalysis) -> dict[str, Any]:
    return run.benchmark.model_dump(mode="json")


def _config(folder: RunFolder) -> Any:
    try:
        return yaml.safe_load(folder.config.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Nested data as dotted names and words."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{path}.{key}".lstrip(".")).items()}
    if isinstance(value, list):
        if all(not isinstance(item, dict | list) for item in value):
            return {path: ", ".join(map(_words, value)) or "none"}
        return {k: v for place, item in enumerate(value) for k, v in flat(item, f"{path}[{place}]").items()}
    return {path: "unknown" if value is None else _words(value)}


def _words(value: Any) -> str:
    """0 and 0.0 are the same value."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
