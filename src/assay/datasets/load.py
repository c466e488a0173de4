"""From a benchmark and perhaps a path to the dataset it asks for."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from assay.benchmarks import Benchmark
from assay.config import DatasetConfig
from assay.datasets.model import Dataset
from assay.datasets.readers import read_article_texts, read_articles, read_mlperf
from assay.errors import UserError

WARMUP_FILE = "warmup.jsonl"


def load_dataset(benchmark: Benchmark, config: DatasetConfig = DatasetConfig()) -> Dataset:  # noqa: B008 - frozen
    """Read the benchmark's dataset, whole or its first `config.samples` samples.

    `config.path` is a file (`.json`: MLPerf's layout, `.jsonl`: articles) or a folder that holds one of the benchmark's
    files; without it the bundled file is read, where the benchmark has one. The checksum is of the whole file.
    Raises `UserError` if there is no file, it can't be read, or it has fewer samples than asked for.
    """
    samples = config.samples
    file = _find(benchmark, config.path)
    data = _read(file)
    if file.suffix == ".jsonl":
        kind, found = "articles", read_articles(data, file, benchmark.prompt)
    elif file.suffix == ".json":
        kind, found = "mlperf", read_mlperf(data, file)
    else:
        raise UserError(f"dataset {file}: expected a .json file (MLPerf's layout) or a .jsonl file (articles).")
    if not found:
        raise UserError(f"dataset {file} has no samples.")
    if samples is not None and not 0 < samples <= len(found):
        raise UserError(f"dataset {file} has {len(found)} samples; {samples} were asked for.")
    return Dataset(
        name=benchmark.dataset.title if file.name in benchmark.dataset.files else file.name,
        path=file,
        format=kind,
        sha256=hashlib.sha256(data).hexdigest(),
        total=len(found),
        samples=tuple(found[:samples]),
        generated=config.path is None,
    )


def load_warmup(benchmark: Benchmark) -> list[str]:
    """Prompts for the time before the clock starts: bundled articles that are in no dataset."""
    file = _bundled(WARMUP_FILE)
    return [benchmark.prompt(article) for article in read_article_texts(_read(file), file)]


def _bundled(name: str) -> Path:
    return Path(str(files("assay.datasets") / "bundled" / name))


def _find(benchmark: Benchmark, path: Path | None) -> Path:
    names = " or ".join(benchmark.dataset.files)
    if path is None:
        if benchmark.dataset.bundled:
            return _bundled(benchmark.dataset.files[0])
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
    raise UserError(f"dataset folder {path} has no {names}.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"dataset {file}: {error.strerror or error}.") from error
