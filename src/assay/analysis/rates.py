"""Throughput with an interval.

A rate is what was completed over the time it took. Its error comes from the progress of the samples in flight: each
sample's weight is spread evenly over its time in progress (`Samples.working_ns`), and the noise of that series over
time, in blocks, is the noise of the rate. Counting completions instead would add the chance of where in its course each
sample was, which a run of many samples in flight averages out.

A load that was bounded by time is rated over that time (`Samples.until_ns`): what was done within it, over it. Of a
sample that was still in flight at the end, the part counts that its time in progress until then is of all of it.
Without these parts a rate would miss half of what is in flight, on average: much, in a load that lasts a few answers.
Waiting in the server's queue is no progress: 48 requests that waited beside 16 that ran made a rate, counted from their
sending, that the server can't reach.

The client's own part in the time (from LoadGen's issue to the first request on the wire, and how late it may notice
the last token) is the same in every repeat: `Estimate.shared`.
"""

from __future__ import annotations

import math

import numpy as np

from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Estimate, Floats, ratio_of_sums
from assay.runs.record import ClientAudit

_FEWEST_BINS = 64
_MOST_BINS = 2048


def timing_error_ns(samples: Samples, client: ClientAudit) -> float:
    """The most that the time of a run is the client's own, as far as the client measured itself."""
    sent = samples.sent_ns[samples.sent_ns != MISSING]
    first_ns = max(0, int(sent.min()) - samples.begin_ns) if len(sent) else 0
    late_ns = max([0, *client.loop_lag_p99_ns.values()])
    return first_ns + max(late_ns, (client.calibration or {}).get("ttft_error_p99_ns", 0.0))


def throughput(
    samples: Samples, begin_ns: int, weights: Floats | None = None, timing_error_ns: float = 0.0
) -> Estimate:
    """Samples (or their weights) a second, from `begin_ns` to the end of the last of `samples`, or of the load's time.

    `timing_error_ns` is a bound, so its standard error is a √3rd of it (GUM, JCGM 100:2008, 4.3.7).
    """
    count = len(samples)
    if count == 0:
        return Estimate(math.nan, None)
    amounts = np.ones(count) if weights is None else weights
    end_ns = samples.end_ns if samples.until_ns is None else samples.until_ns
    seconds = (end_ns - begin_ns) / 1e9
    value = float(amounts @ samples.share_in_time / seconds) if seconds > 0 else math.nan
    if count < 10 or not value > 0:
        return Estimate(value, None, n=count)
    edges = bin_edges(samples, begin_ns, end_ns)
    noise = ratio_of_sums(progress(samples, amounts, edges), np.diff(edges) / 1e9)
    shared = value * timing_error_ns / 1e9 / seconds / math.sqrt(3)
    return Estimate(value, noise.se, noise.df, count, shared)


def full_rate(samples: Samples, begin_ns: int, until_ns: int) -> Estimate:
    """Samples a second between two times, by their progress: parts of a sample count."""
    edges = bin_edges(samples, begin_ns, until_ns)
    noise = ratio_of_sums(progress(samples, np.ones(len(samples)), edges), np.diff(edges) / 1e9)
    return Estimate(noise.value, noise.se, noise.df, len(samples))


def sample_rate(samples: Samples, begin_ns: int | None = None, timing_error_ns: float = 0.0) -> Estimate:
    """Completed samples a second, from `begin_ns` (the first start, if None) to the last end."""
    begin_ns = samples.begin_ns if begin_ns is None else begin_ns
    return throughput(samples, begin_ns, timing_error_ns=timing_error_ns)


def token_rate(samples: Samples, begin_ns: int | None = None, timing_error_ns: float = 0.0) -> Estimate:
    """Output tokens of completed samples a second, over the same time; not a number where they aren't known."""
    if not samples.counted:
        return Estimate(math.nan, None)
    tokens = samples.output_tokens.astype(np.float64)
    return throughput(samples, samples.begin_ns if begin_ns is None else begin_ns, tokens, timing_error_ns)


def bin_edges(samples: Samples, begin_ns: int, end_ns: int, least_ns: float = 0.0) -> Floats:
    """The ends of equal parts of the time, ns: as many as the noise of a rate is to be judged by.

    `least_ns`: they are to be no shorter.
    """
    bins = min(max(len(samples), _FEWEST_BINS), _MOST_BINS)
    if least_ns > 0:
        bins = max(1, min(bins, int((end_ns - begin_ns) / least_ns)))
    return np.linspace(begin_ns, end_ns, bins + 1)


def progress(samples: Samples, amounts: Floats, edges_ns: Floats) -> Floats:
    """How much was done between neighbouring edges; parts of a sample count."""
    begun = samples.working_ns.astype(float)
    done = np.maximum(samples.done_ns.astype(float), begun + 1.0)
    slopes = amounts / (done - begun)
    done_until: Floats = ramps(begun, slopes, edges_ns) - ramps(done, slopes, edges_ns)
    return np.diff(done_until)


def ramps(starts: Floats, slopes: Floats, times: Floats) -> Floats:
    """At each time t, the sum of slope x (t - start) over the starts before it."""
    if len(starts) == 0:
        return np.zeros(len(times))
    origin = starts.min()
    order = np.argsort(starts)
    at, weights = starts[order] - origin, slopes[order]
    sum_slopes = np.concatenate([[0.0], np.cumsum(weights)])
    sum_products = np.concatenate([[0.0], np.cumsum(weights * at)])
    place = np.searchsorted(at, times - origin, "right")
    values: Floats = sum_slopes[place] * (times - origin) - sum_products[place]
    return values
