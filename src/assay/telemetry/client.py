"""How busy the load's own processes are, as this machine's kernel counts it: nothing is asked of them."""

from __future__ import annotations

import psutil

_MODULES = ("assay.load.driver", "assay.load.worker")
_LOOKED_FOR_EVERY = 10


class ClientProcesses:
    """The processes of the load that this process started, by what they run."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}
        self._looks = 0

    def busiest(self) -> float | None:
        """Of one core, %, since the last look, by the process that used most; None where none has been seen twice."""
        shares = []
        for number, process in list(self._known.items()):
            try:
                shares.append(process.cpu_percent())
            except psutil.Error:  # it has ended
                del self._known[number]
        if self._looks % _LOOKED_FOR_EVERY == 0 or not self._known:
            self._look()
        self._looks += 1
        return max(shares, default=None)

    def _look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            try:
                if process.pid not in self._known and any(word in _MODULES for word in process.cmdline()):
                    process.cpu_percent()  # the first call only sets the mark that later ones measure from
                    self._known[process.pid] = process
            except psutil.Error:
                continue
