"""How long a report takes, and how much memory: a synthetic run of 13,368 samples with telemetry, and one of a million.

    python benchmarks/report.py --json

prints `seconds_13368`, `seconds_1e6` and `peak_mb_1e6`. Each is measured in a fresh process, start-up included; the
synthetic runs are made before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_RENDER = """
import resource, sys
from pathlib import Path
from assay.report import render_run
from assay.runs import RunFolder
render_run(RunFolder(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(folder: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MB of rendering one run in a fresh process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _RENDER, str(folder)], capture_output=True, text=True, check=True)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, int(done.stdout.split()[-1]) / 1024


def synthetic(parent: Path, samples: int) -> Path:
    """Write the run in a process of its own, so that its memory isn't anyone's."""
    script = (
        "import sys; from pathlib import Path; from tests.synthetic import Plan, write_run; "
        "write_run(Path(sys.argv[1]), Plan(samples=int(sys.argv[2]), run_id=sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(parent), str(samples)]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    return parent / str(samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--small", action="store_true", help="leave the million out")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="assay-report-") as scratch:
        for name, samples in (("13368", 13_368), ("1e6", 1_000_000)):
            if name == "1e6" and arguments.small:
                continue
            wall, cpu, peak = measure(synthetic(Path(scratch), samples))
            figures |= {f"seconds_{name}": wall, f"cpu_seconds_{name}": cpu, f"peak_mb_{name}": peak}
    figures = {name: round(value, 2) for name, value in figures.items()}
    print(json.dumps(figures) if arguments.json else "\n".join(f"{k:<20}{v:>10.2f}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
