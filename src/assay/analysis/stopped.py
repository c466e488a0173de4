"""Endpoints that stopped answering while a run went on: from then on its rates are those of the others, or of none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from assay.analysis.finding import Citation, Finding
from assay.analysis.listing import names
from assay.analysis.samples import MISSING, Samples
from assay.digits import number_text
from assay.runs.ledger import Ledger

STOPPED = "Stopped answering before the end"
_CHANCE = 1e-6
"""How likely samples may all go without it by chance, for an endpoint not to be called stopped."""


def stopped_s(samples: Samples, ledger: Ledger) -> dict[str, float]:
    """When each gave its last answer, in seconds after the run's first start.

    Its attempts failed, and of the samples that were sent after its last answer, and were answered by others or by
    none, so many as hardly avoid by chance an endpoint that answered its share of those before.
    """
    failed = {entry.endpoint for entry in ledger.endpoints if entry.failed}
    if not failed or not len(samples):
        return {}
    done_ns = np.sort(samples.done_ns)
    answered_ns = np.where(samples.sent_ns == MISSING, samples.start_ns, samples.sent_ns)
    sent_ns, unanswered_ns = np.sort(answered_ns), np.sort(samples.unanswered_ns)
    found = {}
    for place, name in enumerate(samples.endpoints):
        own = samples.done_ns[samples.endpoint == place] if name in failed else ()
        if not len(own):
            continue
        last_ns = int(np.max(own))
        gave_up = int(np.searchsorted(unanswered_ns, last_ns, side="right"))
        before = int(np.searchsorted(done_ns, last_ns, side="right")) + gave_up
        after = len(sent_ns) - int(np.searchsorted(sent_ns, last_ns, side="right")) + len(unanswered_ns) - gave_up
        if _avoided_by_chance(len(own), before, after) < _CHANCE:
            found[name] = (last_ns - samples.begin_ns) / 1e9
    return found


def _avoided_by_chance(own: int, before: int, after: int) -> float:
    """How likely none of `after` samples is one's that had `own` of `before`: its share is known only as well as these
    tell it (uniform prior), so that the only endpoint hasn't stopped because the last sample failed."""
    from scipy.special import betaln  # scipy.stats would do, and takes a second to import

    others = before - own
    return math.exp(betaln(own + 1, others + after + 1) - betaln(own + 1, others + 1))


def stopped_words(stopped: Mapping[str, float], endpoints: int) -> Iterator[str]:
    """What must stand beside the figures where some of the `endpoints` stopped."""
    if stopped:
        which = names([f"{name} after {number_text(seconds, 3)} s" for name, seconds in stopped.items()])
        yield (
            f"{STOPPED}: {len(stopped)} of {endpoints} endpoints ({which}): {_since(stopped, endpoints)}. "
            "Bring back what is gone and run this again."
        )


def stopped_findings(
    run: str, stopped: Mapping[str, float], endpoints: int, log: Mapping[str, str]
) -> Iterator[Finding]:
    """One for each, the first that stopped first; `log` is where each one's words are."""
    for name, seconds in sorted(stopped.items(), key=lambda own: own[1]):
        figure = f"its last answer came after {number_text(seconds, 3)} s; {_since(stopped, endpoints)}"
        yield Finding(
            rule="endpoint-stopped",
            severity="error",
            title=f"Endpoint {name} stopped answering.",
            evidence=[Citation(run=run, file="requests.parquet", figure=figure)],
            suggestion=f"find why in {log[name]}, bring it back and run this again",
            subject=name,
        )


def _since(stopped: Mapping[str, float], endpoints: int) -> str:
    if len(stopped) < endpoints:
        return "from then on the rates are those of the others"
    return "nothing was answered from then on" if endpoints == 1 else "nothing was answered after the last of them"
