"""result.json is what follows from the other files."""

from __future__ import annotations

import math
from collections.abc import Iterator

from assay import __version__
from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported
from assay.runs import Distribution, Figure, Result

_NEAR = 1e-6
_NARROWER = 0.5
_NOTICES = ("Simulated", "Client-bound", "Accuracy run")


@run_rule(
    "derived",
    explain="""
result.json is a function of the folder's other files, and is computed from them again: LoadGen's word, its errors,
figures and settings; each figure with its count; each percentile of each latency with MLPerf's early-stopping bound;
each endpoint's samples, tokens and rates; the accuracy; and the verdict. Intervals of this version's runs are
compared to their ends; another version may have computed them in another way, and a rate's is no narrower there than
half of what it is now. A figure that nothing in the folder gives is unsupported, and so is one that differs where its
formula does. VALID, a reason against it, and the words that
it is simulated or bound by the client, aren't lost or won on the way.
""",
    source="docs/run-folder.md: result.json is computed from the other files",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.result is None or facts.derived is None:
        return
    stated, derived = facts.result, facts.derived
    closely = facts.record.assay_version == __version__  # others may have computed intervals in another way
    found = [
        *_loadgen(stated, derived),
        *_figures("", stated.figures, derived.figures, closely=closely),
        *_latency(stated, derived, closely=closely),
        *_endpoints(stated, derived, closely=closely),
        *_accuracy(stated, derived),
        *_verdict(stated, derived),
    ]
    if stated.shape != facts.record.shape:
        found.append(contradicted(f"the load is {stated.shape}", f"{facts.record.shape} in run.json"))
    yield from found
    if not found:
        yield supported("result.json follows from the other files", f"{len(derived.figures)} figures, the verdict")


def _loadgen(stated: Result, derived: Result) -> Iterator[Check]:
    theirs, ours = stated.loadgen, derived.loadgen
    pairs: list[tuple[str, object, object]] = [
        (f"LoadGen's {name}", getattr(theirs, name), getattr(ours, name)) for name in ("result", "errors", "warnings")
    ]
    pairs += [(f"LoadGen's {name}", value, ours.metrics[name]) for name, value in theirs.metrics.items()
              if name in ours.metrics]  # fmt: skip
    pairs += [(f"LoadGen's setting {name}", value, ours.settings[name]) for name, value in theirs.settings.items()
              if name in ours.settings]  # fmt: skip
    for name, value, logged in pairs:
        if value != logged:
            yield contradicted(f"{name} is {value}", f"{logged} in its logs")


def _figures(owner: str, stated: dict[str, Figure], derived: dict[str, Figure], *, closely: bool) -> Iterator[Check]:
    for name, figure in stated.items():
        words = f"{owner}{name} {figure.value:.6g} {figure.unit}"
        other = derived.get(name)
        if other is None:
            yield unsupported(words, "nothing in the folder gives it")
        elif not _near(figure.value, other.value):
            differs = contradicted if figure.formula == other.formula else unsupported
            yield differs(words, f"{other.value:.6g} from {other.source}")
        elif figure.n is not None and figure.n != other.n:
            yield contradicted(f"{words} of {figure.n} samples", f"{other.n} samples")
        elif _width(figure) < _NARROWER * _width(other) or (closely and not _same_ends(figure, other)):
            yield contradicted(
                f"{words}, from {figure.low} to {figure.high}", f"from {other.low} to {other.high} by {other.source}"
            )


def _width(figure: Figure) -> float:
    return math.inf if figure.low is None or figure.high is None else figure.high - figure.low


def _same_ends(figure: Figure, other: Figure) -> bool:
    return _same(figure.low, other.low) and _same(figure.high, other.high)


def _latency(stated: Result, derived: Result, *, closely: bool) -> Iterator[Check]:
    for name, figure in stated.latency.items():
        other = derived.latency.get(name)
        if other is None:
            yield unsupported(f"{name} of {figure.n} samples", "nothing in the folder gives it")
            continue
        differs = contradicted if figure.formula == other.formula else unsupported
        for part, value, ours in (*_parts(figure, other), *(_ends(figure, other) if closely else ())):
            if not _same(value, ours):
                yield differs(f"{name} {part} is {value}", f"{ours} from {other.source}")


def _parts(stated: Distribution, derived: Distribution) -> Iterator[tuple[str, float | None, float | None]]:
    for part in ("n", "min", "max", "mean", "p50", "p90", "p95", "p97", "p99", "p99_9"):
        yield part, getattr(stated, part), getattr(derived, part)
    for percentile, bound in stated.early_stopping.items():
        if percentile in derived.early_stopping:
            yield f"{percentile} early-stopping bound", bound, derived.early_stopping[percentile]


def _ends(stated: Distribution, derived: Distribution) -> Iterator[tuple[str, float | None, float | None]]:
    for percentile, ends in stated.intervals.items():
        for end, value, ours in zip(
            ("low", "high"), ends, derived.intervals.get(percentile, (None, None)), strict=True
        ):
            yield f"{percentile} interval's {end} end", value, ours


def _endpoints(stated: Result, derived: Result, *, closely: bool) -> Iterator[Check]:
    ours = {endpoint.endpoint: endpoint for endpoint in derived.endpoints}
    if {endpoint.endpoint for endpoint in stated.endpoints} != ours.keys():
        names = ", ".join(endpoint.endpoint for endpoint in stated.endpoints)
        yield contradicted(f"endpoints {names}", f"{', '.join(ours)} in the records")
        return
    for endpoint in stated.endpoints:
        other = ours[endpoint.endpoint]
        for part in ("node", "samples", "output_tokens", "share"):
            value, actual = getattr(endpoint, part), getattr(other, part)
            same = _near(value, actual) if isinstance(value, float) and isinstance(actual, float) else value == actual
            if not same:
                yield contradicted(f"{endpoint.endpoint}: {part} is {value}", f"{actual} from the records")
        rates = ("samples_per_s", "output_tokens_per_s")
        theirs, found = (
            {name: figure for name in rates if (figure := getattr(item, name)) is not None}
            for item in (endpoint, other)
        )
        yield from _figures(f"{endpoint.endpoint}: ", theirs, found, closely=closely)


def _accuracy(stated: Result, derived: Result) -> Iterator[Check]:
    theirs, ours = stated.accuracy, derived.accuracy
    if theirs is None or ours is None:
        if theirs is not None:
            yield unsupported(f"an accuracy of {theirs.samples} samples", "no accuracy.json gives it")
        return
    pairs: list[tuple[str, object, object]] = [
        (name, getattr(theirs, name), getattr(ours, name)) for name in ("samples", "gate")
    ]
    pairs += [
        (name, score.value, ours.scores[name].value if name in ours.scores else None)
        for name, score in theirs.scores.items()
    ]
    for name, value, other in pairs:
        if value != other:
            yield contradicted(f"accuracy: {name} {value}", f"{other} in accuracy.json")


def _verdict(stated: Result, derived: Result) -> Iterator[Check]:
    theirs, ours = stated.verdict, derived.verdict
    because = "; ".join(ours.reasons[:3])
    if theirs.valid and not ours.valid:
        yield contradicted(f"valid: {theirs.words}", because)
    elif theirs.words != ours.words and (theirs.words.startswith("VALID") or "gate: pass" in theirs.words):
        yield contradicted(f"verdict: {theirs.words}", f"{ours.words}: {because}")
    if ours.reasons and not theirs.reasons:
        yield contradicted("there is no reason against VALID", because)
    for start in _NOTICES:
        lost = [notice for notice in derived.notices if notice.startswith(start)]
        if lost and not any(notice.startswith(start) for notice in stated.notices):
            yield contradicted("its notices are complete", f"left out: {lost[0]}")


def _same(value: float | None, other: float | None) -> bool:
    return value is other or (value is not None and other is not None and _near(value, other))


def _near(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=_NEAR, abs_tol=1e-9)
