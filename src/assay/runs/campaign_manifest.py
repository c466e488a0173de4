"""A campaign's `manifest.json`: its own files and its runs' manifests.

It is open while runs may be added: then it holds the runs that are closed, so that none of them can be exchanged
between two sittings. Closed, it holds everything. A run that is in it stays in it with the hash that it first had,
whatever becomes of its folder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from assay.errors import UserError
from assay.runs.atomic import write_json
from assay.runs.campaign import CampaignFolder, CampaignState, read_campaign
from assay.runs.folder import MANIFEST, RunFolder
from assay.runs.manifest import RENDERED, Checked, Manifest, check_run, compared, hashes, read_run_manifest, sha256_of
from assay.runs.reading import read_record
from assay.runs.stored import read_model, require_model

_FOLDER = CampaignFolder(Path())
WORKING = (_FOLDER.lock.name, _FOLDER.deployment.name, f"{_FOLDER.trials.name}/", "servers/")
"""Of processes that may outlive a campaign: the servers', and of `assay stop`."""
_RUNS = f"{_FOLDER.runs.name}/"
_SHOWN = 5


class CampaignManifest(Manifest):
    """A campaign's."""

    kind: Literal["campaign"] = "campaign"
    closed: bool = Field(default=False, description="false: runs may be added, and `files` is empty")
    plans: list[str] = Field(
        default_factory=list, description="SHA-256 of each plan that a run was closed under, the latest last"
    )
    runs: dict[str, str | None] = Field(
        default_factory=dict,
        description="run: SHA-256 of its manifest; null: it has none, an earlier version made it or it isn't closed",
    )
    working: list[str] = Field(default=list(WORKING), description="left out: servers and `assay stop` write it")


def read_campaign_manifest(folder: CampaignFolder) -> CampaignManifest | None:
    """A campaign's manifest; None where there is none. Raises UserError where it can't be read."""
    return read_model(folder.manifest, CampaignManifest)


def open_manifest(folder: CampaignFolder) -> None:
    """Begin a sitting: runs may be added, and the campaign's own files may change.

    Raises UserError where they aren't as the last one left them, which a new manifest would hide.
    """
    known = read_campaign_manifest(folder)
    if known is None:
        write_json(folder.manifest, CampaignManifest(id=folder.path.name))
        return
    if not known.closed:
        return
    if others := compared(known.files, _own_files(folder), sha256_of(folder.manifest)).differences:
        more = f", and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise UserError(
            f"{folder.path} isn't as it was closed ({MANIFEST}), and going on would hide it: "
            f"{', '.join(others[:_SHOWN])}{more}; restore what was there, or start a new campaign"
        )
    write_json(folder.manifest, known.model_copy(update={"closed": False, "files": {}}))


def note_run(folder: CampaignFolder, run: RunFolder) -> None:
    """Take a closed run's manifest into the open one; one that is known stays as it is, one without is passed over."""
    known = read_campaign_manifest(folder)
    own = read_run_manifest(run)
    if known is None or own is None or known.runs.get(run.id) is not None:
        return
    if run.id in known.runs and not read_record(run).has_manifest:  # an earlier version's: it came later
        return
    known.runs[run.id] = sha256_of(run.manifest)
    if own.plan_sha256 not in known.plans:
        known.plans.append(own.plan_sha256)
    write_json(folder.manifest, known)


def close_manifest(folder: CampaignFolder, state: CampaignState) -> None:
    """End a sitting: the manifest holds every run whose load was started, and the campaign's own files."""
    runs = [run for run in map(folder.run, _named(state)) if run.result.exists() or run.plan.exists()]
    for run in runs:
        note_run(folder, run)
    known = require_model(
        folder.manifest, CampaignManifest, f"{folder.manifest} is gone: somebody removed it meanwhile"
    )
    for run in runs:
        known.runs.setdefault(run.id, None)
    plan = state.plan_sha256
    known.plans = [*(other for other in known.plans if other != plan), plan]
    write_json(folder.manifest, known.model_copy(update={"closed": True, "files": _own_files(folder)}))


def check_campaign(folder: CampaignFolder) -> Checked:
    """Hold a campaign's own files, its runs' manifests and its interrupted runs' files against the manifests.

    The files of the others are `check_run`'s. Never fails: what can't be read is a problem.
    """
    try:
        state = read_campaign(folder)
        manifest = read_campaign_manifest(folder)
        if manifest is None:
            return Checked(None, due=state.has_manifest)
        found = _own_files(folder) if manifest.closed else {}
        checked = compared(manifest.files, found, sha256_of(folder.manifest))
        _check_runs(checked, manifest, folder, state)
    except (UserError, OSError) as error:
        return Checked("", due=True, problem=str(error))
    return replace(checked, closed=manifest.closed)


def check_all(folder: CampaignFolder) -> list[str]:
    """Every difference between a campaign and its manifests, its runs' files included, in a few words each."""
    found = check_campaign(folder).differences
    for run in sorted(path for path in folder.runs.glob("*") if RunFolder(path).record.is_file()):
        checked = check_run(RunFolder(run), read_record(RunFolder(run)))
        found += [f"{_RUNS}{run.name}/{words}" for words in checked.differences]
    return list(dict.fromkeys(found))


def _check_runs(checked: Checked, manifest: CampaignManifest, folder: CampaignFolder, state: CampaignState) -> None:
    for name, sha256 in manifest.runs.items():
        run, place = folder.run(name), f"{_RUNS}{name}"
        now = sha256_of(run.manifest)
        if not run.path.is_dir():
            checked.missing.append(place)
        elif sha256 is None:
            checked.unsealed.append(name)
            checked.added.extend([f"{place}/{MANIFEST}"] if now else [])
        elif now is None:
            checked.missing.append(f"{place}/{MANIFEST}")
        elif now != sha256:
            checked.changed.append(f"{place}/{MANIFEST}")
        elif (own := read_run_manifest(run)) is not None and own.plan_sha256 not in manifest.plans:
            checked.foreign.append(place)
    for name in dict.fromkeys(name for entry in state.runs for name in entry.earlier):
        _check_files(checked, folder.run(name))
    named = set(_named(state))
    for path in sorted(folder.runs.glob("*")):
        # Of those that the plan names, a run in progress isn't in the manifest yet, and one without a load never is.
        unknown = path.name not in named or (manifest.closed and RunFolder(path).result.exists())
        if unknown and path.name not in manifest.runs:
            checked.added.append(f"{_RUNS}{path.name}")


def _check_files(checked: Checked, run: RunFolder) -> None:
    """An interrupted try's: no figure is made of it, so nobody else looks at its files."""
    if not run.record.exists():
        return
    own = check_run(run, read_record(run))
    for mine, theirs in ((checked.changed, own.changed), (checked.missing, own.missing), (checked.added, own.added)):
        mine.extend(f"{_RUNS}{run.id}/{name}" for name in theirs)


def _named(state: CampaignState) -> list[str]:
    """Run folders that the plan names, in its order."""
    return [name for entry in state.runs for name in (*entry.earlier, entry.run) if name is not None]


def _own_files(folder: CampaignFolder) -> dict[str, str]:
    return hashes(folder.path, leave_out=(*RENDERED, *WORKING, _RUNS))
