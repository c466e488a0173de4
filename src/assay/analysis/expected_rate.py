"""What an official Offline run will do a second, by a shorter run of the same work."""

from __future__ import annotations

from dataclasses import dataclass

from assay.analysis.advice import rounded_up
from assay.analysis.projection import course
from assay.analysis.rates import sample_rate
from assay.analysis.summary import run_samples
from assay.benchmarks.mlperf import MIN_DURATION_NS
from assay.runs import RunFolder, RunStatus, read_record


@dataclass(frozen=True)
class ExpectedRate:
    """Of one run that came to its end."""

    run: str
    rate: float
    """Samples/s, rounded up: LoadGen makes a count of samples from it, and fewer than come in the shortest duration
    aren't VALID. Too high a rate costs time alone."""
    steady: bool
    """Whether every place was taken for most of the run; else a longer run may be faster."""
    seconds: float
    """From its first sample to its last."""
    samples: int
    drawn_from: int
    """Samples of the data set."""

    @property
    def tells(self) -> bool:
        """Whether an official run won't be so much faster that it ends too soon: it has as many samples at least, so
        one that lasts as long as the rules ask, or has them all, says enough."""
        return self.steady or self.seconds >= MIN_DURATION_NS / 1e9 or self.samples >= self.drawn_from


def expected_rate(folder: RunFolder) -> ExpectedRate | None:
    """None where the run has no rate. Raises UserError where a file can't be read."""
    record = read_record(folder)
    samples = run_samples(folder, record)
    if record.status not in (RunStatus.COMPLETED, RunStatus.INVALID) or samples is None or not len(samples):
        return None
    whole, steady = sample_rate(samples), course(samples)
    rates = [whole.value] if steady is None else [whole.value, steady.rate.value, steady.rate.high or 0.0]
    if not max(rates) > 0:
        return None
    seconds = (samples.end_ns - samples.begin_ns) / 1e9
    return ExpectedRate(record.id, rounded_up(max(rates)), steady is not None, seconds, len(samples), record.samples)
