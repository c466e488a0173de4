"""What a reader of the figures must know: each finding and each notice once, with the runs that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.finding import Finding
from assay.analysis.listing import names
from assay.analysis.loads import LoadRow
from assay.analysis.names import load_titles
from assay.analysis.summary import TOLD_AS_FINDINGS
from assay.report.findings import grouped, mend
from assay.runs import RunEntry


def finding_lines(findings: Sequence[Finding], entries: Sequence[RunEntry]) -> Iterator[str]:
    """Errors, then warnings, each as the page has it: one run that shows it with its numbers, then the others.

    Notes stand on the page. `entries` are the campaign's runs in the order in which they are named.
    """
    for severity in ("error", "warning"):
        for alike in grouped([finding for finding in findings if finding.severity == severity]):
            of_run = {finding.evidence[0].run: finding for finding in reversed(alike)}
            showing = [entry for entry in entries if entry.run in of_run]
            shown = of_run[showing[0].run or ""] if showing else alike[0]
            yield " ".join(
                words for words in (f"- {shown.title}", _shown(shown, entries, showing), mend(shown)) if words
            )


def _shown(finding: Finding, entries: Sequence[RunEntry], showing: Sequence[RunEntry]) -> str:
    """Where it shows; of a campaign's only run, and of a campaign as a whole, that needn't be said."""
    figure = f"{'; '.join(citation.figure for citation in finding.evidence)}."
    if not showing or len(entries) == 1:
        return f"{figure[0].upper()}{figure[1:]}"
    also = f" Also in {names(load_titles(entries, showing[1:]), '; ')}." if showing[1:] else ""
    return f"{load_titles(entries, showing[:1])[0]}: {figure}{also}"


def notice_lines(rows: Sequence[LoadRow], *, found: bool) -> Iterator[str]:
    """What is known beside the figures, but for what is `found` and told as a finding."""
    about: dict[str, list[str]] = {}
    for row in rows:
        for notice in row.notices:
            if not (found and notice.startswith(TOLD_AS_FINDINGS)):
                about.setdefault(notice, []).append(row.load)
    for notice, loads in about.items():
        yield f"- {'' if len(loads) == len(rows) else f'{names(loads)}: '}{notice}"
