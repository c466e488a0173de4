"""What a campaign shows while it runs: a live view on a terminal, plain lines elsewhere, nothing on standard output."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from rich.console import Console

from assay.analysis.advice import invalid_words
from assay.analysis.verdict import LOADGEN, SHORT_VALID
from assay.commands.live import LiveView, moves
from assay.digits import number_text
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry
from assay.runs.progress import AnyEvent, PhaseEvent, ProgressEvent, WaitEvent, WarmupEvent
from assay.serving.words import harmless
from assay.wrapping import between_words

_PLAIN_EVERY_S = 10.0
_NAMED = 5  # endpoints
_SCORES = 1


class Terminal:
    """A `Listener` that writes to standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.folder: CampaignFolder | None = None
        """The campaign's, once there is one."""
        self.underway = False
        """Whether servers may be up and a run in progress."""
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._view = LiveView(self._console) if moves(self._console) else None
        self._label = ""
        self._is_last = False
        self._total = 0
        self._out: list[str] = []
        self._doing: tuple[str, float] | None = None
        self._said_at = 0.0
        self._warming_ns = 0
        self._wave: WarmupEvent | None = None

    def say(self, text: str) -> None:
        """Lines as they are where a program may read them; on a terminal they end between words.

        Where standard error takes no more, a file on a full disk, the campaign goes on without a word.
        """
        words = harmless(text)
        words = words if self._view is None else between_words(words, self._console.width)
        with suppress(OSError):
            self._console.print(words, markup=False, soft_wrap=True)

    @property
    def draws(self) -> bool:
        """Whether a part of the terminal is drawn again and again."""
        return self._view is not None

    def begins(self, folder: CampaignFolder) -> None:
        self.folder, self.underway = folder, True
        self.say(f"campaign folder {folder.path}")

    def doing(self, text: str) -> None:
        """A terminal shows it while it lasts, and says then how long that was."""
        self._done()
        if self._view is None:
            self.say(text)
            return
        self._doing = text, time.monotonic()
        self._view.doing(text)

    def _done(self) -> None:
        if self._doing is not None:
            (text, began_s), self._doing = self._doing, None
            self.say(f"{text}: {time.monotonic() - began_s:.1f} s")

    def close(self) -> None:
        """Nothing is drawn any more."""
        self._done()
        if self._view is not None:
            self._view.stop()

    def run_begins(self, title: str, number: int, total: int, samples: int) -> None:
        self._done()
        self._label = f"[{number}/{total}] {title}"
        self._is_last = number == total
        self._total, self._out = samples, []
        self._said_at = time.monotonic()
        if self._view is None or self.folder is None:
            self.say(f"{self._label}: {f'{samples:,} samples' if samples else 'as many samples as its time allows'}")
        else:
            self._view.show(self.folder)

    def progress(self, event: AnyEvent) -> None:
        match event:
            case PhaseEvent():
                self._phase(event)
            case WarmupEvent():
                self._wave = event
                self._say_at_times(f"warm-up, {_wave_words(event)}")
            case WaitEvent():
                self.say(
                    f"{self._label}: {event.endpoint} is busy (429, 503) and asks to be sent nothing for "
                    f"{event.wait_ns / 1e9:.0f} s"
                )
            case ProgressEvent():
                self._progress(event)

    def _phase(self, event: PhaseEvent) -> None:
        if event.phase == "warmup":
            self._warming_ns, self._wave = event.time_ns, None
        elif event.phase == "start" and self._wave is not None:
            took_s = (event.time_ns - self._warming_ns) / 1e9
            self.say(f"{self._label}: warmed up in {took_s:.1f} s, {_wave_words(self._wave)}")

    def _progress(self, event: ProgressEvent) -> None:
        self._total = max(self._total, event.issued)
        self._say_at_times(f"{event.completed:,}/{self._total:,} samples, {self._rates(event)}")

    def _say_at_times(self, words: str) -> None:
        """Where nothing is drawn."""
        if self._view is None and time.monotonic() - self._said_at >= _PLAIN_EVERY_S:
            self._said_at = time.monotonic()
            self.say(f"{self._label}: {words}")

    def _rates(self, event: ProgressEvent) -> str:
        elapsed_s = max(1e-9, event.elapsed_ns / 1e9)
        rate = event.completed / elapsed_s
        unit = "chunks/s (the server counts no tokens)" if event.tokens_estimated else "tokens/s"
        parts = [f"{number_text(rate)} samples/s", f"{number_text(event.output_tokens / elapsed_s)} {unit}"]
        parts += [f"{event.failed:,} failed"] if event.failed else []
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
        if self._view is not None:
            self._view.stop()
        self.say(f"{self._label}: {_summary(entry, result)}")
        if entry.reason and not self._is_last:  # after the last run comes the end, which says why
            self.say(entry.reason.partition("\n")[0])  # and has the ends of logs

    def measured(self, state: CampaignState, results: Sequence[Result]) -> None:
        self.underway = False
        self.close()


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
        return str(entry.status or "interrupted")
    parts = [str(result.status)]
    if result.mode == "performance":
        parts += _speeds(result)
    if result.unanswered_words:
        parts.append(result.unanswered_words)
    parts += [f"ended {result.sure_words}"] if result.sure_words else []
    if result.accuracy:
        percent = {name: score for name, score in result.accuracy.scores.items() if score.in_percent}
        scores = [f"{name} {number_text(score.value)} {score.of_what}" for name, score in percent.items()]
        parts.append(f"{', '.join([*scores[:_SCORES], 'quality'])} {result.accuracy.gate}")
    return "; ".join([*parts, *_loadgens_word(result)])


def _speeds(result: Result) -> Iterator[str]:
    """Not of an accuracy run: its rates are no performance result."""
    rates = [result.figures.get(name) for name in ("samples_per_s", "output_tokens_per_s")]
    yield from (f"{number_text(rate.value)} {rate.unit}" for rate in rates if rate)
    if ttft := result.latency.get("ttft_ns"):
        yield f"TTFT p50 {number_text(ttft.p50 / 1e6)} ms, p99 {number_text(ttft.p99 / 1e6)} ms"


def _loadgens_word(result: Result) -> Iterator[str]:
    """What LoadGen says, and of a run that isn't official what it says it of."""
    said = result.loadgen.result
    if said == "INVALID" and (why := invalid_words(result.loadgen)):
        yield f"{LOADGEN}: INVALID: {why}"
    elif said is not None:
        yield f"{LOADGEN}: {SHORT_VALID if said == 'VALID' and not result.official else said}"
