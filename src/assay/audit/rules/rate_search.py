"""The rate that a search found is the one that its runs show."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported


@evidence_rule(
    "rate-search",
    explain="""
A search's answer follows from its runs alone: from each, in order of arrival, how much of each limit its requests took
(requests.parquet), how the test in it ended and whether the client was the limit (run.json). It is worked out again.
The stated rate must lie within the interval that comes out, and the other way round; a rate that is called confirmed
needs a confirming run that kept every limit, whose rate it is; and where the runs show no rate none can be stated.
""",
    source="report.json: rate, against runs/*",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.rates:
        words = f"{claim.rate:.4g} requests/s{', confirmed' if claim.confirmed else ''}"
        if claim.found is None:
            yield unsupported(words, f"the runs show no rate: {claim.why}")
            continue
        rate, low, high = claim.found
        sums = f"{rate:.4g} ({low:.4g} to {high:.4g}) from the runs' records"
        if not (low <= claim.rate <= high and claim.low <= rate <= claim.high):
            yield contradicted(words, sums)
        elif claim.confirmed and claim.rate not in claim.held:
            yield contradicted(words, f"confirming runs kept every limit at {claim.held or 'no rate'}")
        else:
            yield supported(words, sums)
