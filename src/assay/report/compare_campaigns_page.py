"""The page of a comparison of whole campaigns, load by load."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from assay.analysis.campaign_compare import CampaignComparison, CampaignMeasured, LoadCompared
from assay.analysis.changes import DECIDES, Change
from assay.analysis.listing import NAMED, names, names_in_one_unit
from assay.analysis.projection import Projection
from assay.analysis.titles import benchmark_title
from assay.benchmarks import run_benchmark
from assay.errors import UserError
from assay.report import format as fmt
from assay.report.changed import (
    CHANGED,
    RATIO,
    SAME,
    differs_besides,
    differs_block,
    headline,
    nothing_shown,
    ratio_chart,
    told,
)
from assay.report.chart import PALETTE, Chart, Mark, Panel, Series
from assay.report.compare_next import Side, again_section, comparison_next, samples_words, side_names
from assay.report.compared_campaigns import (
    campaign_names,
    campaigns_problems,
    campaigns_shaped,
    campaigns_table,
    efficiencies_words,
)
from assay.report.compared_curves import curves_blocks
from assay.report.many import MOST_ROWS, ends
from assay.report.page import Block, Headline, Page, Problem, Rows, Section, Table, Text, lifted
from assay.report.run_page import banner_of_all
from assay.report.subject import campaigns_subject, served_words
from assay.report.sweeps import AXES, by_factors
from assay.report.whole_time import whole_times_words
from assay.runs.campaign import CampaignFolder
from assay.runs.record import RunRecord
from assay.runs.stored import read_object

_SOURCE = "runs/*/result.json of both"
_METHOD = (
    "Loads are put side by side by what was asked for: scenario, load, nodes. Ratios are the other campaign's over the "
    "baseline's; two differ only if the interval of their ratio excludes 1, and the intervals of all loads hold "
    f"together at 95 %. {DECIDES}"
)
_GOT = {
    "faster": "got faster",
    "slower": "got slower",
    "both": "got better in one latency and worse in another",
    "better latencies": "with better latencies and no difference shown in the rate",
    "worse latencies": "with worse latencies and no difference shown in the rate",
    "not shown": "with no difference shown",
}


def compare_campaigns_page(
    campaigns: Sequence[CampaignMeasured], comparisons: Sequence[CampaignComparison], beside: Path
) -> Page:
    """All comparisons against the first campaign; its links are for a page in the folder `beside`."""
    base, titles = campaigns[0], campaign_names(campaigns)
    sides = _sides(campaigns, comparisons)
    curves = curves_blocks(campaigns, [side.name for side in sides])
    sections = [Section("curves", "Throughput against pace", list(curves))]
    for place, (comparison, other) in enumerate(zip(comparisons, campaigns[1:], strict=True), start=1):
        title = sides[place].title if len(comparisons) > 1 else titles[comparison.other]
        whose = sides[place].name if len(comparisons) > 1 else ""
        blocks = [*_blocks(comparison, place, whose), differs_block(comparison.differences, _widest(other))]
        sections.append(Section(f"changes-{place}", f"{title} against the baseline", blocks))
    called = {own.state.id: side.title for own, side in zip(campaigns, sides, strict=True)}
    lead, sections = lifted(sections, ("pareto", "load_comparison", "comparison"))
    records = [load.record for campaign in campaigns for load in campaign.loads]
    results = [(result, load.record) for own in campaigns for load in own.loads for result in load.results]
    said = banner_of_all(results)
    notes = dict.fromkeys(note for comparison in comparisons for note in comparison.notes)
    return Page(
        title=f"{benchmark_title(run_benchmark(base.loads[0].run), records)}: {len(campaigns)} campaigns compared",
        subject=campaigns_subject(campaigns),
        what=f"{campaigns_served(campaigns)} Compared: "
        f"{'; '.join(titles[c.other] for c in comparisons)} against the baseline, "
        f"{titles[base.state.id]}.",
        answer=[
            *(
                sentence
                for own, other, side in zip(comparisons, campaigns[1:], sides[1:], strict=True)
                for sentence in comparison_answer(own, other, side.name if len(campaigns) > 2 else "")
            ),
            *campaigns_shaped(campaigns, comparisons, [side.name for side in sides]),
            *campaigns_beside(campaigns, comparisons),
        ],
        next_step=campaigns_next(campaigns, comparisons),
        verdict="",
        kind="none",
        verdict_reasons=[],
        headlines=_headlines(comparisons, [side.name for side in sides[1:]]),
        problems=[
            *campaigns_problems(campaigns, called),
            Problem("note", "", _METHOD),
            *(Problem("note", "", note) for note in notes),
        ],
        sections=[
            *sections,
            Section("campaigns", "The campaigns", [campaigns_table(campaigns, titles, beside)]),
            again_section(sides, beside),
        ],
        lead=lead,
        banner="; ".join(
            [*([said] if said else []), *dict.fromkeys(own.state.plan_note for own in campaigns if own.state.plan_note)]
        ),
        problems_title="What to know",
    )


def campaigns_next(campaigns: Sequence[CampaignMeasured], comparisons: Sequence[CampaignComparison]) -> str:
    """The next step, the same on the page and in the terminal."""
    return comparison_next(comparisons, _changes(comparisons[0]), _sides(campaigns, comparisons))


def campaigns_beside(campaigns: Sequence[CampaignMeasured], comparisons: Sequence[CampaignComparison]) -> Iterator[str]:
    """What else is told of each side by itself: its efficiency, how long the whole data set takes, its samples."""
    sides = _sides(campaigns, comparisons)
    called = [side.name for side in sides]
    yield from efficiencies_words(campaigns, called)
    fastest = {name: _fastest(own.folder) for name, own in zip(called, campaigns, strict=True)}
    yield from whole_times_words(fastest, ", each at its fastest load")
    yield samples_words(sides)


def campaigns_served(campaigns: Sequence[CampaignMeasured]) -> str:
    return served_words([load.record for campaign in campaigns for load in campaign.loads])


def _sides(campaigns: Sequence[CampaignMeasured], comparisons: Sequence[CampaignComparison]) -> list[Side]:
    titles = campaign_names(campaigns)
    called = side_names([titles[own.state.id] for own in campaigns])
    return [_side(own, name, comparisons) for own, name in zip(campaigns, called, strict=True)]


def _side(campaign: CampaignMeasured, name: str, comparisons: Sequence[CampaignComparison]) -> Side:
    """A campaign, with the fewest repeats that a load was compared by."""
    loads = [load for comparison in comparisons for load in comparison.loads]
    repeats = min(len(runs) for load in loads for runs in (load.baseline_runs, load.runs))
    folder, results = campaign.folder, [result for load in campaign.loads for result in load.results]
    return Side(name, folder.path, folder.path, folder.config, repeats, results)


def _changes(comparison: CampaignComparison) -> list[Change]:
    return [change for load in comparison.loads for change in load.changes]


def comparison_answer(comparison: CampaignComparison, other: CampaignMeasured, name: str = "") -> list[str]:
    """How many loads got faster, slower or neither, by how much at most, what only one measured, what else differs.
    Of a single load at once by how much.

    `name` is the other campaign's where there are several.
    """
    outcomes = [load.outcome for load in comparison.loads]
    counts = [f"{outcomes.count(outcome)} {words}" for outcome, words in _GOT.items() if outcome in outcomes]
    of = f"{name[:1].upper()}{name[1:]}, of" if name else "Of"
    said = [f"{of} {fmt.count(len(outcomes), 'load')} that both measured: {', '.join(counts)}."]
    shown = _largest([(load.load, c) for load in comparison.loads for c in load.changes if c.words in CHANGED])
    if len(comparison.loads) == 1:
        said = [f"{name and f'{name[:1].upper()}{name[1:]}, '}{_only_load(comparison.loads[0])}."]
    else:
        said += _most(shown)
    for which, loads in (("the baseline", comparison.only_baseline), ("the other", comparison.only_other)):
        if loads:
            said.append(f"Only in {which}: {names_in_one_unit(loads)}.")
    besides = differs_besides(comparison.differences, _widest(other), changed=bool(shown))
    return [*said, f"{besides[:1].upper()}{besides[1:]}."]


def _most(shown: Sequence[tuple[str, Change]]) -> Iterator[str]:
    """The largest changes of what decides, then the largest beside it; `shown`: all, the largest first."""
    decisive = [one for one in shown if one[1].decisive]
    beside = [one for one in shown if not one[1].decisive]
    of_beside = " beside what decides" if decisive else ""
    for of, found in (("", decisive[:NAMED]), (of_beside, beside[: 1 if decisive else NAMED])):
        if found:
            yield f"The largest{of}: {'; '.join(f'{told(change)}, at {load}' for load, change in found)}."


def _widest(campaign: CampaignMeasured) -> RunRecord:
    """That of its load on the most endpoints."""
    return max((load.record for load in campaign.loads), key=lambda record: len(record.endpoints))


def _only_load(load: LoadCompared) -> str:
    """What decides at it, and what else got better or worse."""
    decisive = [change for change in load.changes if change.decisive]
    shown = [told(change) for change in decisive if change.words in CHANGED]
    shown = shown or [nothing_shown(decisive) if decisive else "nothing that decides was measured in both"]
    beside = [told(change) for change in load.changes if not change.decisive and change.words in CHANGED]
    return f"{load.load}: {'; '.join([*shown, *beside])}"


def _headlines(comparisons: Sequence[CampaignComparison], others: Sequence[str]) -> list[Headline]:
    """What decides, the largest first; of several others the first of each, by its name."""
    if len(comparisons) == 1:
        return [headline(f"{change.quantity}, {load}", change) for load, change in _decisive(comparisons[0])[:NAMED]]
    return [
        headline(f"{change.quantity}, {load}: {other}", change)
        for own, other in zip(comparisons, others, strict=True)
        for load, change in _decisive(own)[:1]
    ]


def _decisive(comparison: CampaignComparison) -> list[tuple[str, Change]]:
    """What decides at each load: what is shown to differ before what isn't, the largest ratio first, up or down."""
    found = _largest([(load.load, change) for load in comparison.loads for change in load.changes if change.decisive])
    return sorted(found, key=lambda one: one[1].words not in CHANGED)


