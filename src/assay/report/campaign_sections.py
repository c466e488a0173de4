"""A campaign's page: what ran where, how its runs went, where every sample went, findings, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from assay.analysis.campaign import CampaignAnalysis, RunLine
from assay.analysis.listing import NAMED
from assay.report import format as fmt
from assay.report.environment import endpoint_tables, system_tables
from assay.report.findings import findings_table, nothing_found
from assay.report.machines import nodes_of
from assay.report.many import MOST_ROWS, Values, ends
from assay.report.page import Block, Quote, Rows, Table, Text
from assay.runs.ledger import Ledger
from assay.serving.words import harmless


def nodes_alone(analysis: CampaignAnalysis) -> frozenset[str]:
    """The keys of the runs on one node, such as a scaling campaign's baselines, where they are too many to list."""
    found = {entry.key: entry.nodes[0] for entry in analysis.state.runs if len(entry.nodes) == 1}
    return frozenset(found) if len(set(found.values())) > MOST_ROWS else frozenset()


def with_nodes_alone(
    analysis: CampaignAnalysis, table: Table, keys: Sequence[str], spread: Mapping[str, Values]
) -> list[Table]:
    """The table of runs itself; runs on many single nodes stand below the others, at both ends and by how they spread.

    Args:
        analysis: the campaign.
        table: a row a run.
        keys: the runs' keys.
        spread: figures of the runs by name; the first ranks them.
    """
    alone = nodes_alone(analysis)
    order = sorted(range(len(keys)), key=lambda place: keys[place] in alone)
    first = sum(key not in alone for key in keys)
    if first == len(keys):
        return [table]
    rows = [table.rows[place] for place in order]
    ordered = replace(table, caption=f"{table.caption}; runs on single nodes", rows=rows)
    return ends(ordered, {name: [own[i] for i in order[first:]] for name, own in spread.items()}, "report.json", first)


def environment_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """All endpoints that a run used; nodes and software as the last run that knew them has them."""
    nodes = nodes_of(line.system for line in analysis.lines)
    yield from endpoint_tables(analysis.endpoints, nodes)
    last = analysis.lines[-1].system
    if last or nodes:
        yield from system_tables({**last, "nodes": nodes})


def runs_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    lines = {line.entry.key: line for line in analysis.lines}
    rows: Rows = []
    for entry in analysis.state.runs:
        line = lines.get(entry.key)
        figures = line.result.figures if line and entry.mode == "performance" else {}
        rows.append(
            (
                analysis.titles[entry.key], str(entry.status or "not started"),
                line.result.verdict.words if line else "",
                fmt.beside(fmt.figure(figures.get("samples_per_s")), line.result.unanswered_words if line else ""),
                fmt.figure(figures.get("output_tokens_per_s")), entry.run or "",
            )
        )  # fmt: skip
    columns = ("Run", "Status", "Verdict", "Samples/s", "Output tokens/s", "Its own page")
    reports = {e.run: f"runs/{e.run}/report.html" for e in analysis.state.runs if e.run is not None and e.key in lines}
    caption = "Planned runs and how they went"
    table = Table(caption, columns, rows, frozenset({3, 4}), "campaign.json, runs/*", reports)
    known = [lines.get(entry.key) for entry in analysis.state.runs]
    rates = [None if line is None or line.samples_per_s is None else line.samples_per_s.value for line in known]
    keys = [entry.key for entry in analysis.state.runs]
    yield from with_nodes_alone(analysis, table, keys, {"samples/s": rates})
    logs = [(analysis.titles[e.key], e.reason.partition("\n")[2]) for e in analysis.state.runs if "\n" in e.reason]
    for title, text in logs[:NAMED]:
        yield Quote(f"{title}, ends of the logs that may say why, as written", harmless(text))
    if len(logs) > NAMED:
        yield Text(f"The logs of {len(logs) - NAMED:,} more runs are on those runs' own pages.")


def ledger_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    rows: Rows = []
    lines = {line.entry.key: line for line in analysis.lines}
    entries = [entry for entry in analysis.state.runs if entry.key in lines or entry.status is not None]
    for entry in entries:
        line = lines.get(entry.key)
        ledger = None if line is None else line.ledger
        title = analysis.titles[entry.key]
        if line is None:
            rows.append((title, *["0"] * 5, f"nothing to balance: {entry.status}"))
        elif ledger is None:
            rows.append((title, *["unknown"] * 6))
        else:
            counts = (ledger.issued, ledger.completed, ledger.failed, ledger.lost, ledger.resent)
            rows.append((title, *map(fmt.number, counts), "yes" if ledger.balanced else "no"))
    columns = ("Run", "Issued", "Completed", "Failed", "Lost", "Re-sent", "Balanced")
    table = Table("Where every sample went", columns, rows, frozenset(range(1, 6)), "runs/*/ledger.json")
    ledgers = [lines[entry.key].ledger if entry.key in lines else None for entry in entries]
    spread: dict[str, Values] = {
        "share of samples answered": [_answered(ledger) for ledger in ledgers],
        "issued": [None if ledger is None else ledger.issued for ledger in ledgers],
    }
    yield from with_nodes_alone(analysis, table, [entry.key for entry in entries], spread)


def _answered(ledger: Ledger | None) -> float | None:
    return None if ledger is None or not ledger.issued else ledger.completed / ledger.issued


def run_label(analysis: CampaignAnalysis, line: RunLine) -> str:
    return analysis.titles[line.entry.key]


def findings_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    labels = {line.folder.id: run_label(analysis, line) for line in analysis.lines}
    yield (
        findings_table(analysis.findings, labels)
        if analysis.findings
        else Text(nothing_found(measured=bool(analysis.groups)))
    )


def provenance_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    state = analysis.state
    rows: Rows = [
        ("Campaign", state.id),
        ("Manifest", analysis.manifest.words),
        ("Sessions that worked on it", str(len(state.sessions))),
        ("Seed of the runs' order", str(state.seed)),
    ]
    yield Table("Campaign", ("Fact", "Value"), rows, source="campaign.json")
    hashes: Rows = [("Configuration", state.config_sha256), ("Data set", state.dataset_sha256 or "not recorded")]
    yield Table("SHA-256 of what it was made from", ("What", "SHA-256"), hashes, source="campaign.json", folded=True)
    yield Text(
        "Every figure is computed from the run folders named above; their own reports list the files and hashes."
    )
