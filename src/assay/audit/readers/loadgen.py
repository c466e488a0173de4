"""Evidence from LoadGen's logs, one folder of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from assay.audit.evidence import Origin, RunEvidence, SampleCounts, Spread, Wording
from assay.audit.facts import facts_named, output_limit
from assay.audit.readers.place import Place, describe_system
from assay.audit.readers.submission import submission_files
from assay.audit.spans import Span
from assay.benchmarks.mlperf import SEED_KEYS, round_of_seeds
from assay.errors import UserError
from assay.plain_files import plain
from assay.runs import LatencyStats, LoadgenDetail, LoadgenSummary, read_detail, read_summary
from assay.scoring import read_accuracy_txt

SUMMARY, DETAIL = "mlperf_log_summary.txt", "mlperf_log_detail.txt"
_RATES = ("result_samples_per_second", "result_completed_samples_per_sec", "result_qps_with_loadgen_overhead")
_TOKEN_RATES = {
    "offline": "result_tokens_per_second",
    "server": "result_completed_tokens_per_second",
    "singlestream": "result_token_throughput_with_loadgen_overhead",
}
# Keys of the detail log: one for the least, the most and the mean, one for percentiles.
_LATENCY = (r"result_(min|max|mean)_latency_ns", r"result_([\d.]+)_percentile_latency_ns")
_TTFT = (
    r"result_first_token_(min|max|mean)_latency_ns",
    r"result_first_token_([\d.]+)_percentile_latency_ns",
)
_TPOT = (
    r"result_time_(?:to|per)_output_token_(min|max|mean)",
    r"result_time_(?:to|per)_output_token_([\d.]+)_percentile_ns",
)


def is_log_folder(folder: Path) -> bool:
    return (folder / SUMMARY).is_file() or (folder / DETAIL).is_file()


def log_folders(root: Path) -> list[Path]:
    """Every folder below `root` that holds LoadGen's logs, sorted."""
    return sorted({file.parent for name in (SUMMARY, DETAIL) for file in root.rglob(name)})


def read_log_folder(folder: Path, root: Path | None = None) -> RunEvidence:
    """One run from its logs; `root` is the tree it stands in. Never fails: what can't be read is damage."""
    place = Place(folder, root)
    run = RunEvidence(
        name=place.name, origin=Origin.SUBMISSION if place.division else Origin.LOADGEN, where=str(folder)
    )
    run.summary, run.detail = _read(folder, run)
    summary = run.summary or LoadgenSummary(folder / SUMMARY)
    detail = run.detail or LoadgenDetail(folder / DETAIL)
    mode = detail.effective_mode or summary.mode or ("AccuracyOnly" if place.accuracy else "PerformanceOnly")
    run.loadgen_mode = mode
    run.mode = "accuracy" if mode == "AccuracyOnly" or (place.division and place.accuracy) else "performance"
    _in_its_place(run, place)
    run.scenario = place.scenario or detail.values.get("effective_scenario") or summary.scenario
    run.division, run.benchmark = place.division, place.benchmark
    run.submission, run.of_round = place.submission, _round(detail)
    run.rules = facts_named(place.benchmark, run.of_round, run.scenario)
    run.outputs.limit = output_limit(run.rules, run.division, "performance" if run.performance else "accuracy")
    result = detail.result or summary.result
    run.claims_valid = place.counts and run.performance if place.division else result == "VALID"
    run.claims_mlperf = place.counts if place.division else result == "VALID"
    # An accuracy run's summary holds closing words alone.
    (run.damage if run.performance else run.notes).extend(f"{SUMMARY}: {problem}" for problem in summary.problems)
    _figures(run, summary, detail)
    describe_system(run, place)
    if run.mode == "accuracy":
        _accuracy(run, folder)
    run.submitted = submission_files(run, place)
    return run


def _in_its_place(run: RunEvidence, place: Place) -> None:
    """A tree's accuracy folder may hold a compliance run's log, which is no performance result; not the reverse."""
    if place.counts and place.accuracy and run.loadgen_mode != "AccuracyOnly":
        run.notes.append("the log isn't an accuracy run's")
    elif place.counts and not place.accuracy and run.loadgen_mode == "AccuracyOnly":
        run.damage.append("the log of a performance run is an accuracy run's")


def log_texts(run: RunEvidence) -> Iterator[Wording]:
    """The lines of a summary that carry words or figures, where it is known which of them mean anything."""
    if run.origin is Origin.SUBMISSION and (run.rules is None or not run.claims_mlperf):
        return
    if run.summary:
        for name, value in {**run.summary.metrics, **run.summary.parameters}.items():
            yield Wording(f"{run.where}/{SUMMARY}: {name}", str(value))
        if run.summary.sut:
            yield Wording(f"{run.where}/{SUMMARY}: SUT name", run.summary.sut)


