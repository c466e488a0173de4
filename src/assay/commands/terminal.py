"""What a campaign shows while it runs: a live line on a terminal, plain lines elsewhere, nothing on standard output."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import timedelta

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from assay.analysis.verdict import LOADGEN
from assay.commands.outcome_text import figures_text
from assay.digits import number_text
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry
from assay.runs.progress import AnyEvent, PhaseEvent, ProgressEvent, WaitEvent, WarmupEvent
from assay.serving.words import harmless

_PLAIN_EVERY_S = 10.0
_NAMED = 5  # endpoints
_SCORES = 1
_BAR = 24  # columns


class Terminal:
    """A `Listener` that writes to standard error; `answers` writes a bench's table to standard output."""

    def __init__(self, *, quiet: bool = False, answers: bool = True) -> None:
        self.folder: CampaignFolder | None = None
        """The campaign's, once there is one."""
        self.underway = False
        """Whether servers may be up and a run in progress."""
        self.told = False
        """Whether the figures were printed."""
        self._answers = answers
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._label = self._words = ""
        self._total = self._completed = 0
        self._out: list[str] = []
        self._began_s = 0.0
        self._said_at = 0.0
        self._warming_ns = 0
        self._wave: WarmupEvent | None = None

    def say(self, text: str) -> None:
        self._console.print(harmless(text), markup=False)

    def begins(self, folder: CampaignFolder) -> None:
        self.folder, self.underway = folder, True
        self.say(f"campaign folder {folder.path}")

    def run_begins(self, entry: RunEntry, number: int, total: int, samples: int) -> None:
        self._label = f"[{number}/{total}] {entry.key}"
        self._total = samples
        self._completed, self._words, self._out = 0, "warm-up", []
        self._said_at = self._began_s = time.monotonic()
        if not self._console.is_terminal:
            self.say(f"{self._label}: {f'{samples} samples' if samples else 'as many samples as its time allows'}")
            return
        self._live = Live(get_renderable=self.view, console=self._console, transient=True, refresh_per_second=4)
        self._live.start()

    def view(self) -> RenderableType:
        """The run's name, how far it is, and its rates: a line each, so that none is squeezed at 80 columns."""
        counts = Table.grid(padding=(0, 1))
        counts.add_row(
            ProgressBar(total=self._total, completed=self._completed, width=_BAR),
            Text(f"{self._completed:,}/{self._total:,} samples"),
            Text(str(timedelta(seconds=int(time.monotonic() - self._began_s)))),
        )
        return Group(Text(self._label), counts, Text(self._words))

    def progress(self, event: AnyEvent) -> None:
        match event:
            case PhaseEvent():
                self._phase(event)
            case WarmupEvent():
                self._wave = event
                self._show_wave(f"warm-up, {_wave_words(event)}")
            case WaitEvent():
                self.say(
                    f"{self._label}: {event.endpoint} is busy (429, 503) and asks to be sent nothing for "
                    f"{event.wait_ns / 1e9:.0f} s"
                )
            case ProgressEvent():
                self._progress(event)

    def _show_wave(self, words: str) -> None:
        self._words = words
        if not self._live:
            self._say_at_times(words)

    def _phase(self, event: PhaseEvent) -> None:
        if event.phase == "warmup":
            self._warming_ns, self._wave = event.time_ns, None
        elif event.phase == "start" and self._wave is not None:
            took_s = (event.time_ns - self._warming_ns) / 1e9
            self.say(f"{self._label}: warmed up in {took_s:.1f} s, {_wave_words(self._wave)}")

    def _progress(self, event: ProgressEvent) -> None:
        self._total = max(self._total, event.issued)
        self._completed, self._words = event.completed, self._rates(event)
        if not self._live:
            self._say_at_times(f"{event.completed}/{self._total} samples, {self._words}")

    def _say_at_times(self, words: str) -> None:
        if time.monotonic() - self._said_at >= _PLAIN_EVERY_S:
            self._said_at = time.monotonic()
            self.say(f"{self._label}: {words}")

    def _rates(self, event: ProgressEvent) -> str:
        elapsed_s = max(1e-9, event.elapsed_ns / 1e9)
        rate = event.completed / elapsed_s
        unit = "chunks/s (the server counts no tokens)" if event.tokens_estimated else "tokens/s"
        parts = [f"{rate:.2f} samples/s", f"{event.output_tokens / elapsed_s:.0f} {unit}"]
        parts += [f"{event.failed} failed"] if event.failed else []
        if event.endpoints:  # of many endpoints only some events tell
            self._out = [name for name, endpoint in event.endpoints.items() if endpoint.out]
        parts += [f"{name} is out" for name in self._out[:_NAMED]]
        parts += [f"{more} more are out"] if (more := len(self._out) - _NAMED) > 0 else []
        if event.left is not None:
            parts.append(f"about {event.left.ns / 1e9:.0f} s left")
        elif rate > 0 and (left := self._total - event.completed) > 0:  # what is planned is the least there will be
            parts.append(f"at least {left / rate:.0f} s left")
        return ", ".join(parts)

    def run_ends(self, entry: RunEntry, result: Result | None) -> None:
        if self._live:
            self._live.stop()
            self._live = None
        self.say(f"{self._label}: {_summary(entry, result)}")

    def measured(self, state: CampaignState, results: Sequence[Result]) -> None:
        """A bench's figures come before the reports, which take their time."""
        self.underway = False
        if self._answers and results and all(entry.shape for entry in state.runs):
            self.told = True
            click.echo(harmless(f"\n{figures_text(state, results, width())}"), nl=False)


def width() -> int:
    """Columns of the terminal, or of what is written elsewhere."""
    return shutil.get_terminal_size((100, 24)).columns


def _wave_words(event: WarmupEvent) -> str:
    waves = event.endpoints.values()
    rate = sum(wave.tokens_per_s for wave in waves)
    steady = sum(wave.steady for wave in waves)
    of_all = "" if len(waves) == 1 else f" at {steady} of {len(waves)} endpoints"
    state = f"steady{of_all}" if steady else "not steady"
    prompts = sum(wave.places for wave in waves)
    size = f"{prompts} prompt{'' if prompts == 1 else 's'}"
    return f"{event.wave} wave{'' if event.wave == 1 else 's'} of {size}, {number_text(rate)} tokens/s, {state}"


def _summary(entry: RunEntry, result: Result | None) -> str:
    if result is None:
        return f"{entry.status or 'interrupted'}: {entry.reason}"
    parts = [str(result.status)]
    parts += [result.reason] if result.reason else []
    for name in ("samples_per_s", "output_tokens_per_s"):
        if figure := result.figures.get(name):
            parts.append(f"{number_text(figure.value)} {figure.unit}")
    if result.unanswered_words:
        parts.append(result.unanswered_words)
    if ttft := result.latency.get("ttft_ns"):
        parts.append(f"TTFT p50 {ttft.p50 / 1e6:.0f} ms, p99 {ttft.p99 / 1e6:.0f} ms")
    if result.accuracy:
        scores = [f"{name} {score.value:.2f}" for name, score in result.accuracy.scores.items() if score.in_percent]
        parts.append(f"{', '.join([*scores[:_SCORES], 'quality'])} {result.accuracy.gate}")
    if result.loadgen.result:
        own = (reason for reason in result.verdict.reasons if reason.startswith(f"{LOADGEN}: "))
        parts.append(next(own, f"{LOADGEN}: {result.loadgen.result}"))
    return "; ".join(parts)
