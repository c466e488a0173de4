"""Which data set a run is a part of, and how long that takes to arrive at a given rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.statistics import CONFIDENCE
from assay.benchmarks import Benchmark
from assay.runs.record import RunRecord

CONFIGURED = "project_samples in the configuration"


@dataclass(frozen=True)
class WholeSet:
    """All samples that a reader may ask about, and whose they are, in words."""

    samples: int
    title: str


class Arrival(BaseModel):
    """How long a data set takes to arrive at a rate that was carried; the last answers come after that."""

    model_config = ConfigDict(extra="forbid")

    load: str
    of: str = Field(description="whose samples")
    samples: int
    rate: float = Field(description="arrivals a second")
    seconds: float
    seconds_low: float | None = Field(description="null: they come evenly spaced")
    seconds_high: float | None
    measured: int = Field(description="different samples that the load had")


def whole_set(record: RunRecord, benchmark: Benchmark, asked: int | None = None) -> WholeSet | None:
    """The data set of a run; None where its prompts were made up, and so are part of none.

    `asked`: how many samples the user wants to know of.
    """
    if asked is not None:
        return WholeSet(asked, CONFIGURED)
    if record.dataset_generated and not benchmark.dataset.bundled:
        return None
    if (count := benchmark.dataset.total_sample_count) is not None:
        return WholeSet(count, benchmark.dataset.title)
    return WholeSet(record.dataset_samples, record.dataset_name)


def arrival(load: str, whole: WholeSet, rate: float, measured: int, evenness: float = 1.0) -> Arrival:
    """How long `whole` takes to arrive at `rate` a second.

    Args:
        load: its name.
        whole: the data set.
        rate: arrivals a second in the mean.
        measured: how many different samples the rate was carried with.
        evenness: the shape of the gaps' gamma distribution: 1 is Poisson, infinite evenly spaced. The sum of n gaps is
            gamma-distributed too, of n times the shape.
    """
    from scipy.special import gammaincinv  # scipy.stats would do, and takes a second to import

    low = high = None
    if math.isfinite(evenness):
        shape = whole.samples * evenness
        low, high = (
            float(gammaincinv(shape, tail)) / (evenness * rate) for tail in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
        )
    return Arrival(
        load=load,
        of=whole.title,
        samples=whole.samples,
        rate=rate,
        seconds=whole.samples / rate,
        seconds_low=low,
        seconds_high=high,
        measured=measured,
    )
