"""What the terminal says below the figures: everything once, with the runs that it is about."""

from __future__ import annotations

from assay.analysis.finding import Citation, Finding
from assay.analysis.loads import LoadRow
from assay.commands.notices import finding_lines, notice_lines
from assay.runs import RunEntry
from assay.runs.shapes import ConcurrencyShape

RUNS = [
    RunEntry(
        key=f"{places}-{repeat}",
        scenario="Concurrency",
        mode="performance",
        nodes=["node-a"],
        repeat=repeat,
        shape=ConcurrencyShape(concurrency=places),
        run=f"run-{places}-{repeat}",
    )
    for places in (1, 8)
    for repeat in range(3)
]


def row(number: int, *notices: str) -> LoadRow:
    shape = ConcurrencyShape(concurrency=number)
    return LoadRow(
        load=shape.title, shape=shape, runs=["r"], issued=1, ok=1, failed=0, lost=0, latency={}, notices=list(notices)
    )


def late(run: str, by_ms: int, **other: str) -> Finding:
    seen = [
        Citation(run=run, file="run.json", figure=f"late by {by_ms} ms"),
        Citation(run=run, file="t", figure="busy"),
    ]
    known = {"rule": "client-bound", "severity": "warning", "title": "Shaped.", "suggestion": "more cores"} | other
    return Finding.model_validate({**known, "evidence": seen})


def test_each_notice_once_with_the_loads_it_is_about() -> None:
    lines = notice_lines([row(1, "All of it."), row(8, "All of it.", "Only here.")], found=False)
    assert list(lines) == ["- All of it.", "- 8 in flight: Only here."]


def test_what_is_a_finding_is_no_notice_too() -> None:
    rows = [row(1, "Client-bound: late by 3 ms", "Simulated.")]
    assert list(notice_lines(rows, found=True)) == ["- Simulated."]
    assert list(notice_lines(rows, found=False)) == ["- Client-bound: late by 3 ms", "- Simulated."]


def test_a_finding_of_many_runs_is_told_once_with_one_runs_numbers_and_the_others_names() -> None:
    """Repeats are in random order, and so are findings."""
    found = [late("run-8-1", 5), late("run-1-0", 3), late("run-8-2", 4), late("run-8-0", 6)]
    assert list(finding_lines(found, RUNS)) == [
        "- Shaped. 1 in flight, run 1 of 3: late by 3 ms; busy. Also in 8 in flight, all 3 runs. Try: more cores."
    ]


def test_errors_come_first_and_notes_are_the_pages() -> None:
    found = [
        late("run-1-0", 3),
        late("run-8-0", 4, severity="error", title="Lost."),
        late("run-8-1", 5, severity="note"),
    ]
    assert [line.split()[1] for line in finding_lines(found, RUNS)] == ["Lost.", "Shaped."]


def test_a_campaigns_only_run_and_the_campaign_itself_have_no_name() -> None:
    (alone,) = finding_lines([late("run-1-0", 3)], RUNS[:1])
    assert alone == "- Shaped. Late by 3 ms; busy. Try: more cores."
    (whole,) = finding_lines([late("the-campaign", 3, suggestion="unknown")], RUNS)
    assert whole == "- Shaped. Late by 3 ms; busy."
