"""What pages say of changes against a baseline, and of what differs besides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.analysis.changes import Change
from assay.analysis.differences import Difference
from assay.analysis.listing import names
from assay.report import format as fmt
from assay.report.chart import PALETTE, Chart, Mark, Panel, Series
from assay.report.circumstances import nothing_differs, untold
from assay.report.many import MOST_ROWS
from assay.report.page import Block, Headline, Table, Text
from assay.runs.record import RunRecord

CHANGED = ("better", "worse")
"""What a change is that is shown beyond noise."""
SAME = Mark("y", 1.0, "", meaning="no change")
_LONGEST = 40  # characters of two values
RATIO = "Other / baseline (95 %)"
_WHOSE = re.compile(r"^endpoint [^.]*|\[\d+\]")  # in a fact's name: which endpoint's or node's it is


def told(change: Change) -> str:
    return f"{change.quantity} {fmt.times(change.ratio, change.low, change.high)}, {change.words}"


def nothing_shown(decisive: Sequence[Change]) -> str:
    """That what decides isn't shown to differ, with how far each quantity could."""
    ratios = [f"{change.quantity} {fmt.times(change.ratio, change.low, change.high)}" for change in decisive]
    return f"{none_shown(decisive)} in what decides: {', '.join(ratios)}"


def none_shown(changes: Sequence[Change]) -> str:
    """What changes of which none is shown say together; a ratio without an interval shows nothing, however large."""
    known = any(change.low is not None and change.high is not None for change in changes)
    return "no difference shown beyond noise" if known or not changes else "too few samples to show any difference"


def headline(name: str, change: Change) -> Headline:
    """A ratio with its interval, and the two values that it is of."""
    both = f"{fmt.number(change.baseline)} \N{RIGHTWARDS ARROW} {fmt.number(change.other)} {change.unit}"
    sure = "" if change.low is None or change.high is None else f"{fmt.ratio_interval(change.low, change.high)}: "
    return Headline(
        name,
        fmt.times(change.ratio, None, None),
        f"{sure}{change.words}; {both}",
        f"{fmt.number(change.other)} / {fmt.number(change.baseline)} {change.unit}",
    )


def differs_besides(found: Sequence[Difference], other: RunRecord, *, changed: bool) -> str:
    """What isn't the same besides what was measured: the first few by name. `changed`: something measured is shown to
    differ, and these may be why."""
    if not found:
        return nothing_differs(other.endpoints)
    verb = "differs" if len(found) == 1 else "differ"
    own = [endpoint.name for endpoint in other.endpoints] if len(other.endpoints) > 1 else []
    told = f"{fmt.count(len(found), 'recorded fact')} of settings, versions and hardware {verb}"
    why = ", a likely cause" if changed else ""
    silent = untold(other.endpoints)
    return f"{told}{why}: {names([_named(difference, own) for difference in found])}{silent and f'; {silent}'}"


def _named(difference: Difference, endpoints: Sequence[str]) -> str:
    """Such as "itl_ms 6 → 8", with the one of several endpoints that it is of; of what is too long for a sentence the
    name alone."""
    name = difference.fact.rpartition(".")[2]
    values = f"{difference.baseline} → {difference.other}"
    if name == "url":
        return f"the endpoint's address, {values}"
    at = next((f" at {own}" for own in endpoints if difference.fact.startswith(f"endpoint {own}.")), "")
    return f"{name} {values}{at}" if len(values) <= _LONGEST else f"{name}{at}"


def differs_block(found: Sequence[Difference], other: RunRecord) -> Block:
    """Every fact that isn't the same in both, or that none is known."""
    if found:
        return differences_table(found, "What differs besides", ("File", "Fact", "Baseline", "Other"))
    same = nothing_differs(other.endpoints)
    return Text(f"{same[:1].upper()}{same[1:]}.")


def differences_table(found: Sequence[Difference], caption: str, heads: Sequence[str]) -> Table:
    """Every fact that isn't the same in both; of very many those of the same kind once."""
    return Table(caption, heads, [(d.where, d.fact, d.baseline, d.other) for d in _told_once(found)])


def _told_once(differences: Sequence[Difference]) -> list[Difference]:
    """All, or of very many those of the same fact at different endpoints and nodes once."""
    if len(differences) <= MOST_ROWS:
        return list(differences)
    kinds: dict[tuple[str, str], list[Difference]] = {}
    for difference in differences:
        kinds.setdefault((difference.where, _WHOSE.sub("", difference.fact)), []).append(difference)
    found = []
    for alike in kinds.values():
        more = f" (and {len(alike) - 1:,} others like it)" if len(alike) > 1 else ""
        found.append(alike[0].model_copy(update={"fact": f"{alike[0].fact}{more}"}))
    return found


def ratio_chart(name: str, named: Sequence[tuple[str, Change]], text: str, whose: str, source: str) -> Chart:
    """Ratios to the baseline, each with its interval and what it is called. `whose`: the other's name where there are
    several."""
    changes = [change for _, change in named]
    points = Series(
        "",
        "points",
        [words for words, _ in named],
        [change.ratio for change in changes],
        PALETTE[0],
        [change.low for change in changes],
        [change.high for change in changes],
        labels=[f"{change.ratio:.3f}" for change in changes],
    )
    return Chart(
        name=name,
        title=f"Ratios to the baseline{whose and f': {whose}'}",
        panels=[Panel("Other / baseline", "", "ratio", [points], [SAME], y_zero=False, sideways=True)],
        text=text,
        source=source,
    )
