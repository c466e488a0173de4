"""Endpoints that stopped answering while a run went on: from then on its rates are those of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from assay.analysis.listing import names
from assay.analysis.samples import MISSING, Samples
from assay.digits import number_text
from assay.runs.ledger import Ledger

_CHANCE = 1e-6
"""How likely samples may all go to others by chance, for an endpoint not to be called stopped."""


def stopped_s(samples: Samples, ledger: Ledger) -> dict[str, float]:
    """When each gave its last answer, in seconds after the run's first start.

    Its attempts failed, and of the samples that were sent after its last answer, to others, so many as hardly avoid an
    endpoint by chance that answered its share of those before.
    """
    failed = {entry.endpoint for entry in ledger.endpoints if entry.failed}
    if not failed or not len(samples):
        return {}
    done_ns = np.sort(samples.done_ns)
    sent_ns = np.sort(np.where(samples.sent_ns == MISSING, samples.start_ns, samples.sent_ns))
    found = {}
    for place, name in enumerate(samples.endpoints):
        own = samples.done_ns[samples.endpoint == place] if name in failed else ()
        if not len(own):
            continue
        last_ns = int(np.max(own))
        before = int(np.searchsorted(done_ns, last_ns, side="right"))
        after = len(sent_ns) - int(np.searchsorted(sent_ns, last_ns, side="right"))
        if (1 - len(own) / before) ** after < _CHANCE:
            found[name] = (last_ns - samples.begin_ns) / 1e9
    return found


def stopped_words(stopped: Mapping[str, float], endpoints: int) -> Iterator[str]:
    """What must stand beside the figures where some of the `endpoints` stopped."""
    if stopped:
        which = names([f"{name} after {number_text(seconds, 3)} s" for name, seconds in stopped.items()])
        yield (
            f"{len(stopped)} of {endpoints} endpoints stopped answering before the end ({which}): from then on the "
            "rates are those of the others. Bring back what is gone and run this again."
        )
