"""What the terminal shows of a run, where no live line can be."""

from __future__ import annotations

import pytest

from assay.commands.terminal import Terminal
from assay.runs import RunEntry
from assay.runs.progress import Phase, PhaseEvent, WaitEvent, WarmupEvent, WarmupWave

SECOND = 1_000_000_000
ENTRY = RunEntry(key="offline-r0", scenario="Offline", mode="performance", nodes=["a"], repeat=0)


def phase(name: Phase, at_s: float) -> PhaseEvent:
    return PhaseEvent(time_ns=round(at_s * SECOND), clock_offset_ns=0, phase=name)


def wave(number: int, places: int = 8, **steady: bool) -> WarmupEvent:
    endpoints = {name: WarmupWave(places=places, tokens_per_s=100.0, steady=value) for name, value in steady.items()}
    return WarmupEvent(time_ns=SECOND, clock_offset_ns=0, wave=number, endpoints=endpoints)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (wave(3, a=True), "warmed up in 12.5 s, 3 waves of 8 prompts, 100 tokens/s, steady"),
        (wave(1, a=False), "warmed up in 12.5 s, 1 wave of 8 prompts, 100 tokens/s, not steady"),
        (wave(2, 1, a=True), "2 waves of 1 prompt, 100 tokens/s, steady"),
        (wave(3, a=True, b=False), "3 waves of 16 prompts, 200 tokens/s, steady at 1 of 2 endpoints"),
    ],
)
def test_the_warm_up_is_said(capsys: pytest.CaptureFixture[str], last: WarmupEvent, words: str) -> None:
    terminal = Terminal()
    terminal.run_begins(ENTRY, 1, 1, 8)
    for event in (phase("warmup", 1.0), wave(1, a=False), last, phase("start", 13.5)):
        terminal.progress(event)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "[1/1] offline-r0: 8 samples"
    assert len(said) == 2
    assert said[1].startswith("[1/1] offline-r0: ")
    assert words in said[1]


def test_no_warm_up_is_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.run_begins(ENTRY, 1, 1, 8)
    terminal.progress(phase("warmup", 1.0))
    terminal.progress(phase("start", 1.1))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_wait_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.run_begins(ENTRY, 1, 1, 8)
    terminal.progress(
        WaitEvent(time_ns=SECOND, clock_offset_ns=0, phase="load", endpoint="gateway", wait_ns=60 * SECOND)
    )
    assert "offline-r0: gateway is busy (429, 503) and asks to be sent nothing for 60 s" in capsys.readouterr().err
