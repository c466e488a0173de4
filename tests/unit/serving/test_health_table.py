"""A preflight's table of many nodes: what is alike stands in one line, what failed is told."""

from __future__ import annotations

from assay.serving.health import CheckReport, judged


def report(nodes: int, failing: range = range(0)) -> CheckReport:
    rows = [judged("all", "servers", True, 5, "there", "")]
    for number in range(nodes):
        name, passed = f"e{number:04}", number not in failing
        rows.append(judged(name, "reachable", passed, 10, f"http://{name} answers", "start it", required=True))
        rows.append(judged(name, "first token", None, 10, "not tried", ""))
    return CheckReport(rows=rows)


def test_few_nodes_have_a_line_each() -> None:
    assert len(report(24).table()) == 49


def test_a_thousand_that_are_well_have_a_line_a_check() -> None:
    assert report(1000).table() == [
        ("all", "servers", "passed", "5/5", "there"),
        ("e0000 … e0999 (1000)", "reachable", "passed", "10000/10000", "e0000: http://e0000 answers"),
        ("e0000 … e0999 (1000)", "first token", "skipped", "-", "e0000: not tried"),
    ]


def test_nodes_that_fail_are_named_among_them() -> None:
    table = report(1000, failing=range(500, 503)).table()
    assert [line[0] for line in table if line[2] == "failed"] == ["e0500", "e0501", "e0502"]
    assert ("e0000 … e0999 (997)", "reachable", "passed", "9970/9970", "e0000: http://e0000 answers") in table
    assert len(table) == 6


def test_of_a_thousand_that_fail_the_first_are_told_and_the_rest_counted() -> None:
    failed = [line for line in report(1000, failing=range(1000)).table() if line[2] == "failed"]
    assert len(failed) == 24
    assert failed[0] == ("e0000", "reachable", "failed", "0/10", "http://e0000 answers: start it")
    assert failed[-1][0] == "e0023 … e0999 (977)"
    assert failed[-1][3] == "0/9770"
