"""What isn't the same in two runs: configuration, versions, hardware."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from assay.analysis.flat import flat
from assay.analysis.run import RunAnalysis
from assay.runs.folder import RunFolder
from assay.safe_yaml import read_yaml


class Difference(BaseModel):
    """A fact that isn't the same in both runs."""

    model_config = ConfigDict(extra="forbid")

    where: str
    fact: str
    baseline: str
    other: str


def differences(base: RunAnalysis, other: RunAnalysis) -> list[Difference]:
    """Every fact of the runs' records, benchmarks, systems and configurations that isn't the same in both."""
    found = []
    for where, left, right in (
        ("run.json", _record_facts(base), _record_facts(other)),
        ("benchmark.json", flat(_benchmark(base)), flat(_benchmark(other))),
        ("system.json", flat(base.system), flat(other.system)),
        ("config.yaml", flat(_config(base.folder)), flat(_config(other.folder))),
    ):
        for fact in sorted(left.keys() | right.keys()):
            first, second = left.get(fact, "absent"), right.get(fact, "absent")
            if first != second:
                found.append(Difference(where=where, fact=fact, baseline=first, other=second))
    return found


def _record_facts(run: RunAnalysis) -> dict[str, str]:
    keep = ("assay_version", "model", "official", "samples", "target_qps", "simulated", "loadgen_version")
    facts = {key: str(getattr(run.record, key)) for key in keep}
    for endpoint in run.record.endpoints:
        data = endpoint.model_dump(mode="json", exclude={"name", "url"})
        facts |= flat(data, f"endpoint {endpoint.name}")
    return facts


def _benchmark(run: RunAnalysis) -> dict[str, Any]:
    return run.benchmark.model_dump(mode="json")


def _config(folder: RunFolder) -> Any:
    return (read_yaml(folder.config).data if folder.config.exists() else None) or {}
