"""`benchmark.json`: what a run or a campaign measured, as it was then; all that reads a run folder reads this."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from assay.benchmarks.model import Benchmark
from assay.benchmarks.registry import benchmark_names, get_benchmark
from assay.errors import UserError
from assay.runs import CampaignFolder, RunFolder, Stored, read_model, read_record, write_json
from assay.safe_yaml import read_yaml


class RecordedBenchmark(Benchmark, Stored):
    """The versioned contract of `benchmark.json`."""

    WHAT: ClassVar[str] = "a benchmark's definition"

    version: Literal[1] = Field(default=1, description="of this file's form")


def benchmark_json_schema() -> dict[str, Any]:
    """The JSON schema of `benchmark.json`, also shipped as `benchmarks/benchmark.schema.json`."""
    return RecordedBenchmark.model_json_schema()


def write_benchmark(path: Path, benchmark: Benchmark) -> None:
    """Write the definition, resolved, as `benchmark.json`."""
    write_json(path, RecordedBenchmark.model_validate(benchmark.model_dump()))


def run_benchmark(folder: RunFolder) -> Benchmark:
    """What a run measured. Raises UserError where `benchmark.json` can't be read, or an older run's can't be found."""
    return _read(folder.benchmark) or _of_older_run(folder)


def campaign_benchmark(folder: CampaignFolder) -> Benchmark | None:
    """What a campaign measures; None where it was begun before campaigns held it. Raises UserError as above."""
    return _read(folder.benchmark)


def _read(path: Path) -> Benchmark | None:
    recorded = read_model(path, RecordedBenchmark)
    return None if recorded is None else Benchmark.model_validate(recorded.model_dump(exclude={"version"}))


def _of_older_run(folder: RunFolder) -> Benchmark:
    """Runs made before `benchmark.json` name a benchmark of this package, or the user's file."""
    name = read_record(folder).benchmark
    if name in benchmark_names():
        return get_benchmark(name)
    try:
        return get_benchmark(read_yaml(folder.config).data["benchmark"])
    except (KeyError, TypeError, UserError) as error:
        raise UserError(
            f"{folder.path}: has no {folder.benchmark.name}, and its benchmark {name!r} is none of this package's nor "
            f"found by its {folder.config.name} ({error}); run this where that file is"
        ) from None
