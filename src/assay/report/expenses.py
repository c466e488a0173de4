"""Energy and cost: a run's figures with what was metered, a campaign's runs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.analysis.campaign import CampaignAnalysis, Group
from assay.analysis.expenses import COST, EXPENSES
from assay.analysis.listing import names
from assay.analysis.run import RunAnalysis
from assay.analysis.statistics import Estimate
from assay.report import format as fmt
from assay.report.campaign_sections import with_nodes_alone
from assay.report.many import Values, ends
from assay.report.page import Block, Rows, Table, Text
from assay.runs.result import BASES, Energy

_NAMES = {
    "energy_j": "Energy",
    "mean_power_w": "Mean power",
    "joules_per_sample": "Energy a sample",
    "joules_per_output_token": "Energy an output token",
    "output_tokens_per_s_per_kw": "Output tokens/s for each kW",
    COST: "Cost of a million output tokens",
}
_COLUMNS = tuple(name for name in EXPENSES if name != "energy_j")
"""Of a campaign's table: the whole energy depends on how long a run was."""
_MOST_NAMED = 4
_SOURCE = "result.json"
_NOT_IN_IT = (
    "Intervals hold the run's own noise; the meters' own errors, the same in every run with them, aren't in them. "
    "Nothing here has the power supplies, fans, memory, disks and network in it."
)


def expenses_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """A run's; nothing where nothing was metered and nothing has a price."""
    figures = {name: analysis.result.figures[name] for name in EXPENSES if name in analysis.result.figures}
    if figures:
        rows: Rows = [
            (_NAMES[name], fmt.number(f.value), fmt.span(f.low, f.high), f.unit) for name, f in figures.items()
        ]
        columns = ("Figure", "Value", "95 % interval", "Unit")
        yield Table("Energy and cost over the time of the rates", columns, rows, frozenset({1, 2}), _SOURCE)
        rows = [(_NAMES[name], f.formula, f.source) for name, f in figures.items()]
        yield Table("How energy and cost are computed", ("Figure", "Formula", "File"), rows, folded=True)
    if analysis.result.energy is not None:
        yield from _metered(analysis.result.energy)
    cost = analysis.record.cost
    if cost is not None and cost.unpriced:
        yield Text(f"No cost: there is no price of {names(cost.unpriced)}.")


def _metered(energy: Energy) -> Iterator[Block]:
    """How much of the hardware the figures are of."""
    if not energy.meters:
        yield _not_measured(energy.unmetered.values())
        return
    metered, there = energy.accelerators
    accelerators = f", {fmt.number(metered)} of {fmt.count(there, 'accelerator')}" * bool(there)
    nodes = len(energy.nodes)
    yield Text(
        f"Metered: {energy.scope or 'nothing that counts'}, on {fmt.number(nodes)} of "
        f"{fmt.count(nodes + len(energy.unmetered), 'node')}{accelerators}"
        + "".join(f"; not {node}: {why}" for node, why in list(energy.unmetered.items())[:_MOST_NAMED])
        + f"; and {len(energy.unmetered) - _MOST_NAMED:,} more" * (len(energy.unmetered) > _MOST_NAMED)
        + "."
        + " The figures are the energy of the metered nodes over their own answers." * bool(nodes and energy.unmetered)
        + f" {_NOT_IN_IT}"
    )
    rows: Rows = [
        (
            m.node, m.meter, BASES[m.basis], fmt.number(m.mean_power_w), fmt.percent(m.covered),
            "yes" if m.counted else "no",
        )
        for m in energy.meters
    ]  # fmt: skip
    columns = ("Node", "Meter", "Known by", "Mean power (W)", "Of the time", "In the figures")
    table = Table("Meters", columns, rows, frozenset({3, 4}), "telemetry.parquet", folded=True)
    spread: dict[str, Values] = {
        "mean power (W)": [meter.mean_power_w for meter in energy.meters],
        "share of the time that is known": [meter.covered for meter in energy.meters],
    }
    yield from ends(table, spread, _SOURCE)


def campaign_expenses_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """Each planned run's, the mean over its repeats; loads of a sweep are in their order."""
    groups = [group for group in analysis.groups if group.expenses]
    if groups:
        yield from _table(analysis, groups)
    energies = [energy for group in analysis.groups if (energy := group.first.result.energy)]
    if why := [reason for energy in energies if not energy.meters for reason in energy.unmetered.values()]:
        yield _not_measured(why)


def _not_measured(reasons: Iterable[str]) -> Text:
    return Text(f"Energy: {fmt.NOT_MEASURED}. {'; '.join(dict.fromkeys(reasons))}.")


def _table(analysis: CampaignAnalysis, groups: list[Group]) -> Iterator[Block]:
    found = {group.key: group.expenses for group in groups}
    shown = [name for name in _COLUMNS if any(name in own for own in found.values())]
    units = {name: next(_unit(group, name) for group in groups if name in found[group.key]) for name in shown}
    rows: Rows = [
        (analysis.name(group.first.entry), *(_cell(found[group.key].get(name)) for name in shown)) for group in groups
    ]
    columns = ("Run", *(f"{_NAMES[name]} ({units[name]})" for name in shown))
    caption = "Energy and cost: mean over repeats, with 95 % intervals"
    table = Table(caption, columns, rows, frozenset(range(1, len(columns))), "runs/*/result.json")
    spread: dict[str, Values] = {
        _NAMES[name]: [own[name].value if name in own else None for own in found.values()] for name in shown
    }
    yield from with_nodes_alone(analysis, table, [group.first.entry.key for group in groups], spread)
    partly = [group for group in groups if (energy := group.first.result.energy) and energy.meters and energy.unmetered]
    if partly:
        yield Text(
            f"Of {fmt.count(len(partly), 'run')} not all nodes were metered ({_names(analysis, partly)}): energy is of "
            "the others and over their own answers; each run's page says which."
        )


def _unit(group: Group, name: str) -> str:
    return group.first.result.figures[name].unit


def _cell(value: Estimate | None) -> str:
    return fmt.NOT_MEASURED if value is None else fmt.with_interval(value.value, value.low, value.high)


def _names(analysis: CampaignAnalysis, groups: list[Group]) -> str:
    return names([analysis.name(group.first.entry) for group in groups])
