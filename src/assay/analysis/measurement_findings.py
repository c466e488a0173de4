"""Findings on whether figures are the server's: was it warm, did it stream, was the client's window full."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.finding import UNKNOWN, Citation, Finding
from assay.analysis.goodput import STARTED_GOOD
from assay.analysis.listing import names
from assay.analysis.streams import Streams, held_words
from assay.analysis.waiting import Waiting
from assay.analysis.warmup import unsteady
from assay.runs.record import RunRecord
from assay.runs.result import Result

HELD_STREAMS = "held-streams"


def measurement_findings(
    result: Result, record: RunRecord, held: Sequence[Streams], waits: Waiting | None
) -> list[Finding]:  # fmt: skip
    """`held` are the endpoints whose answers weren't streams, `waits` where the client's window was the limit."""
    run = result.run
    found = _held(run, held, late=record.client.client_bound)
    if waits is not None:
        found.append(_window(run, waits))
    return found + _precisions(run, record) + _started_good(result) + _not_warm(run, record)


def _precisions(run: str, record: RunRecord) -> list[Finding]:
    """Servers that choose a precision by their own CPU may choose different ones."""
    by_precision: dict[str, list[str]] = {}
    for endpoint in record.endpoints:
        if precision := endpoint.settings.get("precision"):
            by_precision.setdefault(str(precision), []).append(endpoint.name)
    if len(by_precision) < 2:
        return []
    return [
        Finding(
            rule="precisions",
            severity="warning",
            title="The endpoints compute in different precisions.",
            evidence=[
                Citation(
                    run=run,
                    file="run.json",
                    figure="; ".join(f"{precision} at {names(own)}" for precision, own in by_precision.items()),
                )
            ],
            suggestion="one precision that all of them have (engine.precision=f32)",
            expect="answers and speeds of the same arithmetic",
        )
    ]


def _started_good(result: Result) -> list[Finding]:
    told = [text for text in result.notices if text.startswith(STARTED_GOOD)]
    return [
        Finding(
            rule="goodput-of-the-start",
            severity="warning",
            title="Goodput is of the start: requests that found an idle server make it.",
            evidence=[
                Citation(
                    run=result.run, file="requests.parquet", figure=text.removeprefix(f"{STARTED_GOOD}: ").rstrip(".")
                )
            ],
            suggestion="a longer load, or fewer in flight",
            expect="goodput near that of the later answers",
        )
        for text in told
    ]


def _not_warm(run: str, record: RunRecord) -> list[Finding]:
    found = unsteady(record)
    if found is None:
        return []
    return [
        Finding(
            rule="not-warm",
            severity="warning" if found.rises else "note",
            title=f"{found.title}.",
            evidence=[Citation(run=run, file="run.json", figure=f"{found.waves}; {record.warmup.rule}")],
            suggestion="a longer warm-up (load.warmup_limit_s, assay bench: --warmup-limit)"
            if found.rises
            else UNKNOWN,
            expect=found.expected,
        )
    ]


def _held(run: str, held: Sequence[Streams], *, late: bool) -> list[Finding]:
    """Of each endpoint that sends no streams; of a client that was late once, however many endpoints it read late."""
    if late and held:
        return [
            _held_finding(
                run,
                "Whether answers are streams isn't known: the load generator was late.",
                "; ".join(held_words(held, client_bound=True)),
                "what makes the load generator late, as its own finding says, before anything at the server",
            )
        ]
    return [
        _held_finding(
            run,
            f"Answers of {streams.endpoint} weren't streams.",
            streams.words(client_bound=False),
            "a proxy that doesn't buffer (nginx: proxy_buffering off), or none; an engine that sends each token",
            subject=streams.endpoint,
        )
        for streams in held
    ]


def _held_finding(run: str, title: str, figure: str, suggestion: str, subject: str = "") -> Finding:
    return Finding(
        rule=HELD_STREAMS,
        severity="warning",
        title=title,
        evidence=[Citation(run=run, file="requests.parquet", figure=figure)],
        suggestion=suggestion,
        expect="TPOT and ITL, and the true time to the first token",
        subject=subject,
    )


def _window(run: str, waits: Waiting) -> Finding:
    return Finding(
        rule="client-window",
        severity="warning",
        title="The client's window made requests wait, not the server.",
        evidence=[Citation(run=run, file="requests.parquet", figure=waits.words)],
        suggestion="a larger window (engine.window), or fewer arrivals",
        expect=f"{UNKNOWN}: with more at once the server itself may take longer",
    )
