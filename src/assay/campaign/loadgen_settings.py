"""LoadGen's settings for a planned run, and whose rate of arrivals it is: the user.conf's, or the configuration's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.benchmarks import Benchmark
from assay.benchmarks.user_conf import Setting, read_user_conf
from assay.campaign.compliance import audit_config
from assay.config import Config
from assay.load.issue import Issued, replaced, what_loadgen_issues
from assay.load.plan import LoadgenSettings
from assay.runs import RunEntry
from assay.runs.scenarios import Scenario, drives, is_paced

_FASTEST_QPS = 1000.0  # accuracy runs of Server are paced too; nothing is timed, so as fast as the queue takes them
_OTHERS = (
    "llama3_1-8b"  # mlperf.conf knows only MLPerf's models; others take the same seeds, their own counts and limits
)


def loadgen_settings(config: Config, benchmark: Benchmark, entry: RunEntry) -> LoadgenSettings:
    """What LoadGen is told for a run that it drives."""
    spec = benchmark.scenarios[entry.scenario]
    user_conf = config.loadgen.user_conf
    return LoadgenSettings(
        model=spec.loadgen_model or _OTHERS,
        scenario=spec.loadgen_scenario,
        official=config.official and not entry.planning,
        own_sample_count=spec.loadgen_model is None,
        target_qps=target_qps(config, benchmark, entry),
        queries=entry.queries,
        ttft_limit_ns=spec.ttft_limit_ns,
        tpot_limit_ns=spec.tpot_limit_ns,
        user_conf=str(user_conf) if user_conf else None,
        over_network=config.loadgen.over_network,
    )


def issued(config: Config, benchmark: Benchmark, entry: RunEntry, samples: int) -> Issued:
    """What LoadGen will issue in a run that draws from `samples` samples."""
    settings = loadgen_settings(config, benchmark, entry)
    return what_loadgen_issues(settings, entry.mode, samples, audit_config(entry, config))


def user_rate(config: Config, benchmark: Benchmark, scenario: Scenario) -> Setting | None:
    """The target rate that the user.conf sets for a scenario, which LoadGen then takes. Raises UserError."""
    return dict(_applying(config, benchmark, scenario)).get("target_qps")


def target_qps(config: Config, benchmark: Benchmark, entry: RunEntry) -> float | None:
    """The rate that LoadGen will use, as far as anyone sets one."""
    given = user_rate(config, benchmark, entry.scenario)
    if given is not None:
        return given.value
    if entry.mode == "accuracy" and is_paced(entry.scenario):
        return max(_FASTEST_QPS, entry.target_qps or 0.0)
    return entry.target_qps


def user_conf_lines(config: Config, benchmark: Benchmark, runs: Sequence[RunEntry], samples: int) -> list[str]:
    """What the user.conf does to the planned runs, in words, a line a scenario; empty where there is none."""
    path = config.loadgen.user_conf
    if path is None:
        return []
    lines = []
    for scenario in dict.fromkeys(run.scenario for run in runs if drives(run.scenario) == "loadgen"):
        first = next(run for run in runs if run.scenario == scenario and not run.planning)
        settings = loadgen_settings(config, benchmark, first)
        kept = replaced(settings, samples)
        words = [
            f"{found.written} = {found.value:g}{_instead(config, scenario, key, found, kept)}"
            for key, found in _applying(config, benchmark, scenario)
        ]
        lines.append(f"user.conf {path}, {scenario}: {'; '.join(words) or f'nothing in it is for {settings.model}'}")
    return lines


def _instead(config: Config, scenario: Scenario, key: str, found: Setting, kept: dict[str, float]) -> str:
    if kept.get(key, found.value) != found.value:
        return f" (without effect: Assay sets {kept[key]:g})"
    given = config.target_qps.get(scenario) if key == "target_qps" else None
    return f" (instead of target_qps.{scenario}, {given:g})" if given not in (None, found.value) else ""


def _applying(config: Config, benchmark: Benchmark, scenario: Scenario) -> Iterator[tuple[str, Setting]]:
    path, spec = config.loadgen.user_conf, benchmark.scenarios.get(scenario)
    if path is None or spec is None:
        return iter(())
    return read_user_conf(path).applying(spec.loadgen_model or _OTHERS, spec.loadgen_scenario)
