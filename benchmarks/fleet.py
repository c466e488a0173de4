"""What the client's own machinery costs with many endpoints, up to 1,024.

    python benchmarks/fleet.py [--json] [--quick]

The router's part runs the real router alone, without a worker, on chosen answers; for comparison a board that looks at
every endpoint each time, the reference of the router's tests. The driver's part is that of fleet_driver.py: LoadGen's
process with 1,024 endpoints that answer at once; for comparison LoadGen alone. CPU time says the same on a busy
machine, but for what neighbours take of the caches; samples/s need cores for the null workers too. A whole run against
1,024 simulated endpoints is fleet_run.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import fleet_driver
import fleet_router
from assay.load.processes import quiet_gc


def measure(*, quick: bool) -> dict[str, Any]:
    if quick:
        router = fleet_router.measure(rounds=1, samples=4_000, plain_limit_s=0.2)
        driver = fleet_driver.measure(samples=4_000, in_flight=4_000, workers=4)
    else:
        router, driver = fleet_router.measure(), fleet_driver.measure()
    goals = {
        **fleet_router.GOALS,
        "driver_samples_per_s": fleet_driver.GOAL_PER_S,
        "driver_bytes_per_sample_in_flight": fleet_driver.GOAL_BYTES,
    }
    return {**router, **driver, "goals": goals, "quick": quick}


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
    return "\n".join(lines + driver_lines(found))


def driver_lines(found: dict[str, Any]) -> list[str]:
    goals, lines = found["goals"], []
    goal = goals["driver_samples_per_s"]
    for name in ("offline", "server"):
        carried, a_core = found[f"driver_samples_per_s_{name}"], found[f"driver_samples_per_cpu_s_{name}"]
        lines.append(
            f"driver, {name}, {found['null_endpoints']} endpoints: {carried:,} samples/s, {a_core:,} a CPU second "
            f"(goal {goal:,}: {'met' if a_core >= goal else 'not met'}); "
            f"LoadGen alone {found[f'loadgen_alone_samples_per_s_{name}']:,}"
        )
    held, most = found["driver_bytes_per_sample_in_flight"], goals["driver_bytes_per_sample_in_flight"]
    lines.append(
        f"driver, {found['in_flight']:,} in flight: {held} bytes a sample (goal {most}: {_met(held, most)}), "
        f"LoadGen's own included"
    )
    return lines


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
