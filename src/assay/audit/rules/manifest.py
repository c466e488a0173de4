"""A closed folder's files are those that it was closed with."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, contradicted, evidence_rule, run_rule, supported, unsupported
from assay.runs.folder import MANIFEST
from assay.runs.manifest import Checked

_CHANGED = f"its SHA-256 isn't the one in {MANIFEST}"


@run_rule(
    "manifest",
    explain="""
Closing a run writes manifest.json: the SHA-256 of each of its files. A file that changed since contradicts it; one that
is missing, or that was added, is named. Reports and charts are left out, for they are rendered from the other files and
may be rendered again. A run of a version that wrote no manifest is not judged.
""",
    source=f"{MANIFEST} of the run; docs/run-folder.md: the manifest",
)
def run_manifest(run: RunEvidence) -> Iterator[Check]:
    if run.manifest is not None:
        yield from _checks(run.manifest)


@evidence_rule(
    "campaign-manifest",
    explain="""
A campaign's manifest.json holds the SHA-256 of its own files, of its plan, and of the manifest of each run that was
carried out. A run that is gone, exchanged, added, or that was carried out under another plan is named, and so is each
of the campaign's own files that changed. While a campaign isn't over its manifest holds the runs that ended.
""",
    source=f"{MANIFEST} of the campaign; docs/run-folder.md: the manifest",
)
def campaign_manifest(evidence: Evidence) -> Iterator[Check]:
    if evidence.manifest is not None:
        yield from _checks(evidence.manifest)


def _checks(found: Checked) -> Iterator[Check]:
    if found.problem:
        yield contradicted(f"{MANIFEST} says what the files were", f"it can't be read: {found.problem}")
        return
    if found.sha256 is None:
        if found.due:
            yield unsupported("the files are those that were measured", f"{MANIFEST} is missing")
        return
    for name in found.changed:
        yield contradicted(f"{name} is as it was closed", _CHANGED)
    for name in found.foreign:
        yield contradicted(f"{name} is of this campaign", "its manifest names another plan than the campaign had")
    for name in found.missing:
        yield unsupported(f"{name} is there", f"it is missing, and {MANIFEST} names it")
    for name in found.added:
        yield unsupported(f"{name} was there at the end", f"{MANIFEST} doesn't name it")
    if not found.differences:
        yield supported("what was closed is as it was", found.words)
