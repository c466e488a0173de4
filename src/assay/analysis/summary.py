"""`result.json` from the other files of a run folder: figures with intervals, latencies, endpoints, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from assay.analysis.asked_length import shorter_than_asked
from assay.analysis.compliance import failures
from assay.analysis.distributions import SOURCE, itl_distribution, latency_distributions
from assay.analysis.energy import run_energy
from assay.analysis.expenses import cost_figures, energy_figures
from assay.analysis.figures import figure
from assay.analysis.goodput import OF_ISSUED, STARTED_GOOD, from_start, good_share, goodput
from assay.analysis.kept_limits import limits_kept
from assay.analysis.listing import names
from assay.analysis.rates import sample_rate, timing_error_ns, token_rate
from assay.analysis.replies import against
from assay.analysis.samples import MISSING, Samples, read_samples
from assay.analysis.statistics import Ints
from assay.analysis.stopped import STOPPED, stopped_s, stopped_words
from assay.analysis.streams import HELD, Streams, held_words, read_streams
from assay.analysis.titles import benchmark_title
from assay.analysis.told import Told, read_told
from assay.analysis.verdict import (
    FINISHED,
    Case,
    accounting_problems,
    judge,
    limit_problems,
    random_weights,
    read_loadgen,
)
from assay.analysis.waiting import waiting
from assay.analysis.warmup import ONE_WAVE, STILL_FASTER, unsteady
from assay.benchmarks import UNVERIFIED, Benchmark, run_benchmark
from assay.errors import AssayError
from assay.runs.folder import RunFolder
from assay.runs.ledger import Ledger, silent
from assay.runs.reading import read_record
from assay.runs.record import RunRecord
from assay.runs.result import AccuracyResult, EndpointResult, Figure, LimitKept, LoadgenVerdict, Result
from assay.runs.shapes import ConcurrencyShape, SessionsShape
from assay.runs.slo import Slo
from assay.runs.stored import read_model

CLIENT_BOUND = "Client-bound"
WINDOW_BOUND = "The client's window bounded the result"
TOLD_AS_FINDINGS = (CLIENT_BOUND, WINDOW_BOUND, STILL_FASTER, ONE_WAVE, HELD, STARTED_GOOD, STOPPED)
"""How notices begin that stand on pages as findings."""
UNCOUNTED = "The server counts no tokens and no tokenizer is known: give one (tokenizer / --tokenizer)."

_FIRST_TOKEN = ("ttft_ns", "answer_ttft_ns", "service_ttft_ns")
RATE_FORMULA = "completed samples / (last done_ns - first start)"
TOKEN_RATE_FORMULA = "sum of output_tokens of completed samples / (last done_ns - first start)"


def shaped_by_client(results: Iterable[Result]) -> bool:
    """Whether the load generator could have shaped one of them, as its notices say."""
    return any(notice.startswith(CLIENT_BOUND) for result in results for notice in result.notices)


def summarise(folder: RunFolder) -> Result:
    """Compute a run's result; a pure function of the folder's files.

    A run that didn't end, or whose ledger doesn't balance, gets a status, a verdict and its counts, and no figure
    that could be taken for a result.

    Raises:
        UserError: there is no `run.json`, its benchmark isn't known, or a file can't be read as what it should be.
    """
    return summarise_samples(folder).result


@dataclass(frozen=True, eq=False)
class Summary:
    """A result with what it was computed from; no samples where nothing is reportable."""

    benchmark: Benchmark
    record: RunRecord
    ledger: Ledger | None
    result: Result
    samples: Samples | None
    itl_counts: Ints | None
    told: Told
    held: list[Streams]
    """Endpoints whose answers weren't streams."""


