"""Which endpoints a run's figures lack: those that answered nothing, or stopped answering."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.listing import names
from assay.report import format as fmt
from assay.runs.result import Result


def lacking_words(result: Result) -> str:
    """Such as "1 of 2 endpoints stopped answering after 4.2 s"; empty where all answered to the end."""
    silent, stopped = result.silent, result.stopped
    if stopped and len(result.endpoints) == 1:
        return f"its endpoint stopped answering after {fmt.duration(*stopped.values())}"
    of = fmt.count(len(result.endpoints), "endpoint")
    said = [f"{len(silent)} of {of} answered nothing"] if silent else []
    if stopped:
        first = fmt.duration(min(stopped.values()))
        after = f"after {first}" if len(stopped) == 1 else f"from {first} on"
        said.append(f"{len(stopped)} of {of} stopped answering {after}")
    return ", ".join(said)


def lacking_sentence(analysis: CampaignAnalysis) -> Iterator[str]:
    """One sentence that names the runs, for the answer of a campaign of several; none where nothing lacks."""
    found = {analysis.titles[line.entry.key]: words for line in analysis.lines if (words := lacking_words(line.result))}
    if found:
        told = names([f"{words} in {title}" for title, words in found.items()], "; ")
        alone = any(len(line.result.stopped) == len(line.result.endpoints) for line in analysis.lines)
        whose = "its" if len(found) == 1 else "their"
        since = "from then on " if any(line.result.stopped for line in analysis.lines) else ""
        yield f"{told}: {since}{whose} figures are those of the others{' or of none' if alone else ''}."
