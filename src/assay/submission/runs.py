"""The runs that are to be submitted: read from their folders, and brought together by benchmark and scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.benchmarks import Benchmark, run_benchmark
from assay.errors import UserError
from assay.runs import (
    CampaignFolder,
    Result,
    RunFolder,
    RunRecord,
    SystemRecord,
    check_run,
    read_campaign,
    read_model,
    read_record,
    read_result,
)
from assay.safe_yaml import read_yaml

Problems = dict[str, list[str]]
"""What keeps something from being submitted: each reason, by the run or the result that it is of."""


def joined(*found: Problems) -> Problems:
    """All of them, what is of one run or result together."""
    whole: Problems = {}
    for name, reasons in (item for problems in found for item in problems.items()):
        whole.setdefault(name, []).extend(reasons)
    return whole


@dataclass(frozen=True)
class OutsideScores:
    """What a program other than Assay made of a run's answers."""

    text: str
    """Its `accuracy.txt`, without a hash of the log."""
    sha256: str
    """Of that file as it was given."""
    scores: dict[str, float]
    gate: str
    """The benchmark's quality gate over these scores."""
    problems: tuple[str, ...]
    """What shows that they are of other answers."""


@dataclass(frozen=True)
class SubmittedRun:
    """One run with what its folder says of it."""

    folder: RunFolder
    record: RunRecord
    result: Result
    benchmark: Benchmark
    system: SystemRecord | None
    config: dict[str, Any]
    changed: list[str]
    """What isn't as it was when the run was closed."""
    outside: OutsideScores | None = None
    """The scores of its answers, where Assay is asked for some and didn't make them."""

    @property
    def part(self) -> str:
        """What it is of its result: performance, accuracy, or the name of a compliance test."""
        return self.record.compliance or self.record.mode

    @property
    def to_be_scored(self) -> bool:
        """It is submitted with a score of its answers."""
        return self.part in ("accuracy", "TEST07")


@dataclass(frozen=True)
class Entry:
    """What is submitted of one benchmark in one scenario."""

    benchmark: str
    scenario: str
    parts: dict[str, SubmittedRun] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.benchmark} {self.scenario}"

    @property
    def runs(self) -> list[SubmittedRun]:
        return list(self.parts.values())


def read_runs(paths: Sequence[Path]) -> tuple[list[SubmittedRun], Problems]:
    """The runs of run folders and campaigns, each once, and what keeps others from being read as such.

    Raises UserError where a path is neither.
    """
    runs: dict[Path, SubmittedRun] = {}
    problems: Problems = {}
    for path in paths:
        for name, folder in _folders(path, problems):
            try:
                runs.setdefault(folder.path.resolve(), _read(folder))
            except UserError as error:
                problems.setdefault(name, []).append(str(error))
    return list(runs.values()), problems


def _folders(path: Path, problems: Problems) -> list[tuple[str, RunFolder]]:
    campaign = CampaignFolder(path)
    if not campaign.state.is_file():
        folder = RunFolder(path)
        if not folder.record.is_file():
            raise UserError(f"{path}: neither a run folder (run.json) nor a campaign's (campaign.json)")
        return [(folder.id, folder)]
    found = []
    for entry in read_campaign(campaign).runs:
        if entry.planning:
            continue
        if entry.run is None:
            again = f"`assay run --resume {path}` carries it out"
            problems.setdefault(entry.key, []).append(f"planned, and not carried out; {again}")
        else:
            found.append((entry.run, campaign.run(entry.run)))
    return found


def _read(folder: RunFolder) -> SubmittedRun:
    """Raises UserError where a file can't be read, or the run wasn't closed."""
    record = read_record(folder)
    result = read_result(folder)
    if result is None:
        raise UserError(f"the run is {record.status}: it has no {folder.result.name}")
    config = read_yaml(folder.config).data
    return SubmittedRun(
        folder=folder,
        record=record,
        result=result,
        benchmark=run_benchmark(folder),
        system=read_model(folder.system, SystemRecord),
        config=config if isinstance(config, dict) else {},
        changed=check_run(folder, record).differences,
    )


def gather(runs: Sequence[SubmittedRun]) -> tuple[list[Entry], Problems]:
    """The results that the runs make, in their order; two runs for one place are a problem."""
    entries: dict[tuple[str, str], Entry] = {}
    problems: Problems = {}
    for run in runs:
        place = run.benchmark.name, run.record.scenario
        entry = entries.setdefault(place, Entry(*place))
        if run.part in entry.parts:
            others = f"{entry.parts[run.part].folder.id} and {run.folder.id}"
            words = f"two {run.part} runs, {others}: name the runs to submit one by one instead of their campaign"
            other_system = "where they are of two systems, --system RUN=FILE for each"
            problems.setdefault(entry.name, []).append(f"{words}; {other_system}")
        else:
            entry.parts[run.part] = run
    return list(entries.values()), problems
