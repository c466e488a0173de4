"""A search's answer from its campaign's folder: its runs as the search takes them, and what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from assay.analysis.kept_limits import Floats, arrived_s, criterion_of, in_flight, of_limits
from assay.analysis.summary import run_samples
from assay.analysis.waiting import waiting
from assay.runs.campaign import CampaignFolder, CampaignState, RunEntry
from assay.runs.client_bound import ClientTimes, client_reasons
from assay.runs.ledger import Ledger
from assay.runs.rate_search import RateSearch
from assay.runs.reading import read_record, read_result
from assay.runs.record import RunRecord, RunStatus
from assay.runs.result import Result
from assay.runs.stored import read_model
from assay.runs.tail_limits import TailLimit
from assay.search import (
    Confirmation,
    Criterion,
    Probe,
    Role,
    Settings,
    Step,
    Verdict,
    came,
    confirmation,
    decide,
    outgrown,
    queue_grows,
)

_OF_CAPACITY = 0.7
"""Where the first probe is, of the rate with a fixed number in flight: most servers' limits lie a little above."""
_SAID: dict[bool, Verdict] = {True: "over", False: "under"}
_MOST_FAILED = 2
"""Runs in a row that came to no end: the next one wouldn't either."""


@dataclass(frozen=True, eq=False)
class ProbedRun:
    """One run of the search that is over."""

    entry: RunEntry
    record: RunRecord
    result: Result | None
    probe: Probe
    client_reasons: tuple[str, ...] = ()
    """What of the load generator's own could have decided how the limits were kept, in words."""
    outgrown: bool = False
    """More came than was done, which its queue shows once the server had filled."""

    @property
    def errors(self) -> int:
        """Requests without an answer."""
        return int(np.isinf(self.probe.of_limits).any(axis=1).sum())


@dataclass(frozen=True, eq=False)
class Searched:
    """How far a search is. `step` is None where it can't go on."""

    search: RateSearch
    start: RunEntry | None
    """The run with a fixed number in flight, from whose rate the search begins."""
    first_rate: float | None
    runs: list[ProbedRun]
    step: Step | None
    why_none: str = ""
    start_s: float = 0.0
    """How long that run took."""


def searched(folder: CampaignFolder, state: CampaignState) -> Searched:
    """What the campaign's runs make of its search; a function of their files. Raises UserError for a damaged one."""
    assert state.rate_search is not None
    return search_over(folder, state.rate_search, state.runs)


def search_over(folder: CampaignFolder, search: RateSearch, entries: Sequence[RunEntry]) -> Searched:
    """What these runs of the campaign make of a search. Raises UserError for a damaged one."""
    start = next((entry for entry in entries if entry.probe and entry.probe.role == "start"), None)
    first_rate = search.first_rate if start is None else _start_rate(folder, start)
    over = [entry for entry in entries if entry.ended and entry.probe and entry is not start and entry.run]
    runs = [probed(folder, entry, search) for entry in over]
    start_s = 0.0 if start is None or start.run is None else _took_s(read_record(folder.run(start.run)))
    step, why = None, ""
    if first_rate is None:
        why = "the run that the search begins with has no rate"
    elif any(entry.status is RunStatus.SKIPPED for entry in entries):
        why = "a run was skipped"
    elif len(over) >= _MOST_FAILED and not any(_went_to_its_end(entry) for entry in over[-_MOST_FAILED:]):
        why = f"{_MOST_FAILED} runs in a row came to no end"
    else:
        step = next_step(search, first_rate, [one.probe for one in runs], spent_s=start_s)
    return Searched(search, start, first_rate, runs, step, why, start_s)


