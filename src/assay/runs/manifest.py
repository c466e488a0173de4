"""`manifest.json`: what the files of a closed run or campaign were, by SHA-256, and whether they still are.

A manifest is written when its folder is closed. What is rendered from the other files isn't in it, and may be rendered
again; nothing else of a closed run is ever written, and no run's manifest is ever made again.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from assay import __version__
from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.atomic import write_json
from assay.runs.folder import MANIFEST, ReportFolder, RunFolder
from assay.runs.record import RunRecord
from assay.runs.stored import Stored, read_model

_RUN = RunFolder(Path())
_REPORT = ReportFolder(Path())
RENDERED = (
    *(path.name for path in (_REPORT.html, _REPORT.markdown, _REPORT.data, _REPORT.findings, _RUN.report_log)),
    f"{_REPORT.charts.name}/",
)
"""What a report consists of: files, and folders with a slash."""
_JOURNALS = f"{_RUN.parts.name}/"
_LEFTOVER = re.compile(r"^\.(?P<name>.+)\.[a-z0-9_]{8}$")
"""What a killed process leaves of a file that it was about to rename into place."""


class Manifest(Stored):
    """What the manifests of runs and of campaigns have in common."""

    WHAT: ClassVar[str] = "a manifest"
    MEND: ClassVar[str] = "restore it from a copy: nothing else says what the files were"

    version: Literal[1] = 1
    id: str
    assay_version: str = __version__
    files: dict[str, str] = Field(default_factory=dict, description="path from here: SHA-256 of the file")
    rendered: list[str] = Field(
        default=list(RENDERED), description="made from the files, and left out: it may be rendered again"
    )


class RunManifest(Manifest):
    """A run's."""

    kind: Literal["run"] = "run"
    plan_sha256: str = Field(description="of the campaign's plan as the run was closed; empty: of no campaign")


@dataclass(frozen=True)
class Checked:
    """A folder held against its manifest. The lists name files and folders, by their paths from the folder."""

    sha256: str | None
    """Of the manifest itself; None: there is none."""
    due: bool
    """Whether there must be one: earlier versions wrote none, and a run that isn't closed has none yet."""
    files: int = 0
    """How many it names."""
    closed: bool = True
    """False of what isn't over, or was killed: its files may still change."""
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Runs that were carried out under another plan than this campaign's."""
    unsealed: list[str] = field(default_factory=list)
    """Runs that the campaign knows and that have no manifest."""
    problem: str = ""
    """Why it can't be read."""

    @property
    def words(self) -> str:
        """One line for readers; empty of a run that isn't closed."""
        if self.problem:
            return f"can't be read: {self.problem}"
        if self.sha256 is None and self.due:
            return "missing: it was written when this was closed"
        if self.sha256 is None:
            before = (
                "none: this was made before manifests were written, and nothing says whether its files are the same"
            )
            return before if self.closed else ""
        if self.differences:
            return f"sha256 {self.sha256}; not as it was closed: {len(self.differences)} differences"
        if not self.closed:
            return f"sha256 {self.sha256}; open: the campaign isn't over"
        return f"sha256 {self.sha256}; all {self.files} files that it names are as they were closed"

    @property
    def differences(self) -> list[str]:
        """Each in a few words; empty where all is as it was."""
        lists = {
            "changed": self.changed, "missing": self.missing, "added": self.added, "of another plan": self.foreign
        }  # fmt: skip
        found = [f"{name}: {word}" for word, names in lists.items() for name in names]
        if self.problem:
            found.append(self.problem)
        if self.due and self.sha256 is None:
            found.append(f"{MANIFEST}: missing")
        return found


def write_run_manifest(folder: RunFolder, plan_sha256: str) -> None:
    """Write the manifest of a run of which everything else is written."""
    files = hashes(folder.path, leave_out=(*RENDERED, _JOURNALS))
    write_json(folder.manifest, RunManifest(id=folder.id, plan_sha256=plan_sha256, files=files))


def read_run_manifest(folder: RunFolder) -> RunManifest | None:
    """A run's manifest; None where there is none. Raises UserError where it can't be read."""
    return read_model(folder.manifest, RunManifest)


def check_run(folder: RunFolder, record: RunRecord) -> Checked:
    """Hold a run's files against its manifest. Never fails: what can't be read is a problem."""
    try:
        manifest = read_run_manifest(folder)
        if manifest is None:
            is_closed = folder.result.exists() and not folder.parts.exists()
            return Checked(None, due=record.has_manifest and is_closed, closed=is_closed)
        found = hashes(folder.path, leave_out=(*RENDERED, _JOURNALS))
        digest = sha256_of(folder.manifest)
    except (UserError, OSError) as error:
        return Checked("", due=True, problem=str(error))
    return compared(manifest.files, found, digest)


def compared(named: dict[str, str], found: dict[str, str], digest: str | None) -> Checked:
    """What a manifest names beside what is there."""
    return Checked(
        digest,
        due=True,
        files=len(named),
        changed=[name for name, sha256 in named.items() if name in found and found[name] != sha256],
        missing=[name for name in named if name not in found],
        added=[name for name in found if name not in named],
    )


def sha256_of(path: Path) -> str | None:
    """Of a file, hexadecimal; None where there is none. Raises OSError where it can't be read."""
    try:
        with plain(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def hashes(folder: Path, leave_out: tuple[str, ...]) -> dict[str, str]:
    """The SHA-256 of each file below a folder, by its path from there, sorted; manifests' own files are left out.

    `leave_out` are names of files and, with a slash, of folders that lie in it. What is no regular file, a link to a
    folder included, has an empty hash. Raises OSError where a file can't be read.
    """
    return {
        path.relative_to(folder).as_posix(): (sha256_of(path) or "") if _regular(path) else ""
        for path in sorted(_paths(folder, {MANIFEST, f"{MANIFEST}.sig", *leave_out}))
    }


def _paths(folder: Path, leave_out: set[str]) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        top = Path(place) == folder
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not (top and f"{name}/" in leave_out)]
        for name in (*files, *links):
            if not (top and _plain(name) in leave_out):
                yield Path(place) / name


def _plain(name: str) -> str:
    found = _LEFTOVER.match(name)
    return found["name"] if found else name


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:  # a link that leads nowhere
        return False
