"""What a comparison says to do next, and how both sides are measured and compared again."""

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
from assay.analysis.summary import shaped_by_client
from assay.report import format as fmt
from assay.report.became import became_words
from assay.report.changed import CHANGED
from assay.report.mended_first import IDLE_CORES
from assay.report.next_step import again_command
from assay.report.page import Section, Text
from assay.runs.campaign import CampaignFolder
from assay.runs.result import Result

_FEWEST_REPEATS = 3
_MOST_REPEATS = 30
"""More than so many repeats nobody makes."""
_LONGEST_SETTING = 80  # characters, of a command that is read
_THERE = "in the folder of the baseline's campaign"  # wherever the page lies, or the terminal is


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

    def again(self, beside: Path) -> str:
        """The command that measures it again, from the folder `beside`."""
        config, results = (os.path.relpath(path, beside) for path in (self.config, self.campaign.parent))
        return f"`assay run {shlex.quote(config)} --output {shlex.quote(results)}`"


def side_names(titles: Sequence[str]) -> list[str]:
    """What sides are called in a sentence, the baseline first. Of several others each by its title, but for the parts
    with which all titles begin: they would fill a narrow page without telling one from another."""
    if len(titles) == 2:
        return ["the baseline", "the other"]
    parts = [title.split(", ") for title in titles]
    alike = next((place for place, told in enumerate(zip(*parts, strict=False)) if len(set(told)) > 1), 0)
    return ["the baseline", *(f"that of {', '.join(own[alike:])}" if alike else ", ".join(own) for own in parts[1:])]


def comparison_next(
    comparisons: Sequence[Comparison | CampaignComparison], changes: Sequence[Change], sides: Sequence[Side]
) -> str:
    """One sentence: what would decide a comparison of two, or tell the cause; else empty, but for several others."""
    if not all(CampaignFolder(side.campaign).config.exists() for side in sides):
        return ""
    if shaped_by_client([result for side in sides for result in side.results]):
        return _both(f"{IDLE_CORES} the figures are the servers', and measure again")
    if len(sides) > 2:
        return (
            "Next: `assay compare` with the baseline and one other says what would decide those two, or tell the cause."
        )
    base, other = sides
    if any(change.words in CHANGED for change in changes):
        return _cause(comparisons[0].differences)
    repeats = min(base.repeats, other.repeats)
    open_ = [(needed, c) for c in changes if c.decisive and (needed := c.repeats_to_show(repeats)) is not None]
    if not open_:
        undecided = any(change.decisive and change.low is None for change in changes)
        return _repeated(_FEWEST_REPEATS, "so few samples decide nothing") if undecided else ""
    needed, change = min(open_, key=lambda one: one[0])
    if needed > _MOST_REPEATS:
        most = max(abs(bound - 1) for _, c in open_ for bound in (c.low, c.high) if bound is not None)
        return f"Next: nothing, unless a difference of less than {fmt.percent(most)} matters."
    why = f"were {change.quantity} truly {fmt.times(change.ratio, None, None)}, about {needed} repeats would show it"
    return _repeated(max(_FEWEST_REPEATS, needed), why)


def _repeated(repeats: int, why: str) -> str:
    return _both(why, f"campaign.repeats={repeats}")


def _both(why: str, *sets: str) -> str:
    return (
        f"Next: {why}: {again_command(*sets)} in the folder of each campaign, then `assay compare` with those that it "
        "makes."
    )


def _cause(found: Sequence[Difference]) -> str:
    """One fact changed at a time tells the cause, where a setting does that."""
    once_more = "the baseline once more shows whether the difference stays, or the machine changed meanwhile"
    if len(found) < 2:
        return f"Next: {once_more}: {again_command()} {_THERE}."
    unknown = f"{len(found)} recorded facts differ, so which of them is the cause isn't shown"
    setting = next((one.setting for one in found if one.setting and len(one.setting) <= _LONGEST_SETTING), None)
    if setting is None:
        return f"Next: {unknown}; {once_more}: {again_command()} {_THERE}."
    return (
        f"Next: {unknown}; measure the baseline with one of them changed at a time, such as {again_command(setting)} "
        f"{_THERE}."
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