def probed(folder: CampaignFolder, entry: RunEntry, search: RateSearch) -> ProbedRun:
    """A run that is over, as the search takes it. One that came to no end is over every limit."""
    assert entry.run is not None
    assert entry.probe is not None
    run = folder.run(entry.run)
    record, result = read_record(run), read_result(run)
    taken, verdict, reasons = np.zeros((0, len(search.limits))), _SAID[True], _client_reasons(record, search)
    others, arrived, role, waited = np.zeros(0), np.zeros(0), _role(entry), False
    if _went_to_its_end(entry):
        ledger, samples = read_model(run.ledger, Ledger), run_samples(run, record)
        issued = 0 if ledger is None else ledger.issued
        taken, arrived = of_limits(samples, issued, search.limits), arrived_s(samples, issued)
        others = in_flight(samples)
        verdict = "undecided" if record.sure is None else _SAID[record.sure.over]
        # The pacer keeps to a window only where the engine's configuration has one: it is the system's then.
        waited = record.driver == "loadgen" and waiting(samples, record) is not None
    confirmed = _confirmation(taken, others, result, search) if role == "confirm" else None
    probe = Probe(
        rate=rate_of(entry),
        role=role,
        seconds=_took_s(record),
        of_limits=taken,
        verdict=verdict,
        grew=queue_grows(others),
        held=None if confirmed is None else confirmed.held,
        enough=0 if confirmed is None else confirmed.enough,
        came=came(arrived),
        client_bound=waited or bool(reasons),
    )
    return ProbedRun(entry, record, result, probe, tuple(reasons), outgrown(others))


def _client_reasons(record: RunRecord, search: RateSearch) -> list[str]:
    """How the client could have decided how its limits were kept: the rule on it, with the tightest of the limits in
    the place of the medians, which its delays would otherwise be held against. The pacer's arrivals wait for no
    answer, so when it noticed one decides nothing."""
    audit = record.client
    if record.driver == "pacer":
        audit = audit.model_copy(update={"completion_hop_p99_ns": None})
    tightest_ns = tightest_limit_ns(search.limits)
    held = ClientTimes(tightest_ns, tightest_ns, lateness_p50_ns=None, lateness_p99_ns=None)
    return client_reasons(audit, held)


def tightest_limit_ns(limits: Sequence[TailLimit]) -> int:
    """What a client's delays are held against where limits are what is asked."""
    return min(limit_ns for limit in limits for limit_ns in limit.keeps.limits.values())


def rate_of(entry: RunEntry) -> float:
    """Arrivals a second that a run of a search asks for; 0 for the one that it begins with."""
    shape_rate: float = getattr(entry.shape, "rate", 0.0)
    return entry.target_qps or shape_rate


def _role(entry: RunEntry) -> Role:
    assert entry.probe is not None
    assert entry.probe.role != "start"
    return entry.probe.role


def _confirmation(taken: Floats, others: Floats, result: Result | None, search: RateSearch) -> Confirmation:
    """Whether a confirming run kept every limit without a queue that grew, and LoadGen agrees where its word counts."""
    if result is None or (result.official and result.loadgen.result != "VALID"):
        return Confirmation(held=False)
    return confirmation(taken, others, _criteria(search), search.precision)


def _criteria(search: RateSearch) -> tuple[Criterion, ...]:
    return tuple(criterion_of(limit) for limit in search.limits)


def _went_to_its_end(entry: RunEntry) -> bool:
    return entry.status in (RunStatus.COMPLETED, RunStatus.INVALID)


def _start_rate(folder: CampaignFolder, start: RunEntry) -> float | None:
    """Where the search begins, from the rate of a fixed number in flight; None where there is none yet."""
    result = read_result(folder.run(start.run)) if start.run and _went_to_its_end(start) else None
    figure = None if result is None else result.figures.get("samples_per_s")
    return None if figure is None or not figure.value > 0 else rounded(_OF_CAPACITY * figure.value)


def rounded(rate: float) -> float:
    """A rate as it is asked for: four digits, far finer than any precision."""
    return float(f"{rate:.4g}")


def next_step(search: RateSearch, first_rate: float, probes: Sequence[Probe], *, spent_s: float) -> Step:
    """What follows from these probes; `spent_s` of the budget went to where to begin."""
    settings = Settings(
        criteria=_criteria(search),
        first_rate=first_rate,
        precision=search.precision,
        budget_s=None if search.budget_s is None else search.budget_s - spent_s,
        probes=search.probes,
        confirm_requests=search.confirm_requests,
        confirm_s=search.confirm_s,
    )
    return decide(probes, settings)


def _took_s(record: RunRecord) -> float:
    """From its start to its end, the warm-up included."""
    if record.ended_utc is None:
        return 0.0
    return (datetime.fromisoformat(record.ended_utc) - datetime.fromisoformat(record.started_utc)).total_seconds()
