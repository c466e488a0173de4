"""The tables that curves and searches for a rate have of their own: a line a run within 80 columns."""

from __future__ import annotations

from assay.analysis.curve import Curve, CurvePoint
from assay.analysis.engine_models import Try, Tuned
from assay.analysis.loads import Value
from assay.analysis.rate_answer import RateAnswer, RatePoint, Tail
from assay.commands.tune.curve import curve_text
from assay.commands.tune.engine import engine_text
from assay.commands.tune.rate import rate_text
from assay.runs.tail_limits import parse_tail_limits

LIMITS = list(parse_tail_limits("p99(ttft) < 300 ms"))


def value(number: float) -> Value:
    return Value(value=number, low=0.9 * number, high=1.1 * number)


def point(places: int | None, *, client_bound: bool = False) -> CurvePoint:
    return CurvePoint(
        load="Offline" if places is None else f"{places} in flight",
        in_flight=places,
        runs=["r"],
        output_tokens_per_s=value(9876.0),
        per_accelerator=None,
        per_user=value(123.4),
        ttft_p90_ns=value(54.32e6),
        expenses={},
        client_bound=client_bound,
        unanswered="",
    )


def test_a_curve_has_a_line_a_point_and_marks_what_is_not_the_servers() -> None:
    own = [point(1), point(1024, client_bound=True), point(None)]
    text = curve_text(Curve(accelerators=None, points=own, units={}).model_dump(), 80)
    numbers = "9,876 (8,888 to 10,864)  123.4 (111.1 to 135.7)  54.32 (48.89 to 59.75)"
    head, *lines = text.splitlines()
    assert head.split("  ")[0] == "load"
    assert [" ".join(line.split()) for line in lines[:3]] == [
        " ".join(f"{load} {numbers}".split()) for load in ("1", "1,024 *", "Offline")
    ]
    assert max(map(len, text.splitlines())) <= 84, "only numbers make a line longer"
    assert "*: client-bound" in " ".join(text.split())
    assert "client-bound" not in curve_text(Curve(accelerators=None, points=own[:1], units={}).model_dump(), 80)


def probe(rate: float, verdict: str, share: float | None, **changes: object) -> RatePoint:
    tails = [] if share is None else [
        Tail(limit=LIMITS[0].title, allowed=0.01, share=share, low=share / 2, high=2 * share,
             value_ns=None, value_low_ns=None, value_high_ns=None)
    ]  # fmt: skip
    known = RatePoint(
        run="r", role="bracket", why="w", rate=rate, requests=100, errors=0, seconds=9.0, verdict=verdict,
        ended="at its longest", client_bound=False, tails=tails,
    )  # fmt: skip
    return known.model_copy(update=changes)


def test_a_search_has_a_line_a_run_with_its_verdict_and_its_share_over_the_limit() -> None:
    points = [
        probe(25.874, "under", 0.002),
        probe(51.7, "undecided", 0.0123, client_bound=True),
        probe(1234.5, "over", None, errors=1500),
    ]
    answer = RateAnswer(
        outcome="stopped", confirmed=False, rate=None, low=None, high=None, bound_by="", because="", why="w",
        scenario="Server", limits=LIMITS, precision=0.03, seconds=9.0, points=points,
    )  # fmt: skip
    lines = rate_text(answer.model_dump(mode="json"), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert [" ".join(line.split()) for line in lines] == [
        f"requests/s for limits over {LIMITS[0].title}",
        "25.87 one side kept, sure 0.2 % (0.1 to 0.4)",
        "51.70 one side not decided; client-bound 1.2 % (0.6 to 2.5)",
        "1,234 one side broken, sure; 1,500 unanswered -",
    ]


def test_a_search_through_settings_says_below_its_table_once_why_tries_have_no_rate() -> None:
    known = Try(name="as configured", settings={}, servers=None, window=None, default=True, stage="final",
                rates={"final": value(1484.0)})  # fmt: skip
    why = "server node-a on node-a not ready after 0.01 s: GET http://127.0.0.1:52301/health has no answer"
    failed = [
        known.model_copy(update={"name": f"max_num_seqs {place}", "rates": {}, "reason": why}) for place in (16, 32)
    ]
    found = Tuned(tries=[known, *failed], against=[], best=None, scores=[], outcome="no difference shown")
    lines = engine_text(found.model_dump(), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).endswith(f"No rate of max_num_seqs 16; max_num_seqs 32: {why}")
