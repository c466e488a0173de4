"""The ledger: where every sample went, from two independent counts.

One count is the workers' records, one row an attempt. The other is LoadGen's: what its callback handed over, and what
its own log says was completed. Where they differ, the ledger names the samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.load.retries import MAX_WAITS, Result, result_of
from assay.load.transport import Outcome
from assay.runs import EndpointLedger, Ledger

LOST = "lost"
STATUSES: tuple[str, ...] = (*(str(outcome) for outcome in Outcome), LOST)
_OK, _LOST = STATUSES.index(Outcome.OK), STATUSES.index(LOST)
_NAMED = 10

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Attempts:
    """The part of the attempts' records that the ledger needs, a column each: all of a run's are in memory at once."""

    sample: Ints
    attempt: NDArray[np.int16]
    endpoint: NDArray[np.int16]
    """Place among the plan's endpoints."""
    status: NDArray[np.int8]
    """Place in `STATUSES`."""

    def __len__(self) -> int:
        return len(self.sample)


def deciding(attempts: Attempts, max_attempts: int) -> Ints:
    """The rows that decided their samples, by sample: that which succeeded, was cut off, or was the last allowed."""
    order = np.lexsort((attempts.attempt, attempts.sample))
    sample, status = attempts.sample[order], attempts.status[order]
    answered = (status == _OK) | (status == _LOST)
    busy = ~answered & _are(status, Result.BUSY)
    failures = _so_far(sample, ~answered & ~busy)
    spent = _are(status, Result.REFUSED) | (failures >= max_attempts) | (_so_far(sample, busy) >= MAX_WAITS)
    ends = np.flatnonzero(answered | spent)
    return np.asarray(order[ends[_last_of_each(sample[ends])]], dtype=np.int64)


def _are(status: NDArray[np.int8], result: Result) -> Mask:
    """Which attempts came to a result; one that was lost came to none."""
    such = [status != LOST and result_of(Outcome(status)) is result for status in STATUSES]
    return np.asarray(such)[status]


def _so_far(sample: Ints, flags: Mask) -> Ints:
    """How many of a sample's attempts up to each are flagged; `sample` is sorted."""
    running = np.cumsum(flags)
    first = np.flatnonzero(_first_of_each(sample))
    before: Ints = running[first] - flags[first]
    return np.asarray(running - np.repeat(before, np.diff(np.append(first, len(sample)))), dtype=np.int64)


def _first_of_each(ordered: Ints) -> Mask:
    return np.asarray(np.diff(ordered, prepend=ordered[:1] - 1) != 0)


def _last_of_each(ordered: Ints) -> Mask:
    return np.asarray(np.diff(ordered, append=ordered[-1:] + 1) != 0)


@dataclass(frozen=True)
class Counts:
    """What LoadGen's side counted. None where it got no further."""

    callback_issued: int
    driver_completed: int | None
    driver_failed: int | None
    log_completed: int | None
    short_outputs: int
    estimated_tokens: int = 0
    resent_after_first_token: int = 0


def build_ledger(issued: Ints, attempts: Attempts, final: Ints, endpoints: Sequence[str], counts: Counts) -> Ledger:
    """Add everything up. `issued` are the sample ids of LoadGen's callback, in order; `final` the deciding rows."""
    decided = np.bincount(attempts.status[final], minlength=len(STATUSES))
    unanswered = int(np.count_nonzero(~np.isin(issued, attempts.sample[final])))
    tried = np.sort(attempts.sample)
    resent = tried[~_first_of_each(tried)]
    ledger = Ledger(
        issued=len(issued),
        completed=int(decided[_OK]),
        failed=int(decided.sum() - decided[_OK] - decided[_LOST]),
        lost=int(decided[_LOST]) + unanswered,
        resent=int(np.count_nonzero(_first_of_each(resent))),
        attempts=len(attempts),
        short_outputs=counts.short_outputs,
        estimated_tokens=counts.estimated_tokens,
        resent_after_first_token=counts.resent_after_first_token,
        endpoints=[_endpoint(*found) for found in zip(endpoints, _by_endpoint(attempts, len(endpoints)), strict=True)],
        failure_reasons=_reasons(decided),
        loadgen_issued=counts.callback_issued,
        loadgen_completed=counts.log_completed,
        problems=[],
    )
    ledger.problems = _problems(ledger, issued, attempts, final, counts)
    return ledger


