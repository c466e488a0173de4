"""Finding a benchmark: the package's own by name, a user's by the path of a YAML file."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError

from assay.benchmarks.model import Benchmark
from assay.errors import UserError
from assay.quantities import NO_NUMBER, truths_misread
from assay.safe_yaml import read_yaml


@cache
def _built_in() -> dict[str, Benchmark]:
    """Every module beside this one that defines `BENCHMARK`."""
    package = __name__.rpartition(".")[0]
    modules = (import_module(f"{package}.{info.name}") for info in pkgutil.iter_modules([str(Path(__file__).parent)]))
    found = [module.BENCHMARK for module in modules if hasattr(module, "BENCHMARK")]
    return {benchmark.name: benchmark for benchmark in sorted(found, key=lambda benchmark: benchmark.name)}


def benchmark_names() -> tuple[str, ...]:
    """The names of the built-in benchmarks, sorted."""
    return tuple(_built_in())


def is_benchmark_file(name_or_path: str) -> bool:
    """Whether a benchmark's name is the path of a user's own."""
    return name_or_path.endswith((".yaml", ".yml"))


def get_benchmark(name_or_path: str | Path) -> Benchmark:
    """A built-in benchmark by its name, or the one that a YAML file defines.

    Raises `UserError` if there is no such name or file, or if the file doesn't define a benchmark.
    """
    text = str(name_or_path)
    if text in _built_in():
        return _built_in()[text]
    if isinstance(name_or_path, Path) or is_benchmark_file(text):
        return _read(Path(text).expanduser())
    raise UserError(
        f"benchmark {text!r} is not known. Give one of {', '.join(benchmark_names())}, or the path of a .yaml file."
    )


def _read(path: Path) -> Benchmark:
    data = read_yaml(path).data
    if not isinstance(data, dict):
        raise UserError(f"benchmark file {path}: expected fields such as 'name:' and 'dataset:' at the top level.")
    try:
        own = Benchmark.model_validate(data)
    except ValidationError as error:
        raise UserError(f"benchmark file {path}: {_explain(error)}") from error
    if places := [".".join(map(str, place)) for place in truths_misread(data, own)]:
        raise UserError(f"benchmark file {path}: {'; '.join(f'{place}: {NO_NUMBER}' for place in places)}")
    if own.mlperf and not _same_measurement(own, _built_in().get(own.name)):
        raise UserError(
            f"benchmark file {path}: mlperf: {own.name} isn't defined so by MLPerf's rules; leave mlperf out, or name "
            "a benchmark of this package"
        )
    return own


def _same_measurement(own: Benchmark, official: Benchmark | None) -> bool:
    """Whether they differ in words for readers at most."""
    words = {"title", "notice"}
    return official is not None and own.model_dump(exclude=words) == official.model_dump(exclude=words)


def _explain(error: ValidationError) -> str:
    """One clause a mistake, each with the field's dotted path."""
    clauses = []
    for mistake in error.errors():
        field = ".".join(str(part) for part in mistake["loc"]) or "the whole file"
        reason = mistake["msg"].removeprefix("Value error, ")
        clauses.append(f"{field}: {reason[:1].lower()}{reason[1:]}")
    return "; ".join(clauses) + "."
