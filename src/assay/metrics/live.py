"""The campaign that this process carries out, read anew for whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from assay import __version__
from assay.errors import AssayError
from assay.metrics import table
from assay.metrics.family import Family
from assay.metrics.reading import families
from assay.runs import CampaignFolder, read_record
from assay.watch import Follower, Scene


@dataclass(frozen=True)
class Look:
    """What was known at one moment."""

    families: list[Family]
    began_ns: int | None = None
    """UTC, since when the run's counters count; None before its load."""


class Live:
    """Reads files that anyone may watch, in the thread of whoever asks: what is measured never waits for it."""

    def __init__(self, folder: Callable[[], CampaignFolder | None]) -> None:
        """`folder`: the campaign's, once there is one."""
        self._folder = folder
        self._lock = threading.Lock()  # several may ask at once, and a follower goes on from where it was
        self._follower: Follower | None = None
        self._run: str | None = None
        self._nodes: dict[str, str] = {}

    def look(self) -> Look:
        """What is known now. Files that can't be read are told as that, and fail nothing."""
        always = [Family(table.BUILD, [((__version__,), 1)])]
        with self._lock:
            try:
                found = self._read()
            except (AssayError, OSError):
                return Look([*always, Family(table.UP, [((), 0)])])
        return Look([*always, Family(table.UP, [((), 1)]), *found.families], found.began_ns)

    def _read(self) -> Look:
        if self._follower is None and (folder := self._folder()) is not None:
            self._follower = Follower(folder)
        if self._follower is None:
            return Look([])
        scene = self._follower.poll()
        newest = scene.course.newest
        began_ns = None if newest is None else newest.utc_ns - newest.elapsed_ns
        return Look(families(scene, self._nodes_of(self._follower.folder, scene)), began_ns)

    def _nodes_of(self, folder: CampaignFolder, scene: Scene) -> dict[str, str]:
        """The node of each endpoint of the run; nothing before its record is written."""
        run = None if scene.run is None else scene.run.run
        if run is not None and run != self._run and folder.run(run).record.exists():
            self._nodes = {endpoint.name: endpoint.node for endpoint in read_record(folder.run(run)).endpoints}
            self._run = run
        return self._nodes if run == self._run else {}