def _by_endpoint(attempts: Attempts, endpoints: int) -> Ints:
    """How often each status occurred at each endpoint, shape (endpoints, statuses)."""
    kinds = len(STATUSES)
    pairs = attempts.endpoint.astype(np.int64) * kinds + attempts.status
    return np.bincount(pairs, minlength=endpoints * kinds).reshape(endpoints, kinds)


def _endpoint(name: str, by_status: Ints) -> EndpointLedger:
    sent, ok, lost = int(by_status.sum()), int(by_status[_OK]), int(by_status[_LOST])
    return EndpointLedger(
        endpoint=name, sent=sent, ok=ok, failed=sent - ok - lost, lost=lost, reasons=_reasons(by_status)
    )


def _reasons(by_status: Ints) -> dict[str, int]:
    """How often each way to fail occurred."""
    found = {name: int(count) for name, count in zip(STATUSES, by_status, strict=True) if count}
    return {name: found[name] for name in sorted(found.keys() - {Outcome.OK, LOST})}


def _problems(ledger: Ledger, issued: Ints, attempts: Attempts, final: Ints, counts: Counts) -> list[str]:
    problems = []
    again = ledger.issued - int(np.count_nonzero(_first_of_each(np.sort(issued))))
    if again:
        problems.append(f"{again} sample ids were issued more than once")
    if ledger.issued != counts.callback_issued:
        problems.append(f"LoadGen's callback counted {counts.callback_issued} samples, its journal {ledger.issued}")
    strangers = _without(attempts.sample, issued)
    if len(strangers):
        problems.append(f"answers to samples that were never issued: {_name(strangers)}")
    repeated = _repeated(attempts)
    if len(repeated):
        problems.append(f"attempts recorded twice: samples {_name(repeated)}")
    answered = np.sort(attempts.sample[attempts.status == _OK])
    twice = np.unique(answered[~_first_of_each(answered)])
    if len(twice):
        problems.append(f"samples answered more than once: {_name(twice)}")
    if ledger.issued != ledger.completed + ledger.failed + ledger.lost:
        problems.append(
            f"issued {ledger.issued} is not completed {ledger.completed} + failed {ledger.failed} + lost {ledger.lost}"
        )
    if counts.driver_completed is not None and counts.driver_completed != ledger.completed:
        problems.append(f"the driver completed {counts.driver_completed} samples, the records say {ledger.completed}")
    if counts.driver_failed is not None and counts.driver_failed != ledger.failed:
        problems.append(f"the driver failed {counts.driver_failed} samples, the records say {ledger.failed}")
    # LoadGen can't be told of a failure, so its log counts failed samples as completed.
    if counts.log_completed is not None and counts.log_completed != ledger.completed + ledger.failed:
        missing = _without(issued, attempts.sample[final])
        problems.append(
            f"LoadGen's log has {counts.log_completed} samples, the records {ledger.completed + ledger.failed}"
            + (f"; without an answer: {_name(missing)}" if len(missing) else "")
        )
    return problems


def _without(samples: Ints, others: Ints) -> Ints:
    """Those that aren't among the others; each once. The samples are many, and what is found is mostly none."""
    return np.unique(samples[~np.isin(samples, others)])


def _repeated(attempts: Attempts) -> Ints:
    """Samples one of whose attempts is recorded more than once."""
    order = np.lexsort((attempts.attempt, attempts.sample))
    sample, attempt = attempts.sample[order], attempts.attempt[order]
    again = (sample[1:] == sample[:-1]) & (attempt[1:] == attempt[:-1])
    return np.unique(sample[1:][again])


def _name(samples: Ints) -> str:
    shown = ", ".join(str(sample) for sample in samples[:_NAMED])
    return shown + (f" and {len(samples) - _NAMED} more" if len(samples) > _NAMED else "")
