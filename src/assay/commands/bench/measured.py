"""What was measured, as `--json` prints it, and as much of it as there is where the command is told to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.analysis.loads import load_rows
from assay.commands.bench.limits import Condition
from assay.runs import (
    CampaignFolder,
    CampaignState,
    Result,
    RunEntry,
    RunStatus,
    read_campaign,
    read_requests,
    read_result,
)

_WORDS = 3
"""Different words of a server that are shown for one reason."""


def measured_json(
    folder: CampaignFolder, state: CampaignState, results: Sequence[Result], conditions: Sequence[Condition]
) -> dict[str, Any]:
    """Rows with the reasons of their failed requests, the campaign's state, and what became of each condition."""
    rows = load_rows(state, results)
    titles = {run: row.load for row in rows for run in row.runs}
    return {
        "folder": folder.path,
        "loads": [row.model_dump(mode="json") | {"failures": _failures(folder, row.runs)} for row in rows],
        "campaign": state,
        "conditions": [
            {"condition": one.text, "load": titles.get(result.run), "run": result.run, **one.judged(result)}
            for one in conditions
            for result in results
        ],
    }


def whole_runs(folder: CampaignFolder) -> tuple[CampaignState, list[Result], list[str]]:
    """Of a campaign that was told to end: the state, the results of runs that came to their end, what is missing."""
    state = read_campaign(folder)
    results, missing = [], []
    for entry in state.runs:
        over = entry.run is not None and entry.status not in (None, RunStatus.INTERRUPTED)
        result = read_result(folder.run(entry.run)) if over and entry.run is not None else None
        if result is None:
            missing.append(_name(entry))
        else:
            results.append(result)
    return state, results, missing


def _name(entry: RunEntry) -> str:
    load = entry.shape.title if entry.shape else entry.key
    return f"{load}, repeat {entry.repeat + 1}" if entry.repeat else load


def _failures(folder: CampaignFolder, runs: Sequence[str]) -> list[dict[str, Any]]:
    """Requests that got no answer by the reason of their last attempt, the most frequent first."""
    counts: dict[str, int] = {}
    words: dict[str, dict[str, None]] = {}
    for run in runs:
        requests = folder.run(run).requests
        if not requests.exists():  # the run ended before it sent any
            continue
        table = read_requests(requests, ["final", "status", "detail"])
        unanswered = pc.and_(table["final"], pc.not_equal(table["status"].cast(pa.string()), "ok"))
        for row in table.filter(unanswered).to_pylist():
            reason = row["status"]
            counts[reason] = counts.get(reason, 0) + 1
            known = words.setdefault(reason, {})
            if row["detail"] and len(known) < _WORDS:
                known[row["detail"]] = None
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"reason": reason, "requests": count, "words": list(words[reason])} for reason, count in ordered]
