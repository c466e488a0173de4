"""What a submission says in words: how each result came about, where its source is, what the system is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.benchmarks.mlperf.system_fields import fields_of
from assay.runs import RunRecord
from assay.submission.request import Request
from assay.submission.runs import Entry, Problems, SubmittedRun

REHEARSAL = "REHEARSAL, not a result"
REHEARSAL_PAGE = "REHEARSAL.md"


def marked(request: Request, text: str) -> str:
    """A text's first words say it where it is a rehearsal's."""
    return f"{REHEARSAL}: {text}" if request.rehearsal and text else text


def result_readme(entry: Entry, request: Request, configuration: str) -> str:
    """Beside each result: which runs it is, and how to carry them out again."""
    record = entry.parts["performance"].record
    runs = (
        f"| {part} | {run.folder.id} | {run.record.started_utc} | {_cell(run.result.verdict.words)} |"
        for part, run in entry.parts.items()
    )
    return _page(
        f"# {marked(request, entry.name)}",
        f"Measured by Assay {record.assay_version} with LoadGen {record.loadgen_version}, under the rules of MLPerf "
        f"Inference {request.round}, {request.division} division.",
        "| part | run | started (UTC) | verdict |\n|---|---|---|---|\n" + "\n".join(runs),
        f"To measure it again: `assay run {configuration} --official`, with the configuration that lies in `src`.",
        *_data_words(record),
        *_accuracy_data_words(record, entry.parts["accuracy"].record),
        *_outside_words(entry.parts["accuracy"]),
    )


def _accuracy_data_words(performance: RunRecord, accuracy: RunRecord) -> Iterable[str]:
    """Of a benchmark whose accuracy runs have samples of their own."""
    if accuracy.dataset_sha256 != performance.dataset_sha256:
        yield "Accuracy was measured on other samples, as the benchmark asks."
        yield from _data_words(accuracy)


def _outside_words(run: SubmittedRun) -> Iterable[str]:
    if run.outside is not None:
        scores = ", ".join(f"{name} {value:.10g}" for name, value in run.outside.scores.items())
        yield (
            f"Accuracy: not scored by Assay. {run.benchmark.scored_with} scored the answers of {run.folder.id}: "
            f"{scores}. sha256 of its accuracy.txt as it was given: {run.outside.sha256}."
        )


def _data_words(record: RunRecord) -> Iterable[str]:
    yield f"Data set: {record.dataset_name}, {record.dataset_samples:,} samples, sha256 {record.dataset_sha256}."
    if record.dataset_tokens_sha256:
        yield f"sha256 of its token ids: {record.dataset_tokens_sha256}."


def source_readme(run: SubmittedRun, request: Request, source: str) -> str:
    """In `src`: what ran, in which versions, and where its source is."""
    versions = run.system.versions if run.system else {}
    git = run.system.git if run.system else {}
    parts = [
        f"# {marked(request, 'what ran')}",
        f"Source of what served: {source}",
        f"What drove it: Assay {run.record.assay_version} (Python package `assay-llm`) and LoadGen, unaltered, as the "
        "Python package `mlcommons-loadgen`.",
        "| | version |\n|---|---|\n" + "\n".join(f"| {name} | {version} |" for name, version in versions.items()),
        "Each `.yaml` here is the configuration of one result as it was carried out.",
    ]
    if git:
        changed = git.get("changed_files", "0")
        parts.append(f"The configuration lay in a git repository at commit {git['commit']}, {changed} files changed.")
    return _page(*parts)


def system_page(filled: Mapping[str, str], run: SubmittedRun, request: Request) -> str:
    """In `documentation`: the system in a table, the engine's settings, and what was done to the weights."""
    rows = (f"| {field.name} | {_cell(filled[field.name])} |" for field in fields_of("system"))
    engines = (
        f"| {one.name} | {one.node} | {one.engine} {one.engine_version or ''} | {len(one.accelerators)} | "
        f"{_cell(', '.join(f'{key}={value}' for key, value in one.settings.items()))} |"
        for one in run.record.endpoints
    )
    return _page(
        f"# {marked(request, filled['system_name'])}",
        "| field | |\n|---|---|\n" + "\n".join(rows),
        "## Engines",
        "| server | node | engine | accelerators | settings |\n|---|---|---|---|---|\n" + "\n".join(engines),
        "## Weights",
        f"Starting weights: {filled['starting_weights_filename']}. Served as {filled['weight_data_types']}. "
        f"Transformations: {filled['weight_transformations']}. Trained again: {filled['retraining']}.",
    )


def rehearsal_page(problems: Problems) -> str:
    """At the tree's root, of a rehearsal: why none of it can be submitted."""
    lines = [f"- {name}\n" + "\n".join(f"  - {reason}" for reason in words) for name, words in problems.items()]
    return _page(
        f"# {REHEARSAL}",
        "This tree shows what a submission would hold. It must not be submitted:",
        "\n".join(lines) or "- nothing else keeps it from that",
    )


def _cell(text: str) -> str:
    """Text that can stand in a table."""
    return " ".join(text.replace("|", r"\|").split())


def _page(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"
