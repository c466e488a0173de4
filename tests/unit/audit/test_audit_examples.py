"""The examples are claims from real reports; each gets the verdicts that it deserves, and no others."""

from __future__ import annotations

from pathlib import Path

from assay.audit import Judgement, audit_path

EXAMPLES = Path(__file__).resolve().parents[3] / "src/assay/examples"


def verdicts(name: str) -> set[tuple[str, str, Judgement]]:
    """Each finding that isn't supported: rule, subject, verdict."""
    report = audit_path(EXAMPLES / name)
    assert report.exit_code == 3
    return {(finding.rule, finding.subject, finding.verdict) for finding in report.problems}


def test_a_scaling_above_linear_from_cards_that_cannot() -> None:
    assert verdicts("claims-scaling-above-linear.yaml") == {
        ("ceiling-throughput", "node A alone", Judgement.IMPOSSIBLE),
        ("ceiling-throughput", "node B alone", Judgement.IMPOSSIBLE),
        ("ceiling-throughput", "together as node A reports it", Judgement.IMPOSSIBLE),
        ("ceiling-throughput", "together as node B reports it", Judgement.IMPOSSIBLE),
        ("identical-figures", "node A alone, node B alone", Judgement.UNSUPPORTED),
        ("identical-figures", "together as node A reports it, together as node B reports it", Judgement.UNSUPPORTED),
        ("scaling-efficiency", "scaling efficiency 105.5 %", Judgement.CONTRADICTED),
    }


def test_the_arithmetic_of_that_scaling() -> None:
    report = audit_path(EXAMPLES / "claims-scaling-above-linear.yaml")
    scaling = next(finding for finding in report.problems if finding.rule == "scaling-efficiency")
    assert scaling.arithmetic == "112.36 / (106.55 + 106.55) = 0.5273"
    throughput = [finding for finding in report.findings if finding.rule == "throughput"]
    assert [finding.verdict for finding in throughput] == [Judgement.SUPPORTED] * 4  # 100 / 0.9 s, as far as printed


def test_b_success_over_the_processed_and_super_linear() -> None:
    assert verdicts("claims-success-rate.yaml") == {
        ("ledger-balance", "both nodes", Judgement.UNSUPPORTED),
        ("ledger-balance", "node A", Judgement.UNSUPPORTED),
        ("success-rate", "both nodes", Judgement.CONTRADICTED),
        ("combined-parts", "both nodes", Judgement.CONTRADICTED),
        ("scaling-efficiency", "scaling efficiency 102.5 %", Judgement.UNSUPPORTED),
        ("same-answers", "scaling efficiency 102.5 %", Judgement.UNSUPPORTED),
        ("std-possible", "node A", Judgement.IMPOSSIBLE),
    }


def test_b_the_other_nodes_figures_are_possible() -> None:
    report = audit_path(EXAMPLES / "claims-success-rate.yaml")
    node_b = [finding for finding in report.findings if finding.subject == "node B"]
    assert {"std-possible", "percentile-order", "ledger-balance", "littles-law"} <= {f.rule for f in node_b}
    assert all(finding.clean for finding in node_b)


def test_c_a_speed_up_slower_than_one_node() -> None:
    assert verdicts("claims-speedup.yaml") == {
        ("speedup-baseline", "speed-up 1.41x", Judgement.CONTRADICTED),
        ("projection", "A alone: 13368 samples in 48.2 h", Judgement.CONTRADICTED),
        ("projection", "B alone: 13368 samples in 23.0 h", Judgement.CONTRADICTED),
        ("unit-slip", "A alone: 13368 samples in 48.2 h", Judgement.CONTRADICTED),
        ("unit-slip", "B alone: 13368 samples in 23.0 h", Judgement.CONTRADICTED),
    }


def test_c_what_is_true_of_it_is_said_too() -> None:
    report = audit_path(EXAMPLES / "claims-speedup.yaml")
    supported = {(finding.rule, finding.subject) for finding in report.findings if finding.clean}
    assert ("projection", "both: 13368 samples in 14.6 h") in supported
    assert {("throughput", name) for name in ("A alone", "B alone", "both")} <= supported
    speedup = next(finding for finding in report.problems if finding.rule == "speedup-baseline")
    assert "together 0.25 / best alone 0.583 = 0.4288" in speedup.arithmetic
    assert "one after the other" in speedup.arithmetic
    slip = next(finding for finding in report.problems if finding.rule == "unit-slip")
    assert "thousands of seconds for hours" in slip.arithmetic
