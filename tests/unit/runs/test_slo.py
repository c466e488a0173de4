"""Limits of a good answer, as people write them."""

from __future__ import annotations

import pytest

from assay.runs.slo import Slo, parse_duration_ns, parse_slo


@pytest.mark.parametrize(
    ("text", "ns"), [("500ms", 500_000_000), ("1.5s", 1_500_000_000), ("2 m", 120_000_000_000), ("80us", 80_000)]
)
def test_times_carry_their_unit(text: str, ns: int) -> None:
    assert parse_duration_ns(text) == ns


@pytest.mark.parametrize("text", ["500", "0,5s", "-1s", "1e3ms", "s", "1 hour"])
def test_what_is_no_time_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ValueError, match="such as 500ms"):
        parse_duration_ns(text)


def test_limits_are_read_from_text_and_from_a_configuration_alike() -> None:
    slo = parse_slo("ttft=500ms, tpot=50ms")
    assert slo == Slo.model_validate({"ttft": "500ms", "tpot": "50ms"})
    assert slo == Slo.model_validate(slo.model_dump(mode="json"))
    assert slo.title == "TTFT ≤ 500 ms, TPOT ≤ 50 ms"
    assert slo.limits == {"ttft": 500_000_000, "tpot": 50_000_000}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "ttft=500ms"),
        ("ttft", "ttft=500ms"),
        ("itl=5ms", "no limit"),
        ("ttft=0ms", "^ttft=0ms: no answer keeps a limit of 0; write more$"),
        ("ttft=1s, ttft=2s", "^ttft is there twice: give each limit once$"),
    ],
)
def test_other_limits_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_slo(text)


def test_no_limit_is_no_goodput() -> None:
    with pytest.raises(ValueError, match="at least one limit"):
        Slo()
