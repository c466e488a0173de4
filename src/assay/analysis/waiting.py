"""Whether requests of a schedule waited at the client, because its window of requests in flight was full."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import nearest_rank
from assay.digits import number_text
from assay.runs.record import EndpointFacts, RunRecord
from assay.runs.scenarios import is_paced

_PERCENTILES = {"p50": 0.5, "p99": 0.99}
_MOST = 0.5
_LEAST_NS = 10_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Waiting:
    """At a percentile of TTFT, how much of it lies after sending; and the endpoint whose window was full."""

    percentile: str
    ttft_ns: int
    service_ttft_ns: int
    endpoint: str
    window: int

    @property
    def words(self) -> str:
        return (
            f"TTFT {self.percentile} is {_time(self.ttft_ns)}, {_time(self.service_ttft_ns)} from sending: the rest is "
            f"waiting at the client, whose window for {self.endpoint} ({self.window}) was full"
        )


def _time(value_ns: int) -> str:
    return f"{number_text(value_ns / 1e9, 3)} s" if value_ns >= _SECOND_NS else f"{number_text(value_ns / 1e6, 3)} ms"


def waiting(samples: Samples | None, record: RunRecord) -> Waiting | None:
    """None where requests follow no schedule, no window was full, or most of the time is the server's."""
    if samples is None or not is_paced(record.scenario) or record.mode != "performance":
        return None
    timed = samples.where((samples.first_ns != MISSING) & (samples.sent_ns != MISSING))
    full = _full_window(timed, record)
    if full is None:
        return None
    whole, service = np.sort(timed.ttft_ns), np.sort(timed.service_ttft_ns)
    for name, share in _PERCENTILES.items():
        ttft_ns, own_ns = nearest_rank(whole, share), nearest_rank(service, share)
        if ttft_ns - own_ns >= max(_LEAST_NS, _MOST * ttft_ns):
            return Waiting(name, ttft_ns, own_ns, *full)
    return None


def _full_window(samples: Samples, record: RunRecord) -> tuple[str, int] | None:
    """The first endpoint that had as many requests in flight as its window lets through, and how many that is.

    A window as large as what its server works on at once holds nothing back: the server would let the next one wait.
    """
    windows = {endpoint.name: endpoint.window for endpoint in record.endpoints if not _holds_all(endpoint)}
    for name, own in zip(samples.endpoints, samples.of_endpoint, strict=True):
        window = windows.get(name)
        if window is not None and len(own) and _most_in_flight(own) >= window:
            return name, window
    return None


def _holds_all(endpoint: EndpointFacts) -> bool:
    """Whether the window lets through all that the server works on at once, where its settings tell how many."""
    places = endpoint.settings.get("max_num_seqs")
    if endpoint.window is None or not isinstance(places, int):
        return False
    return endpoint.window >= places * int(endpoint.settings.get("data_parallel") or 1)


def _most_in_flight(samples: Samples) -> int:
    times = np.concatenate([samples.sent_ns, samples.done_ns])
    steps = np.concatenate([np.ones(len(samples), dtype=np.int64), -np.ones(len(samples), dtype=np.int64)])
    order = np.lexsort((steps, times))  # one that ends makes room for one that is sent at the same time
    return int(np.cumsum(steps[order]).max())
