"""The preflight score: a listed sum."""

from __future__ import annotations

from assay.serving.health import CheckReport, judged


def test_the_score_is_the_sum_of_what_passed() -> None:
    report = CheckReport(
        rows=[
            judged("a", "one", True, 5, "seen", "mend"),
            judged("a", "two", False, 3, "seen", "mend it"),
            judged("a", "three", None, 9, "not there", ""),
            judged("a", "four", False, 2, "seen", "mend it", required=True),
        ]
    )
    assert (report.earned, report.possible, report.ready) == (5, 10, False)
    assert report.table()[:3] == [
        ("a", "one", "passed", "5/5", "seen"),
        ("a", "two", "failed", "0/3", "seen: mend it"),
        ("a", "three", "skipped", "-", "not there"),
    ]
    assert CheckReport.model_validate_json(report.model_dump_json(exclude={"earned", "possible", "ready"})) == report
