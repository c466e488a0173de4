"""The files of a run speak of the same run."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported


@run_rule(
    "names-agree",
    explain="""
The run's id, benchmark, scenario, mode, driver, model, engine and status stand in several files of its folder:
run.json, result.json, benchmark.json, config.yaml. They are the same in all that name them. Endpoints whose engine is
the simulator, or that said so themselves, make the run a simulated one.
""",
    source="docs/run-folder.md: what each file says",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.origin is not Origin.RUN or run.folder is None:
        return
    found = []
    for thing, by_file in run.folder.names.items():
        if len(set(by_file.values())) > 1:
            (first, word), *others = by_file.items()
            said = "; ".join(f"{file} says {other}" for file, other in others if other != word)
            found.append(contradicted(f"{thing} {word} ({first})", said))
    record = run.folder.record
    simulators = [
        endpoint.name for endpoint in record.endpoints if endpoint.engine == "simulated" or endpoint.simulated
    ]
    if simulators and not record.simulated:
        found.append(contradicted("the run isn't simulated", f"{', '.join(simulators)} is the simulator"))
    yield from found
    if not found:
        yield supported("its files speak of one run", ", ".join(run.folder.names))