def _round(detail: LoadgenDetail) -> str | None:
    """The round by the run's seeds; accuracy runs may have any."""
    found = tuple(detail.effective.get(key) for key in SEED_KEYS)
    return round_of_seeds(tuple(int(seed) for seed in found if isinstance(seed, int)))


def _read(folder: Path, run: RunEvidence) -> tuple[LoadgenSummary | None, LoadgenDetail | None]:
    summary = detail = None
    try:
        summary = read_summary(folder / SUMMARY)
    except UserError:
        run.notes.append(f"no {SUMMARY}: figures are the detail log's")
    try:
        detail = read_detail(folder / DETAIL)
        run.damage += [f"{DETAIL}: {problem}" for problem in detail.problems]
    except UserError:
        run.notes.append(f"no {DETAIL}: settings, errors and sample counts can't be checked")
    return summary, detail


def _figures(run: RunEvidence, summary: LoadgenSummary, detail: LoadgenDetail) -> None:
    scenario = str(detail.values.get("effective_scenario") or summary.scenario or "").lower()
    completed = detail.sample_count
    run.samples = SampleCounts(assigned=completed, completed=completed)
    timed = detail.window_s and run.loadgen_mode == "PerformanceOnly"
    run.wall_clock_s = Span.near(detail.window_s, 0.005, 0.05) if detail.window_s and timed else None
    if not run.performance:
        return
    run.samples_per_s = _rate(detail, _RATES, summary.samples_per_s)
    run.scheduled_per_s = _rate(detail, ("result_scheduled_samples_per_sec",), summary.scheduled_samples_per_s)
    key = _TOKEN_RATES.get(scenario)
    run.tokens_per_s = _rate(detail, (key,) if key else (), summary.tokens_per_s)
    counted = detail.query_count if scenario == "multistream" else completed
    for spread, stats in ((run.latency, summary.latency), (run.ttft, summary.ttft), (run.tpot, summary.tpot)):
        _fill(spread, stats, counted)
    for spread, keys in ((run.latency, _LATENCY), (run.ttft, _TTFT), (run.tpot, _TPOT)):
        if not spread:
            _from_detail(spread, keys, detail, counted)
    if scenario == "offline" and run.latency.max:
        run.duration_s = run.latency.max / 1e9
        run.duration_source = "the last sample's latency (Offline issues all at the start)"
    if scenario == "singlestream":
        run.concurrency = 1
    last_due_ns = detail.values.get("generated_query_duration")
    if scenario == "server" and isinstance(last_due_ns, int) and last_due_ns > 0:
        least = run.latency.min.low if run.latency.min else 0.0
        run.issued_s = Span.exact((last_due_ns + least) / 1e9)


def _rate(detail: LoadgenDetail, keys: tuple[str, ...], printed: float | None) -> Span | None:
    """A rate of six significant digits from the detail log, or of two decimals (or six digits) from the summary."""
    for key in keys:
        value = detail.values.get(key)
        if isinstance(value, int | float) and math.isfinite(value):
            return Span.near(float(value), 6e-6)
    return None if printed is None or not math.isfinite(printed) else Span.near(float(printed), 6e-6, 0.0051)


def _fill(spread: Spread, stats: LatencyStats, n: int | None) -> None:
    if not stats:
        return
    spread.n = n
    for name in ("min", "max", "mean"):
        value = getattr(stats, f"{name}_ns")
        setattr(spread, name, None if value is None else Span(value, value, value + 1))
    spread.percentiles = {p: Span.exact(value) for p, value in stats.percentiles_ns.items()}


def _from_detail(spread: Spread, keys: tuple[str, str], detail: LoadgenDetail, n: int | None) -> None:
    extreme, percentile = (re.compile(key) for key in keys)
    stats = LatencyStats()
    for key, value in detail.values.items():
        if not isinstance(value, int):
            continue
        if match := extreme.fullmatch(key):
            setattr(stats, f"{match[1]}_ns", value)
        elif match := percentile.fullmatch(key):
            stats.percentiles_ns[float(match[1])] = value
    _fill(spread, stats, n)


def _accuracy(run: RunEvidence, folder: Path) -> None:
    try:
        text = plain(folder / "accuracy.txt").read_text(errors="replace")
    except OSError:
        return
    run.quality.scores, run.quality.samples = read_accuracy_txt(text)
    run.quality.passed = True if run.claims_mlperf else None