def _largest(found: Sequence[tuple[str, Change]]) -> list[tuple[str, Change]]:
    return sorted(found, key=lambda one: -abs(math.log(one[1].ratio)))


def _blocks(comparison: CampaignComparison, place: int, whose: str) -> Iterator[Block]:
    """All loads in one table, with what decides at each; the picture; each load's own table, folded."""
    rows: Rows = []
    ratios = []
    for load in comparison.loads:
        decisive = [change for change in load.changes if change.decisive]
        words = "; ".join(f"{c.quantity} {fmt.times(c.ratio, c.low, c.high)}" for c in decisive)
        rows.append((load.load, load.outcome, words or fmt.NOT_MEASURED, _turns(load)))
        ratios.append(decisive[0].ratio if decisive else None)
    table = Table("Load by load", ("Load", "Outcome", "What decides: other / baseline (95 %)", "Runs"), rows,
                  source=_SOURCE)  # fmt: skip
    yield from ends(table, {"ratio to the baseline": ratios}, "report.json")
    for which, only in (("the baseline", comparison.only_baseline), ("the other", comparison.only_other)):
        if only:
            yield Text(f"Measured only in {which}: {names(only, '; ')}.")
    yield _chart(comparison, place, whose)
    yield from (_load_table(load) for load in comparison.loads[:MOST_ROWS])
    if (more := len(comparison.loads) - MOST_ROWS) > 0:
        yield Text(f"The quantities of {more:,} more loads are in report.json.")


