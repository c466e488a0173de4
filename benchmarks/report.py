"""How long reports take, and how much memory: a synthetic run of 13,368 samples with telemetry, one of a million, and a
campaign of 12 runs with all its pages.

    python benchmarks/report.py --json --against 507639a

prints `seconds_13368`, `seconds_1e6`, `peak_mb_1e6` and `seconds_campaign_12_runs`, each measured in fresh processes,
start-up included; the synthetic runs are made before the clock starts. `campaign_12_runs_ratio` is the campaign's time
against that of the revision that `--against` names, whose renderer runs in turns with this one; null without it.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TURNS = 3

_RENDER = """
import resource, sys
from pathlib import Path
from assay.report import render_run
from assay.runs import RunFolder
render_run(RunFolder(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# What `assay report CAMPAIGN` does, in this revision and in those that analysed each run twice.
_RENDER_CAMPAIGN = """
import resource, sys
from pathlib import Path
import assay.report
from assay.runs import CampaignFolder, RunFolder
folder = CampaignFolder(Path(sys.argv[1]))
if hasattr(assay.report, "CampaignPages"):
    pages = assay.report.CampaignPages(folder)
    for entry in pages.started:
        pages.render_run(entry)
    pages.render()
else:
    for path in sorted(folder.runs.iterdir()):
        assay.report.render_run(RunFolder(path))
    assay.report.render_campaign(folder)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_WRITE_RUN = """
import sys
from pathlib import Path
from tests.synthetic import Plan, write_run
write_run(Path(sys.argv[1]), Plan(samples=int(sys.argv[2]), run_id=sys.argv[2]))
"""
_WRITE_CAMPAIGN = """
import sys
from pathlib import Path
from tests.synthetic import Node, Plan, write_campaign
a, b = Node("node-a"), Node("node-b")
groups = {"alone-a": (a,), "alone-b": (b,), "together": (a, b)}
plans = {
    f"{name}-r{repeat}": Plan(nodes=nodes, samples=2000, seed=10 * place + repeat)
    for place, (name, nodes) in enumerate(groups.items())
    for repeat in range(4)
}
write_campaign(Path(sys.argv[1]), plans)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, seconds of CPU, and the most memory, MB, of a process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(script: str, *arguments: str | Path, tree: Path = ROOT) -> Cost:
    """Run a script in a fresh process, with the packages of a source tree."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tree, env=environment)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, int(done.stdout.split()[-1]) / 1024 if done.stdout else 0.0)


@contextmanager
def source_of(revision: str, scratch: Path) -> Iterator[Path]:
    """The source tree of another revision, for a while."""
    tree = scratch / "against"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
    try:
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def single_runs(scratch: Path, *, small: bool) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for name, samples in (("13368", 13_368), ("1e6", 1_000_000))[: 1 if small else 2]:
        run(_WRITE_RUN, scratch, str(samples))
        cost = run(_RENDER, scratch / str(samples))
        figures |= {f"seconds_{name}": cost.wall_s, f"cpu_seconds_{name}": cost.cpu_s, f"peak_mb_{name}": cost.peak_mb}
    return figures


def campaign(scratch: Path, against: str | None) -> dict[str, float | None]:
    """The campaign's figures; each revision renders what its own test helpers write from the same plans and seeds."""
    if against is None:
        return _campaign_figures(_campaign_costs(scratch, [ROOT])[0], None)
    with source_of(against, scratch) as tree:
        ours, theirs = _campaign_costs(scratch, [ROOT, tree])
    return _campaign_figures(ours, theirs)


def _campaign_costs(scratch: Path, trees: list[Path]) -> list[list[Cost]]:
    costs: list[list[Cost]] = [[] for _ in trees]
    for place, tree in enumerate(trees):
        (scratch / f"campaign-{place}").mkdir()
        run(_WRITE_CAMPAIGN, scratch / f"campaign-{place}", tree=tree)
    for _ in range(TURNS if len(trees) > 1 else 1):
        for place, tree in enumerate(trees):
            costs[place].append(run(_RENDER_CAMPAIGN, scratch / f"campaign-{place}" / "campaign", tree=tree))
    return costs


def _campaign_figures(ours: list[Cost], theirs: list[Cost] | None) -> dict[str, float | None]:
    """Of several turns the quickest: what else the machine does only ever adds to it."""
    wall, cpu = min(cost.wall_s for cost in ours), min(cost.cpu_s for cost in ours)
    figures: dict[str, float | None] = {"seconds_campaign_12_runs": wall, "cpu_seconds_campaign_12_runs": cpu}
    figures["peak_mb_campaign_12_runs"] = max(cost.peak_mb for cost in ours)
    figures["campaign_12_runs_ratio"] = wall / min(cost.wall_s for cost in theirs) if theirs else None
    figures["campaign_12_runs_cpu_ratio"] = cpu / min(cost.cpu_s for cost in theirs) if theirs else None
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--small", action="store_true", help="leave the million out")
    parser.add_argument("--against", metavar="REV", help="time this revision's renderer too, in turns")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-report-") as scratch:
        figures = single_runs(Path(scratch), small=arguments.small)
        figures |= campaign(Path(scratch), arguments.against)
    figures = {name: None if value is None else round(value, 3) for name, value in figures.items()}
    lines = (f"{name:<30}{'not measured' if value is None else f'{value:.3f}':>14}" for name, value in figures.items())
    print(json.dumps(figures) if arguments.json else "\n".join(lines))


if __name__ == "__main__":
    main()
