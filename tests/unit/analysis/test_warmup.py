"""What an unfinished warm-up says of its run, and what it would have cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysing import Analyse
from tests.synthetic import Plan, write_run

from assay.analysis.summary import summarise
from assay.analysis.warmup import unsteady
from assay.report.run_page import notice_problems
from assay.runs import RunFolder, WarmupFacts, read_record, write_json

RULE = {"rule": "as many as are in flight, 300 s at most", "tolerance": 0.03, "duration_ns": 1, "requests": 9}


def warmed(*rates: float, settled: bool = False, others: dict[str, list[float]] | None = None) -> WarmupFacts:
    waves = {"node-a-0": list(rates), **(others or {})}
    return WarmupFacts(settled=settled, waves=waves, places=dict.fromkeys(waves, 16), **RULE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rates", "rises", "cost"),
    [
        ((100.0, 150.0, 180.0), True, 0.8),
        ((100.0, 120.0), True, 0.2),
        ((100.0, 80.0, 100.0), False, 0.25),
        ((100.0, 80.0), False, 0.2),
        ((100.0,), True, None),
    ],
)
def test_a_rise_is_a_warning_with_its_cost_and_noise_a_note(
    tmp_path: Path, rates: tuple[float, ...], rises: bool, cost: float | None
) -> None:
    record = read_record(write_run(tmp_path / "run", Plan(chunks=False)))
    assert unsteady(record) is None  # of an earlier version: not known
    record.warmup = warmed(*rates)
    found = unsteady(record)
    assert found is not None
    assert (found.rises, found.cost) == (rises, cost if cost is None else pytest.approx(cost))
    record.mode = "accuracy"
    assert unsteady(record) is None


def test_the_worst_endpoint_is_named_and_a_steady_one_never(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path / "run", Plan(chunks=False)))
    record.warmup = warmed(100.0, 101.0, others={"node-b-0": [50.0, 60.0], "node-c-0": [50.0, 70.0]})
    found = unsteady(record)
    assert found is not None
    assert found.waves == "waves of 16 prompts at node-c-0: 50, 70 tokens/s"
    record.warmup = warmed(100.0, 101.0, settled=True)
    assert unsteady(record) is None


def with_warmup(folder: RunFolder, facts: WarmupFacts) -> RunFolder:
    record = read_record(folder)
    record.warmup = facts
    write_json(folder.record, record)
    return folder


def test_it_is_a_finding_and_where_it_costs_a_notice(tmp_path: Path, analyse: Analyse) -> None:
    from assay.analysis.run import analyse_run

    folder = with_warmup(write_run(tmp_path / "run", Plan(chunks=False)), warmed(100.0, 150.0, 180.0))
    (finding,) = analyse_run(folder).findings
    assert (finding.rule, finding.severity) == ("not-warm", "warning")
    assert "100, 150, 180 tokens/s" in finding.evidence[0].figure
    assert "load.warmup_limit_s" in finding.suggestion
    assert "80 % faster" in finding.expect
    (notice,) = [words for words in summarise(folder).notices if "warm-up" in words]
    assert "up to 80 % faster" in notice
    assert not [problem for problem in notice_problems(summarise(folder).notices) if "warm-up" in problem.text]

    with_warmup(folder, warmed(100.0, 80.0, 100.0))
    (finding,) = analyse_run(folder).findings
    assert (finding.rule, finding.severity) == ("not-warm", "note")
    assert "differ by 25 %" in finding.expect
    assert not [words for words in summarise(folder).notices if "warm-up" in words]


def test_one_wave_shows_no_rise(tmp_path: Path, analyse: Analyse) -> None:
    from assay.analysis.run import analyse_run

    folder = with_warmup(write_run(tmp_path / "run", Plan(chunks=False)), warmed(100.0))
    (finding,) = analyse_run(folder).findings
    assert finding.title == "The warm-up was one wave only: whether the servers still became faster isn't known."
    assert finding.severity == "warning"
    (notice,) = [words for words in summarise(folder).notices if "warm-up" in words]
    assert "ended while" not in notice
    assert not [problem for problem in notice_problems([notice]) if "warm-up" in problem.text]
