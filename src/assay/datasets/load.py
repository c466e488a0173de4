"""From a benchmark and the `dataset` section to the samples that they ask for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import orjson

from assay.benchmarks import UNVERIFIED, Benchmark, copy_of
from assay.config_dataset import DatasetConfig
from assay.datasets.lengths import TokenCounter
from assay.datasets.model import Dataset, Sample, tokens_sha256
from assay.datasets.sources import Reading, Request, RowFormat, format_of
from assay.datasets.sources.articles import article_texts
from assay.datasets.sources.huggingface import hub_rows
from assay.datasets.sources.huggingface import title as hub_title
from assay.datasets.sources.parquet import PARQUET_START, parquet_rows
from assay.datasets.sources.pickled import PICKLE_START, PICKLES, pickled_rows
from assay.datasets.sources.refused import refuse
from assay.datasets.sources.rows import Row, read_file, renamed, rows_of
from assay.datasets.sources.synthetic import make_synthetic
from assay.datasets.sources.synthetic import title as synthetic_title
from assay.errors import UserError

WARMUP_FILE = "warmup.jsonl"
SYNTHETIC = "synthetic"


def load_dataset(
    benchmark: Benchmark,
    config: DatasetConfig = DatasetConfig(),  # noqa: B008 - frozen
    counter: TokenCounter | None = None,
) -> Dataset:
    """The samples that `config` asks for, whole or the first `config.samples`.

    Without a path, synthetic or hub the benchmark's bundled file is read, where it has one; a path may be a folder
    that holds one of the benchmark's files. `counter` makes generated prompts as long as asked; without it they are
    as many words. Raises `UserError` if there is no file, it can't be read, or it has too few samples.
    """
    if config.synthetic is not None:
        reading = make_synthetic(config.synthetic, Request(benchmark, config, counter))
        name = synthetic_title(config.synthetic)
        return _made(name, SYNTHETIC, reading, total=len(reading.samples), generated=True)
    if config.hub is not None:
        request = Request(benchmark, config, counter)
        known, total, reading = _read(hub_rows(config.hub, config.samples), request, hub_title(config.hub))
        return _made(hub_title(config.hub), known.name, reading, total=total, generated=known.generates)
    file = _find(benchmark, config.path)
    data = read_file(file)
    refuse(file, data[:8])
    known, total, reading = _read(_rows(data, file), Request(benchmark, config, counter), str(file))
    return Dataset(
        name=_name(benchmark, file, reading.tokens_sha256),
        path=file,
        format=known.name,
        sha256=_content_sha256(reading.samples) if known.generates else hashlib.sha256(data).hexdigest(),
        total=total,
        samples=tuple(reading.samples),
        generated=config.path is None or known.generates,
        tokens_sha256=reading.tokens_sha256,
        note=reading.note,
    )


def _rows(data: bytes, file: Path) -> list[Row]:
    """Of a file's content, by what it is: the name decides only of old pickles, which begin with anything."""
    if data.startswith(PARQUET_START):
        return list(parquet_rows(data, file))
    if data.startswith(PICKLE_START) or file.suffix in PICKLES:
        return pickled_rows(data, file)
    return list(rows_of(data, file))


def _name(benchmark: Benchmark, file: Path, tokens: str) -> str:
    """The benchmark's own data set by its title; of MLPerf's a file's content decides, not what the file is called."""
    match copy_of(benchmark, tokens):
        case "official":
            return benchmark.dataset.title
        case "unverified":
            return f"{file.name} ({UNVERIFIED})"
        case "other":
            return f"{file.name} (not the benchmark's samples)"
    return benchmark.dataset.title if file.name in benchmark.dataset.files else file.name


def warmup_articles() -> list[str]:
    """Texts for the time before the clock starts: bundled articles that are in no dataset."""
    file = _bundled(WARMUP_FILE)
    return article_texts(list(rows_of(read_file(file), file)))


def _read(rows: list[Row], request: Request, name: str) -> tuple[RowFormat, int, Reading]:
    """The rows' format, how many samples they hold, and those that are asked for."""
    config = request.config
    if config.fields:
        rows = [renamed(row, config.fields) for row in rows]
    if not rows:
        raise UserError(f"dataset {name} has no samples.")
    known = format_of(rows, config.format)
    # Texts that aren't in the rows take time to make: only those that are asked for.
    reading = known.read(rows[: config.samples] if known.generates else rows, request)
    total = len(rows) if known.generates else len(reading.samples)
    if not total:
        raise UserError(f"dataset {name} has no samples: {reading.note}.")
    if config.samples is not None and config.samples > total:
        raise UserError(f"dataset {name} has {total} samples; {config.samples} were asked for.")
    samples = [_limited(sample, config.max_tokens) for sample in reading.samples[: config.samples]]
    return known, total, Reading(samples, reading.note, "" if known.generates else tokens_sha256(reading.samples))


def _limited(sample: Sample, most: int | None) -> Sample:
    return replace(sample, max_tokens=most) if most is not None and sample.max_tokens is None else sample


def _made(name: str, kind: str, reading: Reading, *, total: int, generated: bool) -> Dataset:
    return Dataset(
        name=name,
        path=None,
        format=kind,
        sha256=_content_sha256(reading.samples),
        total=total,
        samples=tuple(reading.samples),
        generated=generated,
        note=reading.note,
    )


def _content_sha256(samples: Sequence[Sample]) -> str:
    """Of every sample's fields as JSON, one line a sample."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(orjson.dumps(sample, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY))
    return digest.hexdigest()


def _bundled(name: str) -> Path:
    return Path(str(files("assay.datasets") / "bundled" / name))


def _find(benchmark: Benchmark, path: Path | None) -> Path:
    names = " or ".join(benchmark.dataset.files)
    if path is None:
        if benchmark.dataset.bundled:
            return _bundled(benchmark.dataset.files[0])
        if not names:
            raise UserError(
                f"benchmark {benchmark.name} brings no prompts: set dataset.path, dataset.synthetic or dataset.hub"
            )
        raise UserError(
            f"benchmark {benchmark.name} needs the dataset file {names}, which can't come with this package. "
            "docs/data.md says where to get it; then set dataset.path to the file or its folder."
        )
    path = path.expanduser()
    if not path.is_dir():
        return path
    for name in benchmark.dataset.files:
        if (path / name).is_file():
            return path / name
    raise UserError(f"dataset folder {path} has no {names}." if names else f"dataset {path} is a folder: name a file.")
