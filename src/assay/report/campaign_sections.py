"""A campaign's page: what ran where, how its runs went, where every sample went, findings, provenance."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.campaign import CampaignAnalysis, RunLine
from assay.report import format as fmt
from assay.report.environment import endpoint_tables, system_tables
from assay.report.findings import shown_findings
from assay.report.page import Block, Rows, Table, Text


def environment_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """All endpoints that a run used; nodes and software as the last run that knew them has them."""
    endpoints = {endpoint.name: endpoint for line in analysis.lines for endpoint in line.record.endpoints}
    yield from endpoint_tables(list(endpoints.values()))
    nodes = {
        str(node.get("name")): node
        for line in analysis.lines
        for node in line.system.get("nodes", [])
        if isinstance(node, dict)
    }
    last = analysis.lines[-1].system
    if last or nodes:
        yield from system_tables({**last, "nodes": list(nodes.values())})


def runs_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    lines = {line.entry.key: line for line in analysis.lines}
    rows: Rows = []
    for entry in analysis.state.runs:
        line = lines.get(entry.key)
        figures = line.result.figures if line and entry.mode == "performance" else {}
        rows.append(
            (
                analysis.name(entry), entry.mode, str(entry.repeat), str(entry.status or "not started"),
                line.result.verdict.words if line else "",
                fmt.beside(fmt.figure(figures.get("samples_per_s")), line.result.unanswered_words if line else ""),
                fmt.figure(figures.get("output_tokens_per_s")), entry.run or "",
            )
        )  # fmt: skip
    columns = ("Run", "Mode", "Repeat", "Status", "Verdict", "Samples/s", "Output tokens/s", "Folder")
    reports = {e.run: f"runs/{e.run}/report.html" for e in analysis.state.runs if e.run is not None and e.key in lines}
    yield Table(
        "Planned runs and how they went", columns, rows, frozenset({2, 5, 6}), "campaign.json, runs/*", reports
    )  # fmt: skip


def ledger_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    rows: Rows = []
    for line in analysis.lines:
        ledger = line.ledger
        if ledger is None:
            rows.append((run_label(analysis, line), *["unknown"] * 6))
        else:
            counts = (ledger.issued, ledger.completed, ledger.failed, ledger.lost, ledger.resent)
            rows.append((run_label(analysis, line), *map(fmt.number, counts), "yes" if ledger.balanced else "no"))
    columns = ("Run", "Issued", "Completed", "Failed", "Lost", "Re-sent", "Balanced")
    yield Table("Where every sample went", columns, rows, frozenset(range(1, 6)), "runs/*/ledger.json")


def run_label(analysis: CampaignAnalysis, line: RunLine) -> str:
    return f"{analysis.name(line.entry)}, {line.entry.mode}, repeat {line.entry.repeat}"


def findings_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    if not analysis.findings:
        yield Text("None.")
        return
    rows: Rows = [
        (f.severity, f.title, f.evidence[0].run, " / ".join(e.figure for e in f.evidence), f.suggestion, f.expect)
        for f in shown_findings(analysis.findings)
    ]
    yield Table("Findings", ("Severity", "Finding", "Run", "Evidence", "Suggestion", "Effect to expect"), rows)


def provenance_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    state = analysis.state
    rows: Rows = [
        ("Campaign", state.id),
        ("Order of the runs, seed", str(state.seed)),
        ("Configuration, SHA-256", state.config_sha256),
        ("Data set, SHA-256", state.dataset_sha256 or "not recorded"),
        ("Sessions that worked on it", str(len(state.sessions))),
        ("Manifest", analysis.manifest.words),
    ]
    yield Table("Campaign", ("Fact", "Value"), rows, source="campaign.json")
    yield Text(
        "Every figure is computed from the run folders named above; their own reports list the files and hashes."
    )
