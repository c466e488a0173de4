"""The part of a campaign's page that says what changed against the last one of its kind in the same folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.changes import Change
from assay.analysis.earlier import SinceLast
from assay.report import format as fmt
from assay.report.changed import differences_table, none_shown
from assay.report.circumstances import nothing_differs
from assay.report.page import Block, Rows, Table, Text
from assay.runs.record import EndpointFacts

_MOST = 2
_CHANGED = ("better", "worse")


def since_last_words(since: SinceLast, endpoints: Sequence[EndpointFacts]) -> str:
    """One sentence: what is better or worse beyond noise, or that nothing is, and which settings differ.

    `endpoints`: those of the campaign that the page is of.
    """
    every = [(part.load, change) for part in since.loads for change in part.changes]
    changed = [(load, change) for load, change in every if change.words in _CHANGED]
    several = len(since.loads) > 1
    if changed:
        some = [f"{_ratio(load, change, several)}, {change.words}" for load, change in changed[:_MOST]]
        what = _listed(some, len(changed))
    else:
        last = [_ratio(part.load, change, several) for part in since.loads[-1:] for change in part.changes[:_MOST]]
        none = none_shown([change for _, change in every])
        what = f"{none} in {fmt.count(len(every), 'comparison')}; {'; '.join(last)}"
    settings = [f"{d.fact} ({d.baseline}, now {d.other})" for d in since.differences[:_MOST]]
    differs = f"differs: {_listed(settings, len(since.differences))}" if settings else nothing_differs(endpoints)
    doubt = "; the last one was client-bound, so what differs may not be the server's" if since.client_bound else ""
    return f"Against the last one here, of {fmt.moment(since.started_utc)}: {what}; {differs}{doubt}."


def _listed(some: list[str], count: int) -> str:
    more = f" and {count - len(some):,} more" if count > len(some) else ""
    return "; ".join(some) + more


def _ratio(load: str, change: Change, several: bool) -> str:
    at = f" at {load}" if several else ""
    return f"{change.quantity}{at} {fmt.times(change.ratio, change.low, change.high)}"


def since_last_blocks(since: SinceLast | None, endpoints: Sequence[EndpointFacts]) -> Iterator[Block]:
    """Every comparison, and everything that differs."""
    if since is None:
        yield Text("There is no earlier campaign of the same name, loads and samples with results in this folder.")
        return
    yield Text(since_last_words(since, endpoints))
    rows: Rows = [
        (
            part.load, c.quantity, fmt.number(c.baseline), fmt.number(c.other), c.unit,
            fmt.times(c.ratio, c.low, c.high), c.words,
        )
        for part in since.loads
        for c in part.changes
    ]  # fmt: skip
    columns = ("Load", "Quantity", "Then", "Now", "Unit", "Now / then (95 % for all together)", "Change")
    yield Table(f"Against {since.campaign}", columns, rows, frozenset({2, 3, 5}), "runs/*/result.json of both")
    yield Text(
        "Two runs differ only if the interval of their ratio excludes 1. Intervals hold the noise within the runs, "
        "of repeated ones that between them. `assay compare RUN RUN` compares tails, and sample by sample."
    )
    if since.differences:
        yield differences_table(since.differences, "What differs", ("File", "Fact", "Then", "Now"))
