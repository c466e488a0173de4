"""What a run folder's figures rest on is there."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, run_rule, supported, unsupported


@run_rule(
    "missing-files",
    explain="""
The figures of a run that ended rest on files of its folder: the ledger, the samples' records, the course of the load,
telemetry, the configuration, what it ran on; LoadGen's two logs; and in accuracy mode its accuracy log and the answers
in words. Where one is missing, other rules have nothing to look at and are silent; the figures that rested on it are
then nobody's but their writer's. (A run that was closed after an interruption may say that it has no telemetry.)
""",
    source="docs/run-folder.md: the files that a run leaves",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.origin is not Origin.RUN or not run.finished or not run.rests_on:
        return
    missing = {file: what for file, (there, what) in run.rests_on.items() if not there}
    for file, what in missing.items():
        yield unsupported(what, f"rested on {file}, which is missing")
    if not missing:
        yield supported("the files that figures rest on are there", ", ".join(run.rests_on))
