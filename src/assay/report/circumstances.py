"""What is said where two runs were made alike, as far as anybody recorded it."""

from __future__ import annotations

from collections.abc import Iterable

from assay.runs.record import EndpointFacts


def nothing_differs(endpoints: Iterable[EndpointFacts]) -> str:
    """Of settings, versions and hardware: only what was recorded can be told to be the same."""
    silent = untold(endpoints)
    same = "settings, versions and hardware are the same as far as recorded"
    return f"{same} ({silent})" if silent else same


def untold(endpoints: Iterable[EndpointFacts]) -> str:
    """That settings of a server aren't known, which only who starts it knows; empty where all are."""
    external = any(endpoint.engine == "external" for endpoint in endpoints)
    return "the server tells none of its settings" if external else ""
