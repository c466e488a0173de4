"""The page of a comparison of runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from assay.analysis.changes import Change
from assay.analysis.compare import Comparison
from assay.analysis.differences import Difference
from assay.analysis.run import RunAnalysis
from assay.analysis.titles import benchmark_title
from assay.report import format as fmt
from assay.report.chart import PALETTE, Chart, Mark, Panel, Series
from assay.report.circumstances import nothing_differs
from assay.report.compared_runs import names_of, runs_problems, runs_table
from assay.report.many import MOST_ROWS
from assay.report.page import Block, Headline, Page, Problem, Rows, Section, Table, Text, lifted
from assay.report.run_page import banner
from assay.report.subject import comparison_subject

_WHOSE = re.compile(r"^endpoint [^.]*|\[\d+\]")  # in a fact's name: which endpoint's or node's it is


def compare_page(runs: Sequence[RunAnalysis], comparisons: Sequence[Comparison], beside: Path) -> Page:
    """All comparisons against the first run; its links are for a page in the folder `beside`."""
    base, names = runs[0], names_of(runs)
    sections = []
    for place, (comparison, other) in enumerate(zip(comparisons, runs[1:], strict=True), start=1):
        title = f"{names[comparison.other]} against the baseline"
        sections.append(Section(f"changes-{place}", title, _blocks(comparison, other, place)))
    lead, sections = lifted(sections, ("comparison",))
    banners = dict.fromkeys(text for run in runs if (text := banner(run)))
    return Page(
        title=f"{benchmark_title(base.benchmark, [base.record])}: {base.record.scenario}, {len(runs)} runs compared",
        subject=comparison_subject([run.record for run in runs]),
        what=f"{'; '.join(names[c.other] for c in comparisons)} against the baseline, {names[base.folder.id]}. "
        "Ratios are the other run's over the baseline's; two runs differ only if the interval of their ratio "
        "excludes 1.",
        answer=[
            _answer(comparison, other, "The other run" if len(comparisons) == 1 else names[comparison.other])
            for comparison, other in zip(comparisons, runs[1:], strict=True)
        ],
        verdict="",
        kind="none",
        verdict_reasons=[],
        headlines=_headlines(comparisons[0]),
        problems=[
            *runs_problems(runs, names),
            *(Problem("note", "", note) for note in dict.fromkeys(n for c in comparisons for n in c.notes)),
        ],
        sections=[*sections, Section("runs", "The runs", [runs_table(runs, names, beside)])],
        lead=lead,
        banner="; ".join(banners),
        problems_title="What to know",
    )


def _answer(comparison: Comparison, other: RunAnalysis, name: str) -> str:
    """What got better or worse beyond noise, in the quantities that decide and sample by sample, and whether the runs
    were made alike."""
    decisive = [change for change in comparison.changes if change.decisive] or comparison.changes
    by_sample = [change for change in comparison.changes if change.paired and change not in decisive]
    shown = [_told(change) for change in decisive if change.words in ("better", "worse", "more", "less")]
    shown = shown or ["no difference shown beyond noise in what decides"]
    shown += [_told(change) for change in by_sample if change.words in ("better", "worse")]
    what = "; ".join(shown)
    facts = len(comparison.differences)
    verb = "differs" if facts == 1 else "differ"
    differ = f"{fmt.count(facts, 'recorded fact')} of settings, versions and hardware {verb}"
    besides = differ if facts else nothing_differs(other.record.endpoints)
    return f"{name} against the baseline: {what}; {besides}."


def _told(change: Change) -> str:
    return f"{change.quantity} {fmt.times(change.ratio, change.low, change.high)}, {change.words}"


def _headlines(comparison: Comparison) -> list[Headline]:
    chosen = [change for change in comparison.changes if change.decisive] or comparison.changes
    return [
        Headline(
            change.quantity,
            fmt.times(change.ratio, None, None),
            change.words if change.low is None else f"{fmt.interval(change.low, change.high)}: {change.words}",
            f"{fmt.number(change.other)} / {fmt.number(change.baseline)} {change.unit}",
        )
        for change in chosen[:3]
    ]


def _blocks(comparison: Comparison, other: RunAnalysis, place: int) -> list[Block]:
    rows: Rows = [
        (
            c.quantity, fmt.number(c.baseline), fmt.number(c.other), c.unit, fmt.times(c.ratio, c.low, c.high),
            c.words, fmt.number(c.paired) if c.paired else "no",
        )
        for c in comparison.changes
    ]  # fmt: skip
    columns = (
        "Quantity",
        "Baseline",
        "Other",
        "Unit",
        "Other / baseline (95 %)",
        "Change",
        "Samples compared one by one",
    )
    blocks: list[Block] = [
        Table("What changed", columns, rows, frozenset({1, 2, 4, 6}), "requests.parquet of both runs"),
        Text(
            "By sample: the geometric mean of the ratios of samples that both runs answered; their columns show means."
        ),
        _chart(comparison, place),
    ]
    if comparison.differences:
        heads = ("File", "Fact", "Baseline", "Other")
        blocks.append(differences_table(comparison.differences, "What differs besides", heads))
    else:
        same = nothing_differs(other.record.endpoints)
        blocks.append(Text(f"{same[:1].upper()}{same[1:]}."))
    return blocks


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


def _chart(comparison: Comparison, place: int) -> Chart:
    names = [change.quantity for change in comparison.changes]
    points = Series(
        "",
        "points",
        names,
        [change.ratio for change in comparison.changes],
        PALETTE[0],
        [change.low for change in comparison.changes],
        [change.high for change in comparison.changes],
        labels=[f"{change.ratio:.3f}" for change in comparison.changes],
    )
    same = Mark("y", 1.0, "", meaning="no change")
    return Chart(
        name="comparison" if place == 1 else f"comparison_{place}",
        title="Ratios to the baseline",
        panels=[Panel("Other / baseline", "", "ratio", [points], [same], y_zero=False, sideways=True)],
        text="Each quantity's ratio to the baseline.",
        source="requests.parquet of both runs",
    )
