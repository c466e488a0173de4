"""What pages follow: read when asked, as new as its files are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from assay.analysis.names import titles_of
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, read_campaign
from assay.runs.campaign import find_campaigns
from assay.runs.index import row_of
from assay.serving.words import harmless
from assay.watch.follow import Follower
from assay.watch.web.campaign_view import CampaignView, Planned
from assay.watch.web.hardware_view import DRAWN
from assay.watch.web.index_view import index_view
from assay.watch.web.parts import View


class Source(Protocol):
    """Something to follow. `look` reads files: never on the event loop."""

    def look(self) -> View: ...


class CampaignSource:
    """A campaign, or one run of it."""

    def __init__(self, folder: CampaignFolder, run: str | None = None) -> None:
        self._folder = folder
        self._follower = Follower(folder, run, kept=DRAWN)
        self._view = CampaignView(folder)
        self._state: CampaignState | None = None
        self._planned: list[Planned] = []

    def look(self) -> View:
        try:
            scene = self._follower.poll()
        except (UserError, OSError) as error:
            return View({"problem": harmless(str(error))})
        if scene.state is not self._state:
            self._state = scene.state
            titles = titles_of(scene.state.runs)
            self._planned = [
                Planned(titles[entry.key], entry, row_of(self._folder, scene.state, entry, []))
                for entry in scene.state.runs
            ]
        return self._view.of(scene, self._planned)


class IndexSource:
    """All campaigns in a folder of results."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._known: dict[Path, tuple[int, CampaignState | str]] = {}

    def look(self) -> View:
        campaigns: list[tuple[CampaignFolder, CampaignState]] = []
        problems: list[str] = []
        for folder in campaigns_in(self._results):
            read = self._read(folder)
            if isinstance(read, str):
                problems.append(read)
            else:
                campaigns.append((folder, read))
        return index_view(campaigns, problems)

    def _read(self, folder: CampaignFolder) -> CampaignState | str:
        """Its state, or why it can't be read; read again only where the file has changed."""
        try:
            changed_ns = folder.state.stat().st_mtime_ns
        except OSError as error:
            return f"{folder.path}: {error.strerror or error}"
        known = self._known.get(folder.path)
        if known is None or known[0] != changed_ns:
            try:
                known = changed_ns, read_campaign(folder)
            except UserError as error:
                known = changed_ns, str(error)
            self._known[folder.path] = known
        return known[1]


def campaigns_in(results: Path) -> list[CampaignFolder]:
    """The campaigns in the folder, the oldest first."""
    return [folder for folder in find_campaigns(results) if _within(results, folder)]


def campaign_in(results: Path, name: str) -> CampaignFolder | None:
    """The campaign in the folder `name`; None where there is none."""
    folder = CampaignFolder(results / name)
    try:
        return folder if folder.state.is_file() and _within(results, folder) else None
    except OSError:  # such as a name longer than a file's may be
        return None


def _within(results: Path, folder: CampaignFolder) -> bool:
    """A link out of the folder may lead to what isn't for those who look."""
    return folder.state.resolve().is_relative_to(results.resolve())
