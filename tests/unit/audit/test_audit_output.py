"""Rules explain themselves; reports are text, JSON and escaped HTML; a claim file's mistakes are clear messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.number_style import numbers_without_style

from assay.audit import AuditOptions, AuditReport, all_rules, audit_path, explain, render_html_section, render_text
from assay.audit.render import summary_line
from assay.audit.spans import Span
from assay.audit.verdicts import Judgement, RunRow
from assay.errors import UserError

EXAMPLE = Path(__file__).resolve().parents[3] / "src/assay/examples" / "claims-success-rate.yaml"


def test_every_rule_explains_itself() -> None:
    assert len(all_rules()) >= 30
    for rule in all_rules():
        text = explain(rule.name)
        assert text.startswith(rule.name)
        assert "Source: " in text
        assert len(rule.explain) > 100


def test_an_unknown_rule_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="ledger-balance"):
        explain("gut-feeling")


def test_the_report_survives_json() -> None:
    report = audit_path(EXAMPLE)
    again = AuditReport.model_validate_json(json.dumps(report.model_dump(mode="json")))
    assert again == report
    assert again.exit_code == 3


def test_text_names_rule_arithmetic_and_source() -> None:
    text = render_text(audit_path(EXAMPLE))
    assert "CONTRADICTED  success-rate  both nodes" in text
    assert "15 completed / 20 assigned = 0.75" in text
    assert text.count("source:") == len(audit_path(EXAMPLE).problems)
    assert len(render_text(audit_path(EXAMPLE), verbose=True)) > len(text)


def row(run: str, *, mode: str = "performance", verdict: Judgement = Judgement.SUPPORTED) -> RunRow:
    stated = None if ":" in run else "short run"
    return RunRow(
        run=run, where="", scenario="Offline", mode=mode, result=stated, samples=12_000, duration_s=1.0,
        samples_per_s=30.1152345, tokens_per_s=710.21876, verdict=verdict, findings=2 * (verdict != "supported"),
    )  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
def test_names_of_runs_are_whole_and_numbers_short_at_any_width(width: int) -> None:
    """Each run's name stands above its figures, its endpoints' below them; no accuracy run has a rate."""
    speed, score = "20261128T031839Z-offline-performance-9e558f63", "20261128T031843Z-offline-accuracy-4887f5ad"
    bad = row(f"{speed}: node-b", verdict=Judgement.CONTRADICTED)
    rows = [row(speed), row(f"{speed}: node-a"), bad, row(score, mode="accuracy")]
    closed = f"sha256 {'5' * 64}; all files are as closed"
    text = render_text(AuditReport(path="p", kind="campaign", manifest=closed, rows=rows, findings=[]), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert numbers_without_style(text) == []
    assert text.splitlines()[-8:] == [
        "                    samples  samples/s  tokens/s",
        f"{speed}: supported; short run",
        "  Offline            12,000      30.12     710.2",
        "  node-a             12,000      30.12     710.2",
        f"{speed}: node-b: contradicted (2)",
        "  node-b             12,000      30.12     710.2",
        f"{score}: supported; short run",
        "  Offline accuracy   12,000          -         -",
    ]


def test_the_counts_come_first_and_again_below_findings() -> None:
    report = audit_path(EXAMPLE)
    lines = render_text(report).splitlines()
    assert lines[1] == lines[-1] == summary_line(report)


def test_html_escapes_what_a_claim_says(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    evil = "<script>alert(1)</script>"
    path.write_text(
        yaml.safe_dump({"runs": [{"name": evil, "samples": "10", "duration": "1 s", "samples_per_s": "99"}]})
    )
    html = render_html_section(audit_path(path))
    assert evil not in html
    assert "&lt;script&gt;" in html
    assert html.startswith('<section class="audit"')


def test_options_fill_what_the_file_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(
        yaml.safe_dump({"runs": [{"samples_per_s": "900", "mean_input_tokens": "500", "mean_output_tokens": "128"}]})
    )
    assert audit_path(path).exit_code == 0
    options = AuditOptions(accelerators=(("NVIDIA A30", 1),), model="llama3.1-8b", precision="fp16")
    assert "ceiling-throughput" in {finding.rule for finding in audit_path(path, options).problems}
    with pytest.raises(UserError, match="not in the table"):
        audit_path(path, AuditOptions(accelerators=(("Abacus", 1),)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not YAML"),
        ("just words", "not a claims file"),
        ("runs: 3", "not a claims file"),
        ("runs: [{nmae: a}]", "'nmae' is not known"),
        ("runs: [{samples: many}]", "'many' is not a number"),
        ("runs: [{duration: 3 weeks}]", "give a unit"),
        ("runs: [{latency: {mean: 3}}]", "give a unit"),
        ("runs: [{latency: {unit: parsec, mean: 3}}]", "unit: give one of"),
        ("runs: [{latency: {unit: ms, average: 3}}]", "'average' is not one of"),
        ("runs: [{name: a}, {name: a}]", "same name"),
        ("runs: [{name: a, parts: [b]}]", "no run is called 'b'"),
        ("runs: [{name: a, valid: perhaps}]", "true or false"),
        ("runs: [{name: a, log: nowhere}]", "no LoadGen logs"),
        ("{runs: [], derived: [{kind: hope}]}", "give scaling, speedup, projection or change"),
        ("{runs: [{name: a}], derived: [{kind: projection, run: a}]}", "needs samples and duration"),
        ("{runs: [], sytem: {}}", "'sytem' is not known"),
        ("{runs: [], model: {config: none.json}}", "can't be read"),
        ("runs: [3]", "expected fields"),
    ],
)
def test_a_mistake_in_a_claims_file_is_one_clear_message(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        audit_path(path)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_printed_numbers_keep_what_their_rounding_leaves_open() -> None:
    assert Span.typed("0.9").agrees(0.93)  # cut
    assert Span.typed("0.9").agrees(0.86)  # rounded
    assert not Span.typed("0.90").agrees(0.92)
    assert not Span.typed("1.00").agrees(1.02)
    assert Span.typed("13,368").agrees(13368)
    for text in ("", "nan", "inf", "1.2.3", "12 apples"):
        with pytest.raises(ValueError, match="not a number"):
            Span.typed(text)


def test_importing_the_audit_is_light() -> None:
    code = (
        "import sys, assay.audit; print(*[m for m in ('rich', 'jinja2', 'matplotlib', 'plotly') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
