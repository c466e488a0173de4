"""What a results tree says beside its logs: division, system, benchmark and scenario by the path, and the hardware."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from assay.analysis.ceilings import Accelerator, find_accelerator, find_model
from assay.audit.evidence import RunEvidence
from assay.plain_files import plain

DIVISIONS = {"closed", "open", "network"}
_MOST_DIGITS = 9  # of a count of accelerators or nodes: one of more is no count, and more than a float can hold


class Place:
    """What a folder's path says: .../closed/ORG/results/SYSTEM/BENCHMARK/SCENARIO/performance/run_1."""

    def __init__(self, folder: Path, root: Path | None) -> None:
        parts = folder.resolve().parts
        self.division = self.system = self.benchmark = self.scenario = None
        self.systems: Path | None = None
        self.scenario_folder: Path | None = None
        self.submission: str | None = None
        self.counts = False
        self.accuracy = folder.name == "accuracy"
        base = root.resolve() if root and not root.samefile(folder) else folder.parent.resolve()
        self.name = str(folder.resolve().relative_to(base)) if folder.resolve().is_relative_to(base) else folder.name
        at = next((i for i in range(len(parts) - 1, 1, -1) if parts[i] in ("results", "compliance")), None)
        if at is None or parts[at - 2].lower() not in DIVISIONS:
            return
        self.division = parts[at - 2].lower()
        names = (*parts[at + 1 :], None, None, None)
        self.system, self.benchmark, self.scenario = names[0], names[1], names[2]
        self.submission = str(Path(*parts[:at]))
        self.systems = Path(self.submission) / "systems"
        self.scenario_folder = Path(*parts[: at + 4]) if self.scenario else None
        inner = [part.lower() for part in parts[at + 4 :]]
        official = inner[:1] == ["accuracy"] or (inner[:1] == ["performance"] and inner[1:2] != ["ranging"])
        self.counts = parts[at] == "results" and official
        self.name = "/".join(parts[at - 2 : at] + parts[at + 1 :])


def describe_system(run: RunEvidence, place: Place) -> None:
    """Fill in the model by the benchmark's folder, and the accelerators by the system's description or folder."""
    if place.benchmark:
        run.model = find_model(place.benchmark)
    if not place.system:
        return
    description = _description(place)
    if description:
        name = str(description.get("accelerator_model_name", ""))
        accelerator = None if re.search(r"[,+;&/]|\band\b", name) else find_accelerator(name)  # a mixture is no one's
        count = _integer(description.get("accelerators_per_node")) * _integer(description.get("number_of_nodes"))
        if accelerator and count:
            run.hardware = [(accelerator, count)]
            run.engines = 1 if count == 1 else None  # logs don't say how many engines shared the samples
        return
    guess = _guess(place.system)
    if guess:
        run.hardware, run.hardware_guessed = [guess], True
        run.engines = 1 if guess[1] == 1 else None


def _description(place: Place) -> dict[str, Any] | None:
    try:
        path = place.systems / f"{place.system}.json" if place.systems else None
        data = json.loads(plain(path).read_text(encoding="utf-8-sig")) if path else None  # some begin with its mark
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _integer(value: object) -> int:
    match = re.search(r"\d+", str(value))
    return int(match[0]) if match and len(match[0]) <= _MOST_DIGITS else 0


def _guess(system: str) -> tuple[Accelerator, int] | None:
    """Accelerators by a folder's name, every count in it multiplied: too many rather than too few."""
    accelerator = find_accelerator(system)
    if accelerator is None:
        return None
    system = re.sub(r"\d+x(?:epyc|xeon|grace)[^_-]*", "", system, flags=re.IGNORECASE)  # processors beside them
    counts = re.findall(
        r"(?<![A-Za-z\d])(\d+)x(?=[A-Za-z])|x(\d+)(?![\dA-Za-z])|(\d+)[-_ ]?nodes?|(\d+)s(?![A-Za-z])", system, re.I
    )
    count = 1
    for groups in counts:
        count *= max(int(next(group for group in groups if group)), 1)
    alone = "jetson" in system.lower() or "spark" in system.lower()
    return (accelerator, count) if (counts or alone) and len(str(count)) <= _MOST_DIGITS else None