def _turns(load: LoadCompared) -> str:
    return f"{len(load.runs)} against {len(load.baseline_runs)}"


def _load_table(load: LoadCompared) -> Table:
    rows: Rows = [
        (
            c.quantity, fmt.number(c.baseline), fmt.number(c.other), c.unit, fmt.times(c.ratio, c.low, c.high),
            c.words, "yes" if c.decisive else "no",
        )
        for c in load.changes
    ]  # fmt: skip
    columns = ("Quantity", "Baseline", "Other", "Unit", RATIO, "Change", "Decides")
    return Table(load.load, columns, rows, frozenset({1, 2, 4}), _SOURCE, folded=True)


def _chart(comparison: CampaignComparison, place: int, whose: str) -> Chart:
    """Both over the load where several differ in nothing else, each quantity beside its ratio; else the ratios, of a
    single load all of them."""
    mark = "" if place == 1 else f"_{place}"
    swept = _swept(comparison)
    panels = [panel for loads in swept for panel in _panels(loads, len(swept) > 1)]
    if panels:
        return Chart(
            name=f"load_comparison{mark}",
            title=f"Both over the load{whose and f': {whose}'}",
            panels=panels,
            columns=2,
            text="Each point is one load: the mean over its repeats, and the ratio of both.",
            source=_SOURCE,
        )
    if len(comparison.loads) == 1:
        alone = [(change.quantity, change) for change in comparison.loads[0].changes]
        what = f"What was compared at {comparison.loads[0].load}."
        return ratio_chart(f"comparison{mark}", alone, what, whose, _SOURCE)
    shown = _decisive(comparison)[:MOST_ROWS]
    named = [(f"{load}: {change.quantity}", change) for load, change in shown]
    what = "What decides at each load, the largest change first."
    return ratio_chart(f"comparison{mark}", named, what, whose, _SOURCE)


