"""What a comparison's page says to do next, and how both sides are measured and compared again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.analysis.campaign_compare import CampaignComparison
from assay.analysis.changes import Change
from assay.analysis.compare import Comparison
from assay.analysis.differences import Difference
from assay.report import format as fmt
from assay.report.became import became_words
from assay.report.changed import CHANGED
from assay.report.page import Section, Text
from assay.runs.result import Result

_FEWEST_REPEATS = 3
_MOST_REPEATS = 30
"""More than so many repeats nobody makes."""
_LONGEST_SETTING = 80  # characters, of a command that is read


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what it is called, by what it was measured, and how often at the least."""

    name: str
    folder: Path
    campaign: Path
    config: Path
    repeats: int
    results: Sequence[Result]

    @property
    def title(self) -> str:
        """Its name, to begin a line with."""
        return f"{self.name[:1].upper()}{self.name[1:]}"

    def again(self, beside: Path, *sets: str) -> str:
        """The command that measures it again, from the folder `beside`."""
        config, results = (os.path.relpath(path, beside) for path in (self.config, self.campaign.parent))
        settings = "".join(f" --set {shlex.quote(one)}" for one in sets)
        return f"`assay run {shlex.quote(config)} --output {shlex.quote(results)}{settings}`"


def side_name(place: int, titles: Sequence[str]) -> str:
    """What a side is called in a sentence: the other by its title only where there are several."""
    return "the baseline" if place == 0 else "the other" if len(titles) == 2 else titles[place]


def comparison_next(
    comparisons: Sequence[Comparison | CampaignComparison],
    changes: Sequence[Change],
    sides: Sequence[Side],
    beside: Path,
) -> str:
    """One sentence of a comparison of two: what would decide it, or what would tell the cause; else empty."""
    if len(sides) != 2 or not all(side.config.exists() for side in sides):
        return ""
    base, other = sides
    if any(change.words in CHANGED for change in changes):
        return _cause(comparisons[0].differences, base, beside)
    repeats = min(base.repeats, other.repeats)
    open_ = [(needed, c) for c in changes if c.decisive and (needed := c.repeats_to_show(repeats)) is not None]
    if not open_:
        undecided = any(change.decisive and change.low is None for change in changes)
        return _more(_FEWEST_REPEATS, "so few samples decide nothing", base, other, beside) if undecided else ""
    needed, change = min(open_, key=lambda one: one[0])
    if needed > _MOST_REPEATS:
        most = max(abs(bound - 1) for _, c in open_ for bound in (c.low, c.high) if bound is not None)
        return f"Next: nothing, unless a difference of less than {fmt.percent(most)} matters."
    why = f"were {change.quantity} truly {fmt.times(change.ratio, None, None)}, about {needed} repeats would show it"
    return _more(max(_FEWEST_REPEATS, needed), why, base, other, beside)


def _more(repeats: int, why: str, base: Side, other: Side, beside: Path) -> str:
    sets = f"campaign.repeats={repeats}"
    return (
        f"Next: {why}: {base.again(beside, sets)} and {other.again(beside, sets)} in this folder, then `assay compare` "
        "with both campaigns' folders."
    )


def _cause(found: Sequence[Difference], base: Side, beside: Path) -> str:
    """One fact changed at a time tells the cause, where a setting does that."""
    once_more = "the baseline once more shows whether the difference stays, or the machine changed meanwhile"
    if len(found) < 2:
        return f"Next: {once_more}: {base.again(beside)} in this folder."
    unknown = f"{len(found)} recorded facts differ, so which of them is the cause isn't shown"
    setting = next((one.setting for one in found if one.setting and len(one.setting) <= _LONGEST_SETTING), None)
    if setting is None:
        return f"Next: {unknown}; {once_more}: {base.again(beside)} in this folder."
    return (
        f"Next: {unknown}; measure the baseline with one of them changed at a time, such as "
        f"{base.again(beside, setting)} in this folder."
    )


def samples_words(sides: Sequence[Side]) -> str:
    """What became of each side's samples."""
    return f"Samples of {'; of '.join(f'{side.name}: {became_words(side.results)}' for side in sides)}."


def again_section(sides: Sequence[Side], beside: Path) -> Section:
    """How each side is measured again, where its configuration is there, and how they are compared again."""
    folders = " ".join(shlex.quote(os.path.relpath(side.folder, beside)) for side in sides)
    made = [
        Text(f"To measure {side.name} again: {side.again(beside)} in this folder.")
        for side in sides
        if side.config.exists()
    ]
    compared = Text(f"To compare again: `assay compare {folders} --output .` in this folder.")
    return Section("again", "How to repeat it", [*made, compared])
