"""What `assay run` prints when a campaign is over."""

from __future__ import annotations

from assay.campaign.reporting import answer_lines, scaling_lines
from assay.campaign.runner import CampaignOutcome
from assay.runs import Ledger, RunEntry, read_ledger


def outcome_text(outcome: CampaignOutcome) -> str:
    """The ledger of every run, the answer of the campaign, the verdicts, and where the report is."""
    width = max(26, *(len(_name(outcome, entry)) + 2 for entry in outcome.state.runs))
    lines = ["", f"{'run':<{width}}issued = completed + failed + lost"]
    for entry in outcome.state.runs:
        name = _name(outcome, entry)
        if entry.run and (folder := outcome.folder.run(entry.run)).ledger.exists():
            ended = "" if entry.status == "completed" else f"  {entry.status}: {entry.reason}"
            lines.append(_ledger_line(f"{name:<{width}}", read_ledger(folder)) + ended)
        else:
            lines.append(f"{name}: {entry.status or 'not started'} {entry.reason}".rstrip())
    lines += [f"node {node} is left out: {reason}" for node, reason in outcome.state.left_out.items()]
    words = sorted({result.verdict.words for result in outcome.results})
    lines += ["", *scaling_lines(outcome.folder), *answer_lines(outcome.folder), *words]
    if outcome.unreported:
        lines.append(
            f"no report of {', '.join(outcome.unreported)}: `assay run --resume {outcome.folder.path}` makes it"
        )
    else:
        lines.append(f"report: {outcome.folder.report}")
    return "\n".join(lines) + "\n"


def _name(outcome: CampaignOutcome, entry: RunEntry) -> str:
    single = outcome.state.kind == "single" and entry.repeat == 0
    return f"{entry.scenario} {entry.mode}" if single else entry.key


def _ledger_line(name: str, ledger: Ledger) -> str:
    balance = "balanced" if ledger.balanced else "NOT BALANCED: " + "; ".join(ledger.problems)
    resent = f", {ledger.resent} re-sent" if ledger.resent else ""
    counts = f"{ledger.issued:>6} = {ledger.completed:>9} + {ledger.failed:>6} + {ledger.lost:>4}"
    return f"{name}{counts}  {balance}{resent}"
