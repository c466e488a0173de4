"""Whether the client could have shaped the result, from what its processes measured of themselves.

Each quantity is held against what was measured: a delay matters when it exceeds 2 ms and 5 % of the median TTFT (for
TPOT, 5 % of the median TPOT); a process matters when it used more than 85 % of a core.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc

from assay.runs import ClientAudit, LoadOutcome, RunFolder, SystemRecord, read_model, read_requests

CPU_LIMIT = 0.85
LEAST_DELAY_NS = 2_000_000
DELAY_SHARE = 0.05


def audit_client(folder: RunFolder, outcome: LoadOutcome) -> ClientAudit:
    """Read the run's requests, its system record and the load process' outcome; name every limit that is passed."""
    processes, system = outcome.processes, read_model(folder.system, SystemRecord)
    audit = ClientAudit(
        cpu_share={name: round(facts.cpu_share, 4) for name, facts in processes.items()},
        peak_rss_bytes={name: facts.peak_rss_bytes for name, facts in processes.items()},
        loop_lag_p99_ns={name: f.lag_p99_ns for name, f in processes.items() if f.lag_p99_ns is not None},
        loop_lag_max_ns={name: f.lag_max_ns for name, f in processes.items() if f.lag_max_ns is not None},
        calibration=system.client_calibration if system else None,
    )
    if hops := outcome.hops:
        audit.completion_hop_p50_ns, audit.completion_hop_p99_ns = hops.p50_ns, hops.p99_ns
        audit.completion_hop_max_ns = hops.max_ns
    ttft_ns, tpot_ns, lateness_ns = _measured(folder)
    if len(lateness_ns):
        audit.schedule_lateness_p50_ns, audit.schedule_lateness_p99_ns = (
            int(np.percentile(lateness_ns, p)) for p in (50, 99)
        )
    audit.reasons = _reasons(audit, _median(ttft_ns), _median(tpot_ns))
    audit.client_bound = bool(audit.reasons)
    return audit


def _measured(folder: RunFolder) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """TTFT and TPOT of completed samples, and how late every sample was issued, ns."""
    columns = ["final", "status", "issued_ns", "scheduled_ns", "sent_ns", "first_ns", "last_ns", "output_tokens"]
    table = read_requests(folder.requests, columns)
    issued = table.filter(pc.is_valid(table["scheduled_ns"]))
    lateness_ns = issued["issued_ns"].to_numpy() - issued["scheduled_ns"].to_numpy()
    good = table.filter(pc.and_(pc.equal(table["status"].cast("string"), "ok"), pc.is_valid(table["first_ns"])))
    first_ns, tokens = good["first_ns"].to_numpy(), good["output_tokens"].fill_null(0).to_numpy()
    several = tokens > 1
    tpot_ns = (good["last_ns"].to_numpy() - first_ns)[several] / (tokens[several] - 1)
    return first_ns - good["sent_ns"].to_numpy(), tpot_ns, lateness_ns


def _median(values: np.ndarray[Any, Any]) -> float | None:
    return float(np.median(values)) if len(values) else None


def _reasons(audit: ClientAudit, ttft_ns: float | None, tpot_ns: float | None) -> list[str]:
    reasons = [
        f"{name} used {share:.0%} of a core (limit {CPU_LIMIT:.0%})"
        for name, share in audit.cpu_share.items()
        if share > CPU_LIMIT
    ]
    if ttft_ns is None:
        return reasons
    limit_ns = max(LEAST_DELAY_NS, DELAY_SHARE * ttft_ns)
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
    if error_ns is not None and tpot_ns is not None and error_ns > DELAY_SHARE * tpot_ns:
        reasons.append(f"calibration: TPOT wrong by {error_ns / 1e6:.2f} ms on average, {DELAY_SHARE:.0%} is the limit")
    return reasons
