"""The MLPerf Endpoints client was set as the rules ask."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import EndpointsSettings, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.benchmarks.mlperf import round_of_client_seeds


@run_rule(
    "endpoints-settings",
    explain="""
A result of the MLPerf Endpoints client in a submission's tree was made with the rules' settings, as its config.yaml
shows them: the two seeds that it shares with LoadGen are one round's; Offline is the client's offline type, which sends
everything at once, the other scenarios its online type; and in the closed division the samples sent are at least the
whole data set. (min_duration_ms is the rule too-short's, the latency limits are latency-limits'.)
""",
    source="MLPerf submission checker, Endpoints' fields; MLPerf Endpoints client, configuration schema",
)
def check(run: RunEvidence) -> Iterator[Check]:
    settings = run.endpoints
    if settings is None or not run.claims_mlperf or not run.performance or run.division is None:
        return
    yield from _seeds(settings)
    yield from _kind(run, settings)
    whole = run.rules.samples if run.rules else None
    if whole is not None and run.samples.assigned is not None and run.division != "open":
        words = f"{run.samples.assigned} samples issued"
        sums = f"the data set has {whole}"
        yield supported(words, sums) if run.samples.assigned >= whole else contradicted(words, sums)


def _seeds(settings: EndpointsSettings) -> Iterator[Check]:
    if None in settings.seeds:
        return
    words = f"seeds {', '.join(map(str, settings.seeds))}"
    known = round_of_client_seeds(*settings.seeds)
    if known:
        yield supported(words, f"those of MLPerf Inference {known}")
    else:
        yield contradicted(words, "no round of MLPerf Inference has them")


def _kind(run: RunEvidence, settings: EndpointsSettings) -> Iterator[Check]:
    if settings.kind not in ("offline", "online"):
        return
    wanted = "offline" if run.scenario_key == "offline" else "online"
    words = f"a run of type {settings.kind} in {run.scenario}"
    yield (
        supported(words, f"{wanted} is {run.scenario}'s")
        if settings.kind == wanted
        else contradicted(words, f"{run.scenario} is {wanted}")
    )
    if settings.kind == "offline" and settings.load not in (None, "max_throughput"):
        yield contradicted(
            f"type offline with a {settings.load} load", "the client's offline type has max_throughput alone"
        )
