"""Energy counters of the CPU packages (RAPL, as Linux's powercap tells them), a part of the node probe's program.

Standard library only, any Python 3.8 or later. Most systems let root alone read them (CVE-2020-8694), and containers
often nobody.
"""

from __future__ import annotations

import re
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
PACKAGE = re.compile(r"package-\d+(-die-\d+)?")


class Packages:
    """Joules of each package since this was made, on top of what its counter said then: it wraps round every some
    minutes, and a program that begins anew goes on where the counter is.

    `problem` says why there are none. One that can't be read for a while has no value then.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self.problem = ""
        self._zones: list[Path] = []
        self._raw: dict[Path, int] = {}
        self._total: dict[Path, int] = {}
        for zone in sorted(folder.glob("intel-rapl:*")):  # AMD's processors too; intel-rapl-mmio has the same once more
            self._add(zone)
        if not self._zones and not self.problem:
            self.problem = f"{folder} has no package"

    def _add(self, zone: Path) -> None:
        try:
            if PACKAGE.fullmatch((zone / "name").read_text().strip()):
                self._raw[zone] = self._total[zone] = int((zone / "energy_uj").read_text())
                self._zones.append(zone)
        except (OSError, ValueError) as error:
            self.problem = f"{zone / 'energy_uj'}: {getattr(error, 'strerror', None) or error}"

    @property
    def words(self) -> str:
        """How many there are, or why there are none."""
        count = len(self._zones)
        return f"counters of {count} package{'s' * (count != 1)}" if count else f"not metered: {self.problem}"

    def read(self) -> dict[str, float]:
        """Metric: joules."""
        found = {}
        for number, zone in enumerate(self._zones):
            try:
                raw = int((zone / "energy_uj").read_text())
                if raw < self._raw[zone]:
                    self._total[zone] += int((zone / "max_energy_range_uj").read_text())
            except (OSError, ValueError):
                continue
            self._total[zone] += raw - self._raw[zone]
            self._raw[zone] = raw
            found[f"cpu{number}_energy_j"] = self._total[zone] / 1e6
        return found
