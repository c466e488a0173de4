"""Claims as people write them: what is read, what is refused with its mend, and what holds."""

from __future__ import annotations

from typing import Any

import pytest
from tests.audits import audit_claims, complaints

from assay.audit.readers.claims import read_claims
from assay.audit.rules.identical_figures import significant_digits
from assay.audit.spans import Span
from assay.errors import UserError

A30 = {"accelerators": [{"name": "NVIDIA A30", "count": "2"}]}
MODEL = {"name": "Llama-3.1-8B-Instruct", "precision": "float16"}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1", 0.5, 2),
        ("1.00", 0.995, 1.01),
        ("58300", 58_250, 58_350),
        ("58000", 57_500, 58_500),
        ("1000", 950, 1050),  # two digits at least are meant
        ("20", 19.5, 21),
        ("1,234", 1233.5, 1235),
        ("13368", 13_367.5, 13_369),
    ],
)
def test_trailing_zeros_are_no_digits(text: str, low: float, high: float) -> None:
    assert (Span.typed(text).low, Span.typed(text).high) == pytest.approx((low, high))


def test_two_rounded_numbers_that_agree_prove_nothing() -> None:
    assert (significant_digits(Span.typed("1000")), significant_digits(Span.typed("1000.0"))) == (2, 5)
    runs = [{"name": name, "tokens_per_s": "1000", "samples_per_s": "10"} for name in ("a", "b")]
    assert complaints(audit_claims({"runs": runs})) == []


@pytest.mark.parametrize("text", ["0,5 s", "0,5", "1,5", "12,34", "1,2345", "1,234,5"])
def test_a_decimal_comma_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(UserError, match=r"duration: .*write a decimal point as in 0\.5"):
        audit_claims({"runs": [{"name": "a", "duration": text}]})


def test_thousands() -> None:
    run = {"name": "a", "samples_per_s": "455", "mean_output_tokens": "128.1", "tokens_per_s": "58.3k"}
    assert complaints(audit_claims({"runs": [run]})) == []
    run["tokens_per_s"] = "58.9k"
    assert "token-rate" in " ".join(complaints(audit_claims({"runs": [run]})))


@pytest.mark.parametrize(("key", "value"), [("samples", "13.4"), ("concurrency", "1.5"), ("samples", "13.4k")])
def test_counts_are_whole(key: str, value: str) -> None:
    with pytest.raises(UserError, match=key):
        audit_claims({"runs": [{"name": "a", key: value}]})


def test_nothing_to_judge_is_a_mistake() -> None:
    with pytest.raises(UserError, match="'runs' is empty"):
        audit_claims({"runs": []})


@pytest.mark.parametrize(("text", "tokens"), [("1", 1), ("4", 4), ("2.5", 2.6)])
def test_a_whole_number_of_speculative_tokens_is_that_many(tmp_path: Any, text: str, tokens: float) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(f"engine: {{speculative_tokens: {text}}}\nruns: [{{name: a}}]\n")
    assert read_claims(path).runs[0].speculative_tokens == pytest.approx(tokens)


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [("150", "100", "33 % lower"), ("100", "150", "50 % higher"), ("150", "100", "33 % less")],
)
def test_a_change_over_its_baseline_holds(before: str, after: str, value: str) -> None:
    runs = [{"name": name, "latency": {"unit": "ms", "p99": p99}} for name, p99 in (("old", before), ("new", after))]
    change = {"kind": "change", "of": "latency p99", "value": value, "run": "new", "baseline": "old"}
    assert complaints(audit_claims({"runs": runs, "derived": [change]})) == []


def test_a_change_by_the_other_figure_says_so() -> None:
    runs = [{"name": name, "ttft": {"unit": "ms", "mean": mean}} for name, mean in (("old", "150.0"), ("new", "100.0"))]
    change = {"kind": "change", "of": "ttft mean", "value": "50 % lower", "run": "new", "baseline": "old"}
    (words,) = complaints(audit_claims({"runs": runs, "derived": [change]}))
    assert "150 ms / 100 ms - 1 = 0.5 is the other's change" in words


@pytest.mark.parametrize("value", ["35 %", "35 % faster", "lower", "0,5 % lower"])
def test_a_change_needs_a_share_and_a_word(value: str) -> None:
    runs = [{"name": name, "samples_per_s": "3.0"} for name in ("a", "b")]
    change = {"kind": "change", "of": "samples_per_s", "value": value, "run": "a", "baseline": "b"}
    with pytest.raises(UserError, match="value: "):
        audit_claims({"runs": runs, "derived": [change]})


def test_energy_cost_goodput_and_dates_that_hold() -> None:
    run = {
        "name": "a",
        "samples": "200",
        "duration": "31.2 s",
        "samples_per_s": "6.41",
        "tokens_per_s": "812.4",
        "output_tokens": "25347",
        "goodput": "6.02",
        "power": "0.33 kW",
        "energy": "2.86 Wh",
        "energy_per_token": "406 mJ",
        "tokens_per_joule": "2.46",
        "price_per_hour": "€1.20",
        "price_per_million_tokens": "0.41 EUR",
        "started": "2026-02-28 23:59:50",
        "ended": "2026-03-01T00:00:25",
    }
    assert complaints(audit_claims({"runs": [run]})) == []


@pytest.mark.parametrize("value", ["yesterday", "31.01.2026", "2026-1-5", "14:05"])
def test_dates_are_written_one_way(value: str) -> None:
    with pytest.raises(UserError, match="started: give a date such as 2026-01-31"):
        audit_claims({"runs": [{"name": "a", "samples": "3", "started": value}]})


def test_mfu_is_held_to_what_the_figures_allow() -> None:
    run = {"name": "a", "samples_per_s": "6.35", "mean_input_tokens": "778", "mean_output_tokens": "126.0"}
    claims: dict[str, Any] = {"system": A30, "model": MODEL, "runs": [run]}
    for mfu, holds in (("27 %", True), ("24 %", True), ("29.5 %", True), ("40 %", False), ("18 %", False)):
        run["mfu"] = mfu
        assert (complaints(audit_claims(claims)) == []) is holds


@pytest.mark.parametrize(("replicas", "known"), [(None, False), ("2", True)])
def test_mbu_is_a_replicas_or_unknown(replicas: str | None, known: bool) -> None:
    run = {"name": "a", "samples_per_s": "6.35", "mean_output_tokens": "126.0", "latency": {"unit": "s", "mean": "5.0"}}
    run |= {"mean_input_tokens": "778", "samples": "2000", "scenario": "Server"}
    engine = {"replicas": replicas} if replicas else {"name": "vllm"}
    (row,) = audit_claims({"system": A30, "model": MODEL, "engine": engine, "runs": [run]}).rows
    assert (row.mbu is not None) is known
    if known:
        whole = audit_claims({"system": A30, "model": MODEL, "engine": {"replicas": "1"}, "runs": [run]}).rows[0]
        assert whole.mbu is not None
        assert row.mbu is not None
        assert 1.5 < row.mbu / whole.mbu <= 2  # each of two reads all the weights
