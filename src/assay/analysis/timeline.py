"""What happened when: output tokens a second and samples in flight over the run, in total and by endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.analysis.rates import ramps
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Floats

BINS = 200


@dataclass(frozen=True, eq=False)
class Timeline:
    """Series over equal bins. `edges_s` has one element more than the others, seconds since the first start.

    `tokens_per_s` and `in_flight` are by endpoint, shape (endpoints, bins).
    """

    endpoints: tuple[str, ...]
    edges_s: Floats
    tokens_per_s: Floats
    in_flight: Floats

    @property
    def middles_s(self) -> Floats:
        return (self.edges_s[1:] + self.edges_s[:-1]) / 2

    @property
    def total_tokens_per_s(self) -> Floats:
        sums: Floats = self.tokens_per_s.sum(axis=0)
        return sums

    @property
    def total_in_flight(self) -> Floats:
        sums: Floats = self.in_flight.sum(axis=0)
        return sums


def timeline(samples: Samples, bins: int = BINS) -> Timeline:
    """The run in `bins` equal parts.

    A sample's tokens are spread evenly between its first and its last token: counting them all at its end would
    make waves of the length of an answer.
    """
    edges = np.linspace(samples.begin_ns, samples.end_ns, bins + 1)
    width_s = (samples.end_ns - samples.begin_ns) / bins / 1e9
    rates = [np.diff(tokens_by(own, edges)) / width_s for own in samples.of_endpoint]
    flights = [np.diff(_flight_ns(own, edges)) / 1e9 / width_s for own in samples.of_endpoint]
    return Timeline(samples.endpoints, (edges - samples.begin_ns) / 1e9, np.array(rates), np.array(flights))


def tokens_by(samples: Samples, times_ns: Floats) -> Floats:
    """Output tokens generated until each time."""
    timed = (samples.first_ns != MISSING) & (samples.output_tokens > 0)
    if not timed.any():
        return np.zeros(len(times_ns))
    first, last = samples.first_ns[timed].astype(float), samples.last_ns[timed].astype(float)
    tokens = samples.output_tokens[timed].astype(float)
    slopes = (tokens - 1) / np.maximum(last - first, 1.0)
    counts = np.searchsorted(np.sort(first), times_ns, "right").astype(float)  # each first token, at once
    return counts + ramps(first, slopes, times_ns) - ramps(last, slopes, times_ns)


def _flight_ns(samples: Samples, times_ns: Floats) -> Floats:
    """Integral of the number of samples in flight (sent to done) until each time."""
    sent = np.where(samples.sent_ns == MISSING, samples.done_ns, samples.sent_ns).astype(float)
    one = np.ones(len(samples))
    return ramps(sent, one, times_ns) - ramps(samples.done_ns.astype(float), one, times_ns)
