"""Limits on a share of requests, as people write them."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from assay.runs.slo import Slo
from assay.runs.tail_limits import TailLimit, WrittenTailLimit, p99, parse_tail_limit, parse_tail_limits

TTFT = TailLimit(keeps=Slo(ttft="2s"), share=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "title", "share"),
    [
        ("p99(ttft) < 2 s", "p99 TTFT ≤ 2,000 ms", 0.01),
        ("p99.9( latency )<=500ms", "p99.9 latency ≤ 500 ms", 0.001),
        ("P95(TPOT) < 50ms", "p95 TPOT ≤ 50 ms", 0.05),
        ("good(ttft=500ms, tpot=50ms) > 95 %", "95 % good (TTFT ≤ 500 ms, TPOT ≤ 50 ms)", 0.05),
    ],
)
def test_a_limit_is_read_and_written_alike(text: str, title: str, share: float) -> None:
    limit = parse_tail_limit(text)
    assert (limit.title, limit.share) == (title, share)
    assert parse_tail_limit(limit.written) == limit


def test_commas_in_brackets_part_no_limits() -> None:
    both = parse_tail_limits("good(ttft=1s,tpot=1s) > 90%, p99(ttft) < 2 s")
    assert [limit.name for limit in both] == ["good answers", "TTFT"]
    assert both[1] == TTFT == p99({"ttft": 2_000_000_000})[0]


@pytest.mark.parametrize("text", ["ttft < 2s", "p99(itl) < 2s", "p99(ttft) > 2s", "p100(ttft) < 2s", "p0(ttft) < 2s"])
def test_what_is_no_limit_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ValueError, match=r"p99|between 0 and 100"):
        parse_tail_limit(text)


def test_a_configuration_holds_text_or_fields() -> None:
    adapter: TypeAdapter[TailLimit] = TypeAdapter(WrittenTailLimit)
    assert adapter.validate_python("p99(ttft) < 2s") == TTFT == adapter.validate_python(TTFT.model_dump(mode="json"))
