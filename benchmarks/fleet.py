"""What the client's own machinery costs with many endpoints, up to 1,024.

    python benchmarks/fleet.py [--json] [--quick]

The router's part runs the real router alone, without a worker, on chosen answers; for comparison a board that looks at
every endpoint each time, the reference of the router's tests. Figures are CPU time, so that they say the same on a
busy machine, but for what neighbours take of the caches.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import fleet_router
from assay.load.processes import quiet_gc


def measure(*, quick: bool) -> dict[str, Any]:
    router = fleet_router.measure(rounds=1, samples=4_000, plain_limit_s=0.2) if quick else fleet_router.measure()
    return {**router, "goals": fleet_router.GOALS, "quick": quick}


def as_text(found: dict[str, Any]) -> str:
    goals, lines = found["goals"], []
    for scenario, figures in found["router_us_per_sample"].items():
        for endpoints, spent_us in figures.items():
            plain = found["plain_router"][scenario][endpoints]
            lines.append(
                f"router, {scenario}, {endpoints:>4} endpoints: {spent_us:6.2f} us a sample"
                f" (goal {goals['router_us_per_sample']:g}: {_met(spent_us, goals['router_us_per_sample'])});"
                f" looking at every endpoint: {_plain_text(plain, found['plain_router']['limit_cpu_s'])}"
            )
    ratio, goal = found["router_ratio_1024_to_2"], goals["router_ratio_1024_to_2"]
    lines.append(f"router, 1024 endpoints / 2: {ratio} (goal {goal:g}: {_met(ratio, goal)})")
    return "\n".join(lines)


def _plain_text(plain: dict[str, Any], limit_s: float) -> str:
    if plain["ended"]:
        return f"{plain['us_per_sample']:,} us"
    if not plain["samples_sent"]:
        return f"not one sample within {limit_s:g} CPU seconds"
    first = f"{plain['us_per_sample']:,} us for the first {plain['samples_sent']:,}"
    return f"{first}, then {limit_s:g} CPU seconds were over"


def _met(figure: float, goal: float) -> str:
    return "met" if figure <= goal else "not met"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--quick", action="store_true", help="few samples: to see that it works")
    options = parser.parse_args()
    quiet_gc()  # as in LoadGen's process
    found = measure(quick=options.quick)
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    main()
