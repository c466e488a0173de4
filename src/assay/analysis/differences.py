"""What isn't the same in two runs: configuration, versions, hardware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from assay.analysis.flat import flat
from assay.benchmarks import Benchmark
from assay.runs.record import RunRecord
from assay.safe_yaml import read_yaml

_OF_THE_MOMENT = frozenset(
    {
        *("utc_ns", "measured_utc", "load_1m", "disk_free_bytes", "memory_available_bytes"),
        *("temperature_c", "memory_used_bytes"),
    }
)
_MEASURED = ("client_calibration", "cpu_ceiling")


class Difference(BaseModel):
    """A fact that isn't the same in both runs."""

    model_config = ConfigDict(extra="forbid")

    where: str
    fact: str
    baseline: str
    other: str


@dataclass(frozen=True)
class Circumstances:
    """What a run was made with and on."""

    record: RunRecord
    benchmark: Benchmark
    system: Mapping[str, Any]
    config: Path
    """Its configuration's file, which need not be there."""


def differences(base: Circumstances, other: Circumstances) -> list[Difference]:
    """Every fact of the runs' records, benchmarks, systems and configurations that isn't the same in both.

    How full a disk was, or how warm a card, as the run began is of its moment: two runs never agree in it.
    """
    found = []
    for where, left, right in (
        ("run.json", _record_facts(base.record), _record_facts(other.record)),
        ("benchmark.json", flat(_plain(base.benchmark)), flat(_plain(other.benchmark))),
        ("system.json", _system_facts(base.system), _system_facts(other.system)),
        ("config.yaml", flat(_config(base.config)), flat(_config(other.config))),
    ):
        for fact in sorted(left.keys() | right.keys()):
            first, second = left.get(fact, "absent"), right.get(fact, "absent")
            if first != second:
                found.append(Difference(where=where, fact=fact, baseline=first, other=second))
    return found


def _record_facts(record: RunRecord) -> dict[str, str]:
    keep = ("assay_version", "model", "official", "samples", "target_qps", "simulated", "loadgen_version")
    facts = {key: str(getattr(record, key)) for key in keep}
    for endpoint in record.endpoints:
        data = endpoint.model_dump(mode="json", exclude={"name", "url", "memory"})
        facts |= flat(data, f"endpoint {endpoint.name}")
    return facts


def _system_facts(system: Mapping[str, Any]) -> dict[str, str]:
    lasting = {name: value for name, value in system.items() if name not in _MEASURED}
    return {fact: value for fact, value in flat(lasting).items() if fact.rpartition(".")[2] not in _OF_THE_MOMENT}


def _plain(benchmark: Benchmark) -> dict[str, Any]:
    return benchmark.model_dump(mode="json")


def _config(path: Path) -> Any:
    return (read_yaml(path).data if path.exists() else None) or {}
