"""What is said where two runs were made alike, as far as anybody recorded it."""

from __future__ import annotations

from collections.abc import Iterable

from assay.runs.record import EndpointFacts


def nothing_differs(endpoints: Iterable[EndpointFacts]) -> str:
    """Of settings, versions and hardware: only what was recorded can be told to be the same."""
    same = "settings, versions and hardware are the same as far as recorded"
    silent = any(endpoint.engine == "external" and not endpoint.settings for endpoint in endpoints)
    return f"{same} (the server tells none of its settings)" if silent else same
