"""From when latencies count: each scenario has its own start, and a page says which."""

from __future__ import annotations

from collections.abc import Iterable

from assay.runs.scenarios import Scenario

_STARTS: dict[Scenario, str] = {
    "Offline": "the moment when LoadGen issued all samples at once",
    "SingleStream": "the moment when LoadGen issued the sample",
    "Server": "the sample's scheduled arrival",
    "Interactive": "the sample's scheduled arrival",
    "Concurrency": "the sample's first sending",
    "Rate": "the sample's scheduled arrival",
    "Trace": "the sample's arrival by the trace",
    "Sessions": "the moment when the turn was due",
}


def start_words(scenarios: Iterable[Scenario]) -> str:
    """What TTFT and latency count from, and what "from sending" leaves out."""
    starts: dict[str, list[str]] = {}
    for scenario in dict.fromkeys(scenarios):
        starts.setdefault(_STARTS[scenario], []).append(scenario)
    several = len(starts) > 1
    if set(starts) == {_STARTS["Concurrency"]}:
        return (
            "TTFT and latency count from the sample's first sending; those from sending, where it was sent again, from "
            "its last."
        )
    listed = [f"{start} ({', '.join(own)})" if several else start for start, own in starts.items()]
    return (
        f"TTFT and latency count from {', or '.join(listed)}. Those from sending leave out what a sample waited for a "
        "free place before it was sent: they are the servers' own."
    )
