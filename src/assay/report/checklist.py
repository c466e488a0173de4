"""An official campaign as a checklist: what a closed submission has of it, and what it still lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.campaign import CampaignAnalysis, RunLine
from assay.analysis.submission_lacks import missing_scenarios, missing_tests, not_of_round
from assay.benchmarks.mlperf import ROUND
from assay.report.page import Block, Rows, Table, Text
from assay.runs.campaign import RunEntry

_DIVISION = "closed"
DONE, MEND, MISSING = "done", "to mend", "missing"
_RESUME = "planned, and not carried out: `assay run --resume` goes on"
_DESCRIBED = "fields that no program measures: `assay submit` asks for each by name, `system.yaml` keeps the answers"


def checklist_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """Of official campaigns alone."""
    if analysis.state.kind != "official":
        return
    benchmark = analysis.benchmark.name
    rows: Rows = []
    scenarios = list(dict.fromkeys(entry.scenario for entry in analysis.state.runs))
    for scenario in scenarios:
        rows += _result(analysis, scenario)
    whole = [*not_of_round(benchmark, ROUND), *missing_scenarios(benchmark, ROUND, _DIVISION, scenarios)]
    rows += [("the submission", "scenarios", MISSING if whole else DONE, "; ".join(whole))]
    rows += [("the submission", "system's description", "to answer", _DESCRIBED)]
    left = sum(row[2] in (MEND, MISSING) for row in rows)
    yield Text(
        f"{left} of {len(rows)} points are open for the {_DIVISION} division of {ROUND}. The open one takes one "
        "scenario, reports accuracy as it is, and asks for no compliance test. `assay submit` says the last word: it "
        "also looks at what is beside the runs, such as their manifests and seeds."
    )
    columns = ("Result", "Part", "State", "What is open")
    yield Table("Point by point", columns, rows, frozenset(), "runs/*/result.json, campaign.json")


def _result(analysis: CampaignAnalysis, scenario: str) -> Rows:
    planned = [entry for entry in analysis.state.runs if entry.scenario == scenario and not entry.planning]
    known = {line.entry.key: line for line in analysis.lines}
    by_part: dict[str, list[RunEntry]] = {"performance": [], "accuracy": []}
    for entry in planned:
        by_part.setdefault(entry.compliance or entry.mode, []).append(entry)
    rows: Rows = []
    for part, entries in by_part.items():
        lines = [known[entry.key] for entry in entries if entry.key in known]
        state, why = _part(part, entries, lines)
        rows.append((scenario, part, state, why))
    for words in missing_tests(analysis.benchmark.name, ROUND, _DIVISION, by_part):
        rows.append((scenario, "compliance", MISSING, words))
    return rows


def _part(part: str, entries: Sequence[RunEntry], lines: Sequence[RunLine]) -> tuple[str, str]:
    """One valid run of a part is enough; else why none is."""
    if any(line.result.verdict.valid for line in lines):
        return DONE, ""
    if lines:
        verdict = lines[-1].result.verdict
        return MEND, "; ".join(verdict.reasons or [verdict.words])
    return MISSING, _RESUME if entries else f"there is no {part} run"
