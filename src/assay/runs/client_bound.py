"""Whether the client could have shaped a result: the rule on what its processes measured of themselves.

Each quantity is held against what was measured: a delay matters when it exceeds 2 ms and 5 % of the median TTFT (for
TPOT, 5 % of the median TPOT); a process matters when it used more than 85 % of a core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from assay.digits import number_text, percent_text
from assay.runs.folder import RunFolder
from assay.runs.record import ClientAudit
from assay.runs.requests import read_request_batches

CPU_LIMIT = 0.85
LEAST_DELAY_NS = 2_000_000
DELAY_SHARE = 0.05

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class ClientTimes:
    """Medians of completed samples, and how late all samples were issued. None: no sample has it."""

    ttft_p50_ns: float | None
    tpot_p50_ns: float | None
    lateness_p50_ns: int | None
    lateness_p99_ns: int | None


def client_times(folder: RunFolder) -> ClientTimes:
    """What the run's requests tell. Raises UserError where they can't be read."""
    columns = ["status", "issued_ns", "scheduled_ns", "sent_ns", "first_ns", "last_ns", "output_tokens"]
    late, ttft, tpot = [_NONE], [_NONE], [_NONE]
    for table in read_request_batches(folder.requests, columns):
        issued = table.filter(pc.is_valid(table["scheduled_ns"]))
        late.append(issued["issued_ns"].to_numpy() - issued["scheduled_ns"].to_numpy())
        good = table.filter(pc.and_(pc.equal(table["status"].cast("string"), "ok"), pc.is_valid(table["first_ns"])))
        first_ns, tokens = good["first_ns"].to_numpy(), good["output_tokens"].fill_null(0).to_numpy()
        several = tokens > 1
        ttft.append(first_ns - good["sent_ns"].to_numpy())
        tpot.append((good["last_ns"].to_numpy() - first_ns)[several] / (tokens[several] - 1))
    lateness_ns = np.concatenate(late)
    return ClientTimes(
        _median(np.concatenate(ttft)),
        _median(np.concatenate(tpot)),
        int(np.percentile(lateness_ns, 50)) if len(lateness_ns) else None,
        int(np.percentile(lateness_ns, 99)) if len(lateness_ns) else None,
    )


def _median(values: np.ndarray[Any, Any]) -> float | None:
    return float(np.median(values)) if len(values) else None


def delay_limit_ns(ttft_p50_ns: float) -> float:
    """From which on a delay of the client's own matters to a run of this median TTFT from sending."""
    return max(LEAST_DELAY_NS, DELAY_SHARE * ttft_p50_ns)


def client_reasons(audit: ClientAudit, times: ClientTimes) -> list[str]:
    """Every limit that the client's figures pass, in words; empty: it wasn't what the run measured."""
    reasons = [
        f"{name} used {percent_text(share, 0)} of a core (limit {percent_text(CPU_LIMIT, 0)})"
        for name, share in audit.cpu_share.items()
        if share > CPU_LIMIT
    ]
    if times.ttft_p50_ns is None:
        return reasons
    limit_ns = delay_limit_ns(times.ttft_p50_ns)
    delays: dict[str, float | None] = {
        f"event loop of {name} late by": lag_ns for name, lag_ns in audit.loop_lag_p99_ns.items()
    }
    delays["samples issued late by"] = audit.schedule_lateness_p99_ns
    delays["answers noticed late by"] = audit.completion_hop_p99_ns
    calibration = audit.calibration or {}
    delays["calibration: TTFT wrong by"] = calibration.get("ttft_error_p99_ns")
    for words, delay_ns in delays.items():
        if delay_ns is not None and delay_ns > limit_ns:
            reasons.append(f"{words} {delay_ns / 1e6:.1f} ms at p99 (limit {limit_ns / 1e6:.1f} ms)")
    error_ns = calibration.get("tpot_error_mean_ns")
    # Answers that come in one piece have a TPOT of 0, of which no error is a share.
    if error_ns is not None and times.tpot_p50_ns and error_ns > DELAY_SHARE * times.tpot_p50_ns:
        limit_ms = DELAY_SHARE * times.tpot_p50_ns / 1e6
        wrong, limit = number_text(error_ns / 1e6, 3), number_text(limit_ms, 3)
        reasons.append(f"calibration: TPOT wrong by {wrong} ms on average (limit {limit} ms)")
    return reasons