def _fastest(folder: CampaignFolder) -> Projection | None:
    """How long the whole data set takes at the campaign's fastest load, as its report has it."""
    try:
        told = (read_object(folder.report_json) or {}).get("projections", [])
        found = [Projection.model_validate(each) for each in told]
    except (UserError, ValidationError, TypeError):
        return None
    return min(found, key=lambda projection: projection.seconds, default=None)


def _swept(comparison: CampaignComparison) -> list[list[LoadCompared]]:
    """Loads between which the load is all that differs, in their order."""
    found: dict[tuple[object, ...], list[LoadCompared]] = {}
    for load in comparison.loads:
        if load.axis is not None:
            found.setdefault((load.axis, load.scenario, tuple(load.nodes)), []).append(load)
    ordered = (sorted(loads, key=lambda load: load.value or 0.0) for loads in found.values())
    return [loads for loads in ordered if len({load.value for load in loads}) > 1]


def _panels(loads: Sequence[LoadCompared], several: bool) -> Iterator[Panel]:
    """A quantity's values in both, then its ratio."""
    on = f", {loads[0].scenario}, {names(loads[0].nodes)}" if several else ""
    for quantity in dict.fromkeys(change.quantity for load in loads for change in load.changes):
        found = [(load.value or 0.0, c) for load in loads for c in load.changes if c.quantity == quantity]
        x = [value for value, _ in found]
        changes = [change for _, change in found]

        def panel(title: str, unit: str, series: list[Series], marks: Sequence[Mark] = (), x: list[float] = x) -> Panel:
            axis = AXES[loads[0].axis or "rate"]
            return Panel(title, axis, unit, series, marks, x_log=by_factors(x), x_ticks=x, y_zero=not marks)

        then = _line("baseline", x, [change.baseline for change in changes], PALETTE[0])
        now = _line("other", x, [change.other for change in changes], PALETTE[1])
        yield panel(f"{quantity}{on}", changes[0].unit, [*then, *now])
        low, high = [c.low for c in changes], [c.high for c in changes]
        points = Series("", "points", x, [c.ratio for c in changes], PALETTE[1], low, high)
        yield panel(f"{quantity}, other / baseline{on}", "ratio", [points], [SAME])


def _line(name: str, x: Sequence[float], y: Sequence[float], color: str) -> list[Series]:
    """Measured are the points alone; the line between them leads the eye."""
    return [Series(name, "line", x, y, color), Series("", "points", x, y, color)]
