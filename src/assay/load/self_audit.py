"""What the client's processes measured of themselves, as the run's record keeps it."""

from __future__ import annotations

from assay.runs import ClientAudit, LoadOutcome, RunFolder, SystemRecord, read_model
from assay.runs.client_bound import client_reasons, client_times


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
    times = client_times(folder)
    audit.schedule_lateness_p50_ns, audit.schedule_lateness_p99_ns = times.lateness_p50_ns, times.lateness_p99_ns
    audit.reasons = client_reasons(audit, times)
    audit.client_bound = bool(audit.reasons)
    return audit
