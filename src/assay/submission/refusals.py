"""Why runs can't be submitted: every reason, of every run, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.analysis.compliance import failures
from assay.analysis.submission_lacks import missing_scenarios, missing_tests, not_of_round
from assay.benchmarks.mlperf import SEED_KEYS, round_of_seeds, seeds
from assay.errors import AssayError
from assay.runs import SystemRecord, read_detail
from assay.submission.network import network_problems
from assay.submission.request import Request
from assay.submission.runs import Entry, Problems, SubmittedRun

# What two runs of one result may differ in: how much is asked, what is told of it, and where it is kept.
_OF_EACH_RUN = {
    "name", "scenarios", "modes", "official", "target_qps", "queries", "load", "campaign", "alerts", "slo", "currency",
    "output",
}  # fmt: skip


_SAMPLES = "data set"


class RefusedError(AssayError):
    """These runs can't be submitted."""


def refused(problems: Problems) -> RefusedError:
    """All reasons at once, under what each is of."""
    lines = [f"{name}:" + "".join(f"\n    {reason}" for reason in reasons) for name, reasons in problems.items()]
    return RefusedError("nothing is written, for these can't be submitted:\n  " + "\n  ".join(lines))


def gaps(entries: Sequence[Entry]) -> Problems:
    """What of the results isn't there, so that not even a rehearsal's tree could be made."""
    found: Problems = {}
    for entry in entries:
        missing = [
            f"there is no {mode} run that ended" for mode in ("performance", "accuracy") if mode not in entry.parts
        ]
        missing += [
            _not_scored(run)
            for run in entry.runs
            if run.to_be_scored and run.outside is None and not run.folder.accuracy_txt.is_file()
        ]
        if missing:
            found[entry.name] = missing
    return found


def _not_scored(run: SubmittedRun) -> str:
    name, file = run.folder.id, run.folder.accuracy_txt.name
    if not run.benchmark.scored_with:
        return f"{name} has no {file}: nothing was scored"
    return f"{name} is {run.benchmark.unscored}: then name what it prints, --accuracy {name}={file}"


def reasons(entries: Sequence[Entry], request: Request) -> Problems:
    """What keeps the results from being submitted as `request` says."""
    found: Problems = {}
    for entry in entries:
        for run in entry.runs:
            found[run.folder.id] = list(_of_run(run, request))
        found[entry.name] = list(_of_entry(entry, request))
    found["the submission"] = [*_scenarios(entries, request), *_systems(entries)]
    return {name: words for name, words in found.items() if words}


def _of_run(run: SubmittedRun, request: Request) -> Iterator[str]:
    verdict, accuracy = run.result.verdict, run.result.accuracy
    if run.changed:
        yield f"not as it was closed: {', '.join(run.changed)}"
    reported = {f"quality gate: {accuracy.gate}"} if request.division == "open" and accuracy else set()
    if run.outside is not None:
        reported |= {f"{asked}: {run.benchmark.unscored}" for asked in ("quality gate", run.record.compliance)}
        yield from run.outside.problems
        if run.record.compliance is not None:
            yield from failures(run.folder, run.record, run.benchmark, run.outside.scores)
        elif request.division != "open" and run.outside.gate != "pass":
            yield f"quality gate: {run.outside.gate}"
    yield from (reason for reason in verdict.reasons if reason not in reported)
    if not verdict.valid and not verdict.reasons:
        yield verdict.words
    if verdict.valid:  # by an earlier version, which didn't look at a compliance run's answers
        yield from failures(run.folder, run.record, run.benchmark)
    if run.record.driver == "loadgen":
        logged = read_detail(run.folder.loadgen_detail).effective
        own = tuple(logged.get(key) for key in SEED_KEYS)
        if own != tuple(seeds(request.round).values()):
            of_round = round_of_seeds(own)  # type: ignore[arg-type]
            yield f"LoadGen's seeds are those of {of_round or 'no round'}, not of {request.round}"
        yield from network_problems(run, request.division)


def _of_entry(entry: Entry, request: Request) -> Iterator[str]:
    yield from not_of_round(entry.benchmark, request.round)
    yield from missing_tests(entry.benchmark, request.round, request.division, entry.parts)
    first, *others = entry.runs
    for other in others:
        yield from _differences(first, other)


def _differences(first: SubmittedRun, other: SubmittedRun) -> Iterator[str]:
    """Where two runs of one result weren't of one configuration."""
    sides = [_configuration(run) for run in (first, other)]
    apart = _on_samples_of_their_own(first, other)
    for key in sorted({*sides[0], *sides[1]}):
        if apart and (key == _SAMPLES or key.startswith("dataset.")):
            continue
        values = [side.get(key) for side in sides]
        if values[0] != values[1]:
            yield (
                f"the {first.part} and the {other.part} run differ in {key}: "
                f"{_shown(values[0])} in {first.folder.id}, {_shown(values[1])} in {other.folder.id}"
            )


def _on_samples_of_their_own(first: SubmittedRun, other: SubmittedRun) -> bool:
    """Whether the benchmark asks for two data sets, and one of the runs is of each."""
    timed = [run for run in (first, other) if run.part != "accuracy"]
    tested = any(run.part in run.benchmark.compliance_data for run in timed)
    return tested or (len(timed) == 1 and timed[0].benchmark.accuracy is not None)


def _configuration(run: SubmittedRun) -> dict[str, Any]:
    """What must be the same in all runs of a result, flat."""
    record = run.record
    found: dict[str, Any] = {"assay's version": record.assay_version, _SAMPLES: record.dataset_sha256}
    asked = {key: value for key, value in run.config.items() if key not in _OF_EACH_RUN}
    started = {
        one.name: {"engine": one.engine, "version": one.engine_version, "model": one.model, "settings": one.settings}
        for one in record.endpoints
    }
    _flatten(asked, "", found)
    _flatten(started, "", found)
    return found


def _flatten(data: dict[str, Any], place: str, found: dict[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, dict):
            _flatten(value, f"{place}{key}.", found)
        else:
            found[f"{place}{key}"] = value


def _shown(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _scenarios(entries: Sequence[Entry], request: Request) -> Iterator[str]:
    """What the closed and the network division ask for of a benchmark, whatever else is submitted."""
    for benchmark in dict.fromkeys(entry.benchmark for entry in entries):
        present = {entry.scenario for entry in entries if entry.benchmark == benchmark}
        yield from missing_scenarios(benchmark, request.round, request.division, present)


def _systems(entries: Sequence[Entry]) -> Iterator[str]:
    """A system's description holds for every run: all ran on the same nodes."""
    known: dict[tuple[tuple[str, ...], ...], str] = {}
    for run in (run for entry in entries for run in entry.runs):
        known.setdefault(_hardware(run), run.folder.id)
    if len(known) > 1:
        apart = f"{' and '.join(known.values())} ran on different nodes"
        yield f"{apart}: tell which runs are of which system, --system RUN=FILE for each"


def _hardware(run: SubmittedRun) -> tuple[tuple[str, ...], ...]:
    serving = {endpoint.node for endpoint in run.record.endpoints}
    system: SystemRecord | None = run.system
    known = {node.name: node for node in system.nodes} if system else {}
    described = []
    for name in sorted(serving):
        node = known.get(name)
        cards = [card.name for card in node.accelerators] if node else []
        described.append((name, node.cpu_model if node else "", *cards))
    return tuple(described)
