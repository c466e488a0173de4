"""The page of a comparison of runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from assay.analysis.changes import DECIDES, Change
from assay.analysis.compare import Comparison
from assay.analysis.run import RunAnalysis
from assay.analysis.titles import benchmark_title
from assay.analysis.whole_time import whole_time_of_run
from assay.report import format as fmt
from assay.report.changed import CHANGED, differs_besides, differs_block, headline, nothing_shown, ratio_chart, told
from assay.report.client_shaped import shaped_sides_words
from assay.report.compare_next import Side, again_section, comparison_next, samples_words, side_names
from assay.report.compared_runs import names_of, runs_problems, runs_table
from assay.report.page import Block, Headline, Page, Problem, Rows, Section, Table, Text, lifted
from assay.report.run_page import banner_of_all
from assay.report.subject import comparison_subject, served_words
from assay.report.whole_time import whole_times_words

_METHOD = (
    "Ratios are the other run's over the baseline's; two runs differ only if the interval of their ratio excludes 1, "
    f"and the intervals of all quantities hold together at 95 %. {DECIDES}"
)


def compare_page(runs: Sequence[RunAnalysis], comparisons: Sequence[Comparison], beside: Path) -> Page:
    """All comparisons against the first run; its links are for a page in the folder `beside`."""
    base, names = runs[0], names_of(runs)
    sides = _sides(runs)
    sections = []
    for place, (comparison, other) in enumerate(zip(comparisons, runs[1:], strict=True), start=1):
        title = sides[place].title if len(comparisons) > 1 else names[comparison.other]
        whose = sides[place].name if len(comparisons) > 1 else ""
        blocks = _blocks(comparison, other, place, whose)
        sections.append(Section(f"changes-{place}", f"{title} against the baseline", blocks))
    lead, sections = lifted(sections, ("comparison",))
    return Page(
        title=f"{benchmark_title(base.benchmark, [base.record])}: {base.record.scenario}, {len(runs)} runs compared",
        subject=comparison_subject([run.record for run in runs]),
        what=f"{served_words([run.record for run in runs])} Compared: "
        f"{'; '.join(names[c.other] for c in comparisons)} against the baseline, {names[base.folder.id]}.",
        answer=[
            *(
                sentence
                for own, other, side in zip(comparisons, runs[1:], sides[1:], strict=True)
                for sentence in _answer(own, other, "The other run" if len(comparisons) == 1 else side.title)
            ),
            *runs_shaped(runs, [side.name for side in sides]),
            *runs_beside(runs),
        ],
        next_step=runs_next(runs, comparisons),
        verdict="",
        kind="none",
        verdict_reasons=[],
        headlines=_headlines(comparisons, {run.folder.id: s.name for run, s in zip(runs, sides, strict=True)}),
        problems=[
            *runs_problems(runs, {run.folder.id: side.title for run, side in zip(runs, sides, strict=True)}),
            Problem("note", "", _METHOD),
            *(Problem("note", "", note) for note in dict.fromkeys(n for c in comparisons for n in c.notes)),
        ],
        sections=[
            *sections,
            Section("runs", "The runs", [runs_table(runs, names, beside)]),
            again_section(sides, beside),
        ],
        lead=lead,
        banner=banner_of_all([(run.result, run.record) for run in runs]),
        problems_title="What to know",
    )


def runs_beside(runs: Sequence[RunAnalysis]) -> Iterator[str]:
    """What else is told of each run by itself: how long the whole data set takes, and its samples."""
    sides = _sides(runs)
    yield from whole_times_words(
        {side.name: whole_time_of_run(run).projection for side, run in zip(sides, runs, strict=True)}
    )
    yield samples_words(sides)


def _sides(runs: Sequence[RunAnalysis]) -> list[Side]:
    names = names_of(runs)
    called = side_names([names[run.folder.id] for run in runs])
    return [
        Side(name, run.folder.path, run.folder.campaign, run.folder.config, 1, [run.result])
        for run, name in zip(runs, called, strict=True)
    ]


def runs_next(runs: Sequence[RunAnalysis], comparisons: Sequence[Comparison]) -> str:
    """The next step, the same on the page and in the terminal."""
    return comparison_next(comparisons, comparisons[0].changes, _sides(runs))


def runs_shaped(runs: Sequence[RunAnalysis], names: Sequence[str]) -> Iterator[str]:
    """Which runs' figures aren't the server's; `names` as in a sentence."""
    return shaped_sides_words({name: {"": [run.result]} for name, run in zip(names, runs, strict=True)})


def changes_shown(comparison: Comparison) -> str:
    """What got better or worse beyond noise, in the quantities that decide and sample by sample."""
    decisive, by_sample = _deciding(comparison)
    shown = [told(change) for change in decisive if change.words in (*CHANGED, "more", "less")]
    shown = shown or [nothing_shown(decisive)]
    shown += [told(change) for change in by_sample if change.words in CHANGED]
    return "; ".join(shown)


def _deciding(comparison: Comparison) -> tuple[list[Change], list[Change]]:
    """The quantities that decide, and the others that were compared sample by sample."""
    decisive = [change for change in comparison.changes if change.decisive] or comparison.changes
    return decisive, [change for change in comparison.changes if change.paired and change not in decisive]


def _answer(comparison: Comparison, other: RunAnalysis, name: str) -> list[str]:
    """What got better or worse beyond noise; whether the runs were made alike."""
    what = changes_shown(comparison)
    differs = any(change.words in CHANGED for changes in _deciding(comparison) for change in changes)
    besides = differs_besides(comparison.differences, other.record, changed=differs)
    return [f"{name} against the baseline: {what}.", f"{besides[:1].upper()}{besides[1:]}."]


def _headlines(comparisons: Sequence[Comparison], names: Mapping[str, str]) -> list[Headline]:
    """What decides against the baseline; of several others the first of each, by its name."""
    chosen = {
        # what the samples decide first
        own.other: sorted(_deciding(own)[0], key=lambda change: change.low is None)
        for own in comparisons
    }
    if len(comparisons) > 1:
        return [headline(f"{own[0].quantity}: {names[other]}", own[0]) for other, own in chosen.items()]
    return [headline(change.quantity, change) for own in chosen.values() for change in own[:3]]


def _blocks(comparison: Comparison, other: RunAnalysis, place: int, whose: str) -> list[Block]:
    rows: Rows = [
        (
            c.quantity, fmt.number(c.baseline), fmt.number(c.other), c.unit, fmt.times(c.ratio, c.low, c.high),
            c.words, fmt.number(c.paired) if c.paired else "no",
        )
        for c in comparison.changes
    ]  # fmt: skip
    source = "requests.parquet of both runs"
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
        Table("What changed", columns, rows, frozenset({1, 2, 4, 6}), source),
        Text(
            "By sample: the geometric mean of the ratios of samples that both runs answered; their columns show means."
        ),
        ratio_chart(
            "comparison" if place == 1 else f"comparison_{place}",
            [(change.quantity, change) for change in comparison.changes],
            "Each quantity's ratio to the baseline.",
            whose,
            source,
        ),
    ]
    return [*blocks, differs_block(comparison.differences, other.record)]
