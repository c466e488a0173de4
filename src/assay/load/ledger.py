"""The ledger: where every sample went, from two independent counts.

One count is the workers' records, one row an attempt. The other is LoadGen's: what its callback handed over, and what
its own log says was completed. Where they differ, the ledger names the samples.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assay.load.retries import Patience, result_of
from assay.load.transport import Outcome
from assay.runs import EndpointLedger, Ledger

LOST = "lost"
OK = "ok"
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """The part of an attempt's record that the ledger needs: all of a run's are in memory at once."""

    sample: int
    attempt: int
    endpoint: str | None
    status: str
    output_tokens: int | None


def attempt_of(row: dict[str, Any]) -> Attempt:
    endpoint = None if row["endpoint"] is None else sys.intern(row["endpoint"])
    return Attempt(row["sample_id"], row["attempt"], endpoint, sys.intern(row["status"]), row["output_tokens"])


def final_attempts(attempts: Iterable[Attempt], max_attempts: int) -> dict[int, Attempt]:
    """The attempt that decided each sample: the one that succeeded, was cut off, or was the last allowed."""
    final: dict[int, Attempt] = {}
    patience: dict[int, Patience] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.attempt):
        if attempt.status in (OK, LOST):
            final[attempt.sample] = attempt
            continue
        left = patience.setdefault(attempt.sample, Patience())
        if left.spent(result_of(Outcome(attempt.status)), max_attempts):
            final[attempt.sample] = attempt
    return final


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


def build_ledger(
    issued: list[int], attempts: list[Attempt], final: dict[int, Attempt], endpoints: list[str], counts: Counts
) -> Ledger:
    """Add everything up. `issued` are the sample ids of LoadGen's callback, in order."""
    by_endpoint = {name: EndpointLedger(endpoint=name) for name in endpoints}
    reasons: dict[str, Counter[str]] = {name: Counter() for name in endpoints}
    tries: Counter[int] = Counter()
    for attempt in attempts:
        tries[attempt.sample] += 1
        if attempt.endpoint is None:
            continue
        entry = by_endpoint[attempt.endpoint]
        entry.sent += 1
        if attempt.status == OK:
            entry.ok += 1
        elif attempt.status == LOST:
            entry.lost += 1
        else:
            entry.failed += 1
            reasons[attempt.endpoint][attempt.status] += 1
    for name, counter in reasons.items():
        by_endpoint[name].reasons = dict(sorted(counter.items()))
    decided = Counter(OK if a.status == OK else LOST if a.status == LOST else "failed" for a in final.values())
    unanswered = sum(1 for sample in issued if sample not in final)
    ledger = Ledger(
        issued=len(issued),
        completed=decided[OK],
        failed=decided["failed"],
        lost=decided[LOST] + unanswered,
        resent=sum(1 for count in tries.values() if count > 1),
        attempts=len(attempts),
        short_outputs=counts.short_outputs,
        estimated_tokens=counts.estimated_tokens,
        resent_after_first_token=counts.resent_after_first_token,
        endpoints=list(by_endpoint.values()),
        failure_reasons=dict(sorted(Counter(a.status for a in final.values() if a.status not in (OK, LOST)).items())),
        loadgen_issued=counts.callback_issued,
        loadgen_completed=counts.log_completed,
        problems=[],
    )
    ledger.problems = _problems(ledger, set(issued), attempts, final, counts)
    return ledger


def _problems(
    ledger: Ledger, issued: set[int], attempts: list[Attempt], final: dict[int, Attempt], counts: Counts
) -> list[str]:
    problems = []
    if len(issued) != ledger.issued:
        problems.append(f"{ledger.issued - len(issued)} sample ids were issued more than once")
    if ledger.issued != counts.callback_issued:
        problems.append(f"LoadGen's callback counted {counts.callback_issued} samples, its journal {ledger.issued}")
    strangers = sorted({attempt.sample for attempt in attempts} - issued)
    if strangers:
        problems.append(f"answers to samples that were never issued: {_name(strangers)}")
    repeated = [key for key, n in Counter((a.sample, a.attempt) for a in attempts).items() if n > 1]
    if repeated:
        problems.append(f"attempts recorded twice: samples {_name(sorted({sample for sample, _ in repeated}))}")
    twice = [sample for sample, n in Counter(a.sample for a in attempts if a.status == OK).items() if n > 1]
    if twice:
        problems.append(f"samples answered more than once: {_name(sorted(twice))}")
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
        missing = sorted(issued - final.keys())
        problems.append(
            f"LoadGen's log has {counts.log_completed} samples, the records {ledger.completed + ledger.failed}"
            + (f"; without an answer: {_name(missing)}" if missing else "")
        )
    return problems


def _name(samples: list[int]) -> str:
    shown = ", ".join(str(sample) for sample in samples[:_NAMED])
    return shown + (f" and {len(samples) - _NAMED} more" if len(samples) > _NAMED else "")
