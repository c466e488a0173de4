"""When faults begin and end, and whom they hit."""

from __future__ import annotations

from assay.simulator import Fault
from assay.simulator.faults import FaultPlan

S = 1_000_000_000
START = 5 * S


def plan(*faults: str) -> FaultPlan:
    return FaultPlan(tuple(Fault.parse(fault) for fault in faults), 0, START)


def kinds_at(faults: FaultPlan, seconds: float) -> str | None:
    fault = faults.for_request(START + round(seconds * S))
    return fault.kind if fault else None


def test_by_time() -> None:
    faults = plan("reset,at=2,for=3")
    assert [kinds_at(faults, t) for t in (0, 1.9, 2, 4.9, 5, 9)] == [None, None, "reset", "reset", None, None]


def test_by_number_of_requests() -> None:
    faults = plan("error_500,after=2,for=1", "die,after=3")
    begun = []
    seen = []
    for number in range(5):
        at = 10 + number * 0.4
        begun.append([fault.kind for fault in faults.arriving(START + round(at * S))])
        seen.append(kinds_at(faults, at))
    assert seen == [None, None, "error_500", "error_500", "error_500"]
    assert begun == [[], [], [], ["die"], []]
    assert kinds_at(faults, 11.9) is None  # it lasts a second from the third request, at 10.8


def test_slowness_multiplies_while_it_lasts() -> None:
    faults = plan("slow,at=1,for=2,factor=3", "cold_start,for=2,factor=5")
    assert [faults.slowness(START + t * S) for t in (0, 1, 2, 3)] == [5, 15, 3, 1]


def test_share() -> None:
    faults = plan("reset,p=0.2")
    hit = sum(kinds_at(faults, 1) == "reset" for _ in range(5000))
    assert 900 < hit < 1100


def test_end() -> None:
    faults = plan("hang,at=1,for=2", "hang")
    ending, endless = (Fault.parse(text) for text in ("hang,at=1,for=2", "hang"))
    assert faults.end_ns(ending) == START + 3 * S
    assert faults.end_ns(endless) is None


def test_corruption_hits_a_share_of_the_prompts_and_the_same_ones_each_time() -> None:
    faults, again = plan("corrupt,p=0.03"), plan("corrupt,p=0.03")
    hit = [place for place in range(10_000) if faults.corrupts(place, START)]
    assert 250 < len(hit) < 350
    assert hit == [place for place in reversed(range(10_000)) if again.corrupts(place, START + S)][::-1]
    assert kinds_at(faults, 0) is None  # the reply is a proper one
    assert not plan("corrupt,at=2").corrupts(1, START)
