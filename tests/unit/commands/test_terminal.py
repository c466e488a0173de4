"""What the terminal shows of a run, where no live line can be."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from assay.commands.terminal import Terminal
from assay.runs import RunEntry
from assay.runs.progress import (
    EndpointProgress,
    Phase,
    PhaseEvent,
    ProgressEvent,
    WaitEvent,
    WarmupEvent,
    WarmupWave,
)
from assay.runs.sketch import Sketch

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


def test_at_80_columns_nothing_of_a_long_run_is_cut_or_broken() -> None:
    terminal = Terminal()
    terminal.run_begins(ENTRY.model_copy(update={"key": "offline-performance-node-a+node-b-r0"}), 12, 14, 13_368)
    told = {"completed": 6170, "failed": 6, "in_flight": 64}
    endpoints = {f"node-{letter}": EndpointProgress(**told, out=letter == "b") for letter in "ab"}
    event = ProgressEvent(
        time_ns=SECOND, clock_offset_ns=0, phase="load", elapsed_ns=3600 * SECOND, issued=13_368, completed=12_345,
        failed=12, in_flight=128, queued=0, input_tokens=0, output_tokens=1_234_567_890, endpoints=endpoints,
        expected=13_368, ttft=Sketch(), tpot=Sketch(), latency=Sketch(), left=None,
    )  # fmt: skip
    terminal.progress(event)
    console = Console(width=80, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(terminal.view())
    lines = captured.get().splitlines()
    assert "[12/14] offline-performance-node-a+node-b-r0" in lines[0]
    assert re.fullmatch(r"[━╸╺ ]{24} 12,345/13,368 samples 0:00:0\d *", lines[1])
    assert "3.43 samples/s, 342936 tokens/s, 12 failed, node-b is out" in lines[2]


def test_endpoints_that_are_out_stay_said_while_events_tell_of_none() -> None:
    terminal = Terminal()
    terminal.run_begins(ENTRY, 1, 1, 100)
    out = {f"e{number}": EndpointProgress(out=number < 8) for number in range(100)}
    for at, endpoints in ((1, out), (2, {}), (3, {"e0": EndpointProgress()})):
        event = ProgressEvent(
            time_ns=at * SECOND, clock_offset_ns=0, phase="load", elapsed_ns=at * SECOND, issued=100, completed=at,
            failed=0, in_flight=0, queued=0, input_tokens=0, output_tokens=0, endpoints=endpoints,
            expected=100, ttft=Sketch(), tpot=Sketch(), latency=Sketch(), left=None,
        )  # fmt: skip
        terminal.progress(event)
        words = terminal._words
        if at < 3:
            assert "e0 is out, e1 is out, e2 is out, e3 is out, e4 is out, 3 more are out" in words
        else:
            assert "out" not in words
