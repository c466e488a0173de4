"""What the terminal shows of a run, where no live line can be."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.results import figure, offline_result

from assay.commands.live import LiveView, moves
from assay.commands.terminal import Terminal
from assay.errors import UserError
from assay.runs import CampaignFolder, RunEntry, RunStatus
from assay.runs.progress import (
    EndpointProgress,
    Phase,
    PhaseEvent,
    ProgressEvent,
    WaitEvent,
    WarmupEvent,
    WarmupWave,
)
from assay.runs.result import AccuracyResult, LoadgenVerdict, Score
from assay.runs.sketch import Sketch
from assay.watch import Follower

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
    terminal.run_begins("Offline, run 1 of 2", 1, 1, 8)
    for event in (phase("warmup", 1.0), wave(1, a=False), last, phase("start", 13.5)):
        terminal.progress(event)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "[1/1] Offline, run 1 of 2: 8 samples"
    assert len(said) == 2
    assert said[1].startswith("[1/1] Offline, run 1 of 2: ")
    assert words in said[1]


def test_no_warm_up_is_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.run_begins("Offline, run 1 of 2", 1, 1, 8)
    terminal.progress(phase("warmup", 1.0))
    terminal.progress(phase("start", 1.1))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_wait_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.run_begins("Offline, run 1 of 2", 1, 1, 8)
    terminal.progress(
        WaitEvent(time_ns=SECOND, clock_offset_ns=0, phase="load", endpoint="gateway", wait_ns=60 * SECOND)
    )
    assert (
        "Offline, run 1 of 2: gateway is busy (429, 503) and asks to be sent nothing for 60 s"
        in capsys.readouterr().err
    )


def test_on_a_terminal_lines_end_between_words_and_paths_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = f"campaign folder /{'long/' * 20} of 1,234,567,890 tokens/s {'and more ' * 8}at 123,456,789 a second"
    Terminal().say(words)
    assert capsys.readouterr().err == f"{words}\n"
    monkeypatch.setattr("assay.commands.terminal.moves", lambda console: True)
    monkeypatch.setenv("COLUMNS", "80")
    Terminal().say(words)
    said = capsys.readouterr().err
    assert said.split() == words.split()
    assert [line for line in said.splitlines() if len(line) > 80] == [f"  /{'long/' * 20}"]


def test_what_takes_its_time_is_said_where_nothing_can_be_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.doing("starting simulated on node-a")
    terminal.doing("report of Offline")
    terminal.close()
    assert capsys.readouterr().err.splitlines() == ["starting simulated on node-a", "report of Offline"]


@pytest.mark.parametrize("error", [UserError("campaign.json: damaged"), ZeroDivisionError("division by zero")])
def test_a_view_that_fails_says_so_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(follower: Follower) -> None:
        raise error

    monkeypatch.setattr(Follower, "poll", fail)
    shown = io.StringIO()
    view = LiveView(Console(file=shown, force_terminal=True, width=80, height=24))
    view.show(CampaignFolder(tmp_path))
    view.stop()
    assert str(error) in shown.getvalue()


def test_what_is_being_done_is_one_line_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("assay.commands.live.time.monotonic", lambda: now_s)
    view = LiveView(Console(file=io.StringIO(), force_terminal=True, width=60, height=24))
    view.doing(f"report of {'a-very-long-name-' * 5}\x1b[2J")
    first = view.drawn()
    now_s = 100.5 + 3600
    later = view.drawn()
    view.stop()
    assert max(len(first.plain), len(later.plain)) <= 60
    assert "\x1b" not in first.plain
    assert first.plain[0] != later.plain[0]
    assert later.plain.endswith("1:00:00")


def test_forced_colours_make_no_terminal_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of CI would fill with screens."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    console = Console(stderr=True)
    assert console.is_terminal
    assert not moves(console)


def test_out_of_service_is_said_as_long_as_it_is_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    terminal.run_begins("Offline, run 1 of 2", 1, 1, 100)
    out = {f"e{number}": EndpointProgress(out=number < 8) for number in range(100)}
    for at, endpoints in ((1, out), (2, {}), (3, {"e0": EndpointProgress()})):
        event = ProgressEvent(
            time_ns=at * SECOND, clock_offset_ns=0, phase="load", elapsed_ns=at * SECOND, issued=100, completed=at,
            failed=0, in_flight=0, queued=0, input_tokens=0, output_tokens=0, endpoints=endpoints,
            expected=100, ttft=Sketch(), tpot=Sketch(), latency=Sketch(), left=None,
        )  # fmt: skip
        monkeypatch.setattr("assay.commands.terminal._PLAIN_EVERY_S", 0)
        terminal.progress(event)
        words = capsys.readouterr().err
        if at < 3:
            assert "e0 is out, e1 is out, e2 is out, e3 is out, e4 is out, 3 more are out" in words
        else:
            assert "out" not in words


@pytest.mark.parametrize(("number", "told"), [(1, "every endpoint failed: a: gone\n"), (2, "")])
def test_why_a_run_failed_is_told_at_once_where_others_follow(
    capsys: pytest.CaptureFixture[str], number: int, told: str
) -> None:
    """The end of the campaign tells it too, with the ends of logs, and of the last run that follows at once."""
    terminal = Terminal()
    terminal.run_begins("Offline", number, 2, 8)
    capsys.readouterr()
    failed = {"status": RunStatus.FAILED, "reason": "every endpoint failed: a: gone\nlast lines"}
    terminal.run_ends(ENTRY.model_copy(update=failed), None)
    assert capsys.readouterr().err == f"[{number}/2] Offline: failed\n{told}"


def ended(capsys: pytest.CaptureFixture[str], **changes: object) -> str:
    """What is said of a short run that completed."""
    rate = figure(12345.678)
    result = offline_result("r", {"samples_per_s": rate, "output_tokens_per_s": rate}).model_copy(update=changes)
    terminal = Terminal()
    terminal.run_begins("Offline", 1, 1, 8)
    capsys.readouterr()
    terminal.run_ends(ENTRY, result)
    return capsys.readouterr().err.removeprefix("[1/1] Offline: completed; ").rstrip("\n")


def test_rates_of_an_accuracy_run_are_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    score = Score(value=12.34567, unit="mean F-measure x 100", possible=(0, 100))
    accuracy = AccuracyResult(scorer="s", scores={"rouge1": score}, samples=8, gate="pass")
    assert ended(capsys, mode="accuracy", accuracy=accuracy) == "rouge1 12.35 of 100, quality pass"


def test_loadgens_word_on_a_short_run_says_by_which_settings(capsys: pytest.CaptureFixture[str]) -> None:
    rates = "12,346 u; 12,346 u; TTFT p50 10 ms, p99 10 ms"
    assert ended(capsys) == rates
    valid = LoadgenVerdict(result="VALID")
    words = "LoadGen: VALID by the short run's own settings, which aren't MLPerf's"
    assert ended(capsys, loadgen=valid) == f"{rates}; {words}"
    assert ended(capsys, loadgen=valid, official=True) == f"{rates}; LoadGen: VALID"
    invalid = LoadgenVerdict(result="INVALID", reasons=["Min duration satisfied: no"])
    assert ended(capsys, loadgen=invalid) == f"{rates}; LoadGen: INVALID: shorter than its least duration"


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_campaign_goes_on_where_standard_error_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", full := FullDisk())
    terminal = Terminal()
    terminal.run_begins("Offline", 1, 1, 8)
    terminal.run_ends(ENTRY, None)
    assert "Offline" in full.getvalue()