def summarise_samples(folder: RunFolder) -> Summary:
    """`summarise`, and what it read: reading a large run twice would double the time."""
    record, benchmark = read_record(folder), run_benchmark(folder)
    ledger = read_model(folder.ledger, Ledger)
    samples = run_samples(folder, record)
    itl_counts = None
    loadgen, detail = read_loadgen(folder) if record.driver == "loadgen" else (LoadgenVerdict(result=None), None)
    accuracy = read_model(folder.accuracy, AccuracyResult)
    rows = None if samples is None else len(samples)
    told, held, short = Told(), list[Streams](), ""
    if samples is not None:
        held = [streams for streams in read_streams(folder.requests) if streams.are_none]
        samples = samples.without_pace() if held else samples  # such times would be a gateway's
        told = read_told(folder.requests, ignores_end=record.api is not None and record.api.ignore_eos)
        short = shorter_than_asked(folder.requests, record)
    server = (
        *against(samples, ledger),
        *held_words(held, client_bound=record.client.client_bound),
        *told.against(),
    )
    tested = failures(folder, record, benchmark)
    case = Case(record, ledger, benchmark, loadgen, detail, {}, accuracy, rows, server, tested)
    if record.status not in FINISHED or accounting_problems(case) or not rows:
        samples = None
    figures = _counts(ledger)
    energy, kept, started, stopped = None, list[LimitKept](), "", dict[str, float]()
    if samples is not None:
        case.latency.update(latency_distributions(samples))
        itl = None if held else itl_distribution(folder.requests)
        if itl is not None:
            case.latency["itl_ns"], itl_counts = itl
        streamed = record.api is None or record.api.stream
        if not streamed:  # when the first token was made isn't known
            for name in _FIRST_TOKEN:
                case.latency.pop(name, None)
        error_ns = timing_error_ns(samples, record.client)
        figures |= _figures(samples, error_ns)
        figures |= _window_figures(samples)
        known = {"latency", *({"ttft"} if streamed else ()), *({"tpot"} if streamed and samples.paced else ())}
        if record.slo is not None and ledger is not None and record.slo.limits.keys() <= known:
            figures |= _goodput(samples, record.slo, ledger.issued, error_ns)
            started = from_start(samples, record)
        if ledger is not None:
            kept = limits_kept(samples, ledger.issued, record)
            stopped = stopped_s(samples, ledger)
        energy = run_energy(folder, record, samples)
        figures |= energy_figures(energy)
        figures |= cost_figures(record.cost, samples)
    result = Result(
        run=folder.id,
        benchmark=benchmark.name,
        scenario=record.scenario,
        mode=record.mode,
        official=record.official,
        driver=record.driver,
        shape=record.shape,
        status=record.status,
        reason=record.reason,
        verdict=judge(case),
        loadgen=loadgen,
        figures=figures,
        latency=case.latency,
        endpoints=[] if samples is None else _endpoints(record, samples, stopped),
        accuracy=accuracy if record.status in FINISHED else None,
        energy=energy.energy if energy else None,
        limits=kept,
        sure=record.sure,
        notices=[
            *_notices(case, samples, short),
            *stopped_words(stopped, len(record.endpoints)),
            *([f"{STARTED_GOOD}: {started}."] if started else []),
            *told.notes({e.name: e.model for e in record.endpoints}),
        ],
    )
    return Summary(benchmark, record, ledger, result, samples, itl_counts, told, held)


def run_samples(folder: RunFolder, record: RunRecord) -> Samples | None:
    """The run's successful samples; None where there is no `requests.parquet`."""
    if not folder.requests.exists():
        return None
    try:
        return read_samples(
            folder.requests,
            tuple(endpoint.name for endpoint in record.endpoints),
            from_sending=record.scenario == "Concurrency",
            shape=record.shape,
        )
    except (OSError, ValueError, KeyError) as error:
        raise AssayError(f"{folder.requests}: can't be read: {error}") from None


def _counts(ledger: Ledger | None) -> dict[str, Figure]:
    if ledger is None:
        return {}
    return {
        f"samples_{name}": Figure(
            value=getattr(ledger, name), unit="samples", formula=f"ledger: {name}", source="ledger.json"
        )
        for name in ("issued", "completed", "failed", "lost", "resent")
    }


