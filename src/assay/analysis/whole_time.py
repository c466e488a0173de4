"""How long the whole data set takes by what was measured, or why nothing says that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.analysis.campaign import CampaignAnalysis, Group, load_of
from assay.analysis.offered import offered
from assay.analysis.projection import WHOLE, Projection
from assay.analysis.rate_answer import RateAnswer
from assay.analysis.run import RunAnalysis, measures_speed
from assay.analysis.saturation import carried, carried_words, client_bound_mark, highest_carried, sweeps
from assay.analysis.whole_set import Arrival, WholeSet, arrival, whole_set
from assay.runs.ledger import Ledger
from assay.runs.record import RunRecord
from assay.runs.shapes import RampShape, RateShape

MADE_UP = "made-up prompts stand for none"
ACCURACY = "an accuracy run's time isn't a measured speed"
TOO_SHORT = "the runs are too short for it"
FEWER = "it has fewer samples than the run measured"
NOT_CARRIED = "no load is shown to be carried"
_OWN_TIMES = {
    "Trace": "a trace has times of its own",
    "Sessions": "conversations take their own time",
}
_RAMP = "a load that grows or falls has no one rate"


@dataclass(frozen=True)
class WholeTime:
    """One of these, or nothing of a run that has no result; `why` completes "isn't known: …".

    Beside an arrival it is why what was measured at full speed, too, doesn't say it.
    """

    projection: Projection | None = None
    arrival: Arrival | None = None
    why: str = ""


def whole_time_of_run(run: RunAnalysis) -> WholeTime:
    """From the run's own speed, or from the rate that it carried."""
    record, samples = run.record, run.samples
    if samples is None or not len(samples):
        return WholeTime()
    whole = whole_set(record, run.benchmark)
    if (why := _why_not(record, whole)) or whole is None:
        return WholeTime(why=why)
    if measures_speed(record):
        together = next((one for one in run.projections if one.name == WHOLE), None)
        return WholeTime(together, why="" if together else _why_not_projected(whole, [run.ledger]))
    rate, done, usual = _rate(record), run.result.figures.get("samples_per_s"), run.result.latency.get("latency_ns")
    came = offered(samples, record, run.ledger.issued if run.ledger else len(samples))
    if rate is None or done is None or usual is None or came is None:
        return WholeTime(why=NOT_CARRIED)
    if not carried(done.value, came.per_s, usual.p50 / 1e9, came.seconds):
        return WholeTime(why=NOT_CARRIED)
    return WholeTime(arrival=arrival(_load(record), whole, rate, _measured([record]), _evenness(record)))


def whole_time_of_campaign(analysis: CampaignAnalysis) -> WholeTime:
    """Where it takes least, of what was measured at full speed; else at the highest rate that was carried."""
    if not analysis.groups:
        scored = any(line.result.accuracy is not None for line in analysis.lines)
        return WholeTime(why=ACCURACY) if scored else WholeTime()
    if analysis.projections:
        return WholeTime(min(analysis.projections, key=lambda projection: projection.seconds))
    record = analysis.groups[0].first.record
    whole = whole_set(record, analysis.benchmark, analysis.state.project_samples)
    if (why := _why_not(record, whole)) or whole is None:
        return WholeTime(why=why)
    if analysis.rate is not None:
        return _of_search(analysis.rate, whole, _measured([line.record for line in analysis.lines]))
    given = [group for group in analysis.groups if not measures_speed(group.first.record)]
    free = [group for group in analysis.groups if measures_speed(group.first.record)]
    found = max(_carried(given, whole), key=lambda one: one.rate, default=None)
    full = _why_not_projected(whole, [line.ledger for group in free for line in group.lines])
    if found is None:
        return WholeTime(why=NOT_CARRIED if given else full)
    return WholeTime(arrival=found, why=full if free else "")


def _of_search(answer: RateAnswer, whole: WholeSet, measured: int) -> WholeTime:
    """At the rate that a search found; the doubt about it is more than that about the arrivals."""
    if answer.rate is None:
        return WholeTime(why="no highest rate within the limits was found")
    low, high = (None if rate is None else whole.samples / rate for rate in (answer.high, answer.low))
    at = arrival("the highest rate within the limits", whole, answer.rate, measured)
    return WholeTime(arrival=at.model_copy(update={"seconds_low": low, "seconds_high": high}))


def _carried(given: Sequence[Group], whole: WholeSet) -> Iterator[Arrival]:
    """The highest carried load of each row of loads whose rate was given, and of those that are in none."""
    rows = [points for points in sweeps(given) if points[0][0].axis == "rate"]
    swept = {group.key for points in rows for _, group in points}
    alone = [(load_of(group.first.entry), group) for group in given if group.key not in swept]
    rows += [[(load, group)] for load, group in alone if load is not None and load.axis == "rate"]
    for points in rows:
        if (place := highest_carried(points)) is not None:
            load, group = points[place]
            record = group.first.record
            name = _load(record) + client_bound_mark(group)
            if len(points) > 1:
                name += f", the highest of {len(points)} loads that {carried_words(group)}"
            measured = _measured([line.record for line in group.lines])
            yield arrival(name, whole, load.value, measured, _evenness(record))


def _measured(records: Sequence[RunRecord]) -> int:
    """Different samples that one of the runs had at most."""
    return max(min(record.samples, record.issued) for record in records)


def _why_not(record: RunRecord, whole: WholeSet | None) -> str:
    """What rules a time out, whatever was measured."""
    if record.mode == "accuracy":
        return ACCURACY
    if whole is None:
        return MADE_UP
    return _RAMP if isinstance(record.shape, RampShape) else _OWN_TIMES.get(record.scenario, "")


def _why_not_projected(whole: WholeSet, measured: Sequence[Ledger | None]) -> str:
    """Why runs at full speed don't say how long the whole set takes."""
    return FEWER if any(one is not None and one.completed > whole.samples for one in measured) else TOO_SHORT


def _rate(record: RunRecord) -> float | None:
    """Arrivals a second that were asked for."""
    return record.shape.rate if isinstance(record.shape, RateShape) else record.target_qps


def _load(record: RunRecord) -> str:
    return record.shape.title if record.shape is not None else f"{record.target_qps:,g} samples/s asked for"


def _evenness(record: RunRecord) -> float:
    """The shape of the gaps' gamma distribution; LoadGen's arrivals are Poisson."""
    shape = record.shape
    if not isinstance(shape, RateShape):
        return 1.0
    return {"constant": math.inf, "poisson": 1.0, "gamma": shape.burstiness}[shape.arrivals]