def _figures(samples: Samples, error_ns: float) -> dict[str, Figure]:
    def plain(value: float, unit: str, formula: str) -> Figure:
        return Figure(value=value, unit=unit, n=len(samples), formula=formula, source=SOURCE)

    token_sums: dict[str, Callable[[Samples], np.ndarray]] = {
        "input_tokens": lambda s: s.input_tokens,
        "output_tokens": lambda s: s.output_tokens,
    }
    found = {
        "samples_per_s": figure(
            sample_rate(samples, timing_error_ns=error_ns), "samples/s", _rate_formula(samples, RATE_FORMULA)
        ),
    }
    if samples.counted:
        tokens = _rate_formula(samples, TOKEN_RATE_FORMULA)
        found["output_tokens_per_s"] = figure(token_rate(samples, timing_error_ns=error_ns), "tokens/s", tokens)
    found["duration_s"] = plain(samples.duration_s, "s", "last done_ns - first start")
    for name, column in token_sums.items():
        values = column(samples)
        if (values == MISSING).any():
            continue
        found[name] = plain(float(values.sum()), "tokens", f"sum of {name} of completed samples")
        found[f"mean_{name}"] = plain(float(values.mean()), "tokens", f"mean of {name} of completed samples")
    if samples.reasons:
        thought = float(np.maximum(samples.reasoning_tokens, 0).sum())
        found["reasoning_tokens"] = plain(thought, "tokens", "sum of reasoning_tokens of completed samples, by usage")
    return found


def _goodput(samples: Samples, slo: Slo, issued: int, error_ns: float) -> dict[str, Figure]:
    share = good_share(samples, slo, issued)
    return {
        "goodput_per_s": figure(
            goodput(samples, slo, error_ns),
            "samples/s",
            _rate_formula(samples, f"samples with {slo.title} / (last done_ns - first start)"),
        ),
        "good_share": Figure(
            value=share.value,
            low=share.low,
            high=share.high,
            n=issued,
            unit=OF_ISSUED,
            formula=f"samples with {slo.title} / issued",
            source=SOURCE,
        ),
    }


def _rate_formula(samples: Samples, formula: str) -> str:
    if samples.until_ns is None:
        return formula
    what = formula.partition(" / ")[0]
    return f"{what}, the part of each that was done within window_s of the first start / window_s"


def _window_figures(samples: Samples) -> dict[str, Figure]:
    """Of a load that its time ended: what its rates count."""
    if samples.until_ns is None:
        return {}
    share = samples.share_in_time

    def plain(value: float, unit: str, formula: str) -> Figure:
        return Figure(value=value, unit=unit, n=len(samples), formula=formula, source=SOURCE)

    formula = "completed samples, each by the part of its time in progress that lies within window_s"
    found = {
        "window_s": plain((samples.until_ns - samples.begin_ns) / 1e9, "s", "the time over which the load was offered"),
        "window_samples": plain(float(share.sum()), "samples", formula),
    }
    if samples.counted:
        tokens = float(samples.output_tokens @ share)
        found["window_output_tokens"] = plain(tokens, "tokens", "their output_tokens")
    return found


def _endpoints(record: RunRecord, samples: Samples, stopped: Mapping[str, float]) -> list[EndpointResult]:
    nodes = {endpoint.name: endpoint.node for endpoint in record.endpoints}
    results = []
    for name, own in zip(samples.endpoints, samples.of_endpoint, strict=True):
        rates = _endpoint_rates(own, samples.begin_ns) if len(own) else {}
        results.append(
            EndpointResult(
                endpoint=name,
                node=nodes.get(name, "unknown"),
                samples=len(own),
                share=len(own) / len(samples) if len(samples) else 0.0,
                output_tokens=int(own.output_tokens.sum()) if own.counted else None,
                stopped_s=stopped.get(name),
                **rates,
            )
        )
    return results


def _endpoint_rates(own: Samples, begin_ns: int) -> dict[str, Figure]:
    """Rates until the endpoint's own last sample: the time it then waits for the others isn't its slowness."""
    until = "(its last done_ns - the run's first start)"
    samples, tokens = (
        _rate_formula(own, f"{what} / {until}") for what in ("its completed samples", "its output_tokens")
    )
    found = {"samples_per_s": figure(sample_rate(own, begin_ns), "samples/s", samples)}
    if own.counted:
        found["output_tokens_per_s"] = figure(token_rate(own, begin_ns), "tokens/s", tokens)
    return found


def _notices(case: Case, samples: Samples | None, short: str) -> list[str]:
    """What a reader must know beside the verdict; `short`, of answers that are shorter than asked."""
    record, ledger = case.record, case.ledger
    notices = []
    if record.simulated:
        notices.append("Simulated: the endpoints are simulated servers; no figure here is a measurement of a model.")
    if random_weights(record):
        notices.append("Random weights: nothing of the model was loaded; speeds are its shape's, answers noise.")
    if record.api is not None and record.api.probed:
        notices.append(record.api.words)
    if short:
        notices.append(short)
    if record.dataset_generated:
        lengths = f"; {record.dataset_note}" if record.dataset_note else ""
        notices.append(f"The samples are generated, not real texts{lengths}.")
    elif case.copy == "unverified":
        notices.append(
            f"Data set: {UNVERIFIED}; what the token ids of {case.benchmark.name}'s samples must be isn't known here"
            + (f", those of this one have SHA-256 {ids}." if (ids := record.dataset_tokens_sha256) else ".")
        )
    if not case.benchmark.mlperf:
        title = benchmark_title(case.benchmark, [record])
        notices.append(f"{title} is not an MLPerf benchmark; compare it with itself only.")
    if case.benchmark.notice and not record.simulated:  # it is about the model, which took no part
        notices.append(case.benchmark.notice)
    if record.mode == "accuracy":
        notices.append("Accuracy run: its rates and latencies are not a performance result.")
    if record.mode == "accuracy" and case.benchmark.scored_with:
        notices.append(
            f"The answers are {case.benchmark.unscored}: give it mlperf_log_accuracy.json, and what it prints to "
            "`assay submit --accuracy`."
        )
    if record.client.client_bound:
        notices.append(
            f"{CLIENT_BOUND}: the load generator could have shaped the result: " + "; ".join(record.client.reasons)
        )
    if (cold := unsteady(record)) is not None and cold.rises:
        notices.append(f"{cold.title} ({cold.waves}): {cold.expected}.")
    if (waits := waiting(samples, record)) is not None:
        notices.append(f"{WINDOW_BOUND}: {waits.words}.")
    if samples is not None and not samples.counted:
        notices.append(UNCOUNTED)
    if ledger is not None:
        notices += _ledger_notices(ledger, record)
        notices += _load_notices(record, ledger)
    notices += [f"{words[0].upper()}{words[1:]}." for words in case.server]
    if not record.official and record.mode == "performance" and record.status in FINISHED:
        notices += [f"Limit exceeded: {words}." for words in limit_problems(case)]
    return notices


def _load_notices(record: RunRecord, ledger: Ledger) -> list[str]:
    """Where a load wasn't what its words say."""
    match record.shape:
        case ConcurrencyShape(concurrency=places) if 0 < ledger.issued < places:
            return [f"Fewer requests than places: {ledger.issued} requests for {places} in flight."]
        case SessionsShape(history="recorded"):
            return ["Turns carry the history that the data set gives them, not the server's answers."]
    return []


def _ledger_notices(ledger: Ledger, record: RunRecord) -> list[str]:
    told = ", and LoadGen was told 2" if record.driver == "loadgen" else ""
    counts = {
        "needed more than one attempt; the latency of an answer includes the attempts before it": ledger.resent,
        "failed after the last attempt and are in no rate or latency": ledger.failed,
        "were lost: sent or waiting when the run ended": ledger.lost,
        f"answered with fewer than 2 tokens: they have no TPOT{told}": ledger.short_outputs,
    }
    notices = [f"{count:,} of {ledger.issued:,} samples {what}." for what, count in counts.items() if count]
    if nothing := silent({endpoint.endpoint: endpoint.ok for endpoint in ledger.endpoints}):
        notices.append(
            f"{len(nothing):,} of {len(ledger.endpoints):,} endpoints answered none of the {ledger.issued:,} samples "
            f"({names(nothing)}): the rates are those of the others. Bring back what is gone and run this again."
        )
    return notices
