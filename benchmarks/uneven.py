"""Uneven endpoints: one LoadGen over all of them against the sum of each alone, and against a static split.

    python benchmarks/uneven.py [--json] [--samples N]

Endpoints are simulated; LoadGen, router, workers and transport are the real ones. An endpoint of each speed is measured
alone over all samples, and each case together; the static split gives each endpoint the same number of samples, and
lasts as long as the slowest of them needs for its share. Rates are samples/s from the first issue to the last answer.
The answers set how long it takes: the 4,000 of the slowest endpoint alone are 70 s, and fewer would count the end, when
not all places are taken, for more.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow.compute as pc
from tests.simulated import run, simulators

from assay.runs import read_requests

CASES = {"1 : 2.1": (1.0, 2.1), "1 : 1 : 4": (1.0, 1.0, 4.0)}
PACE = ("--ttft-ms", "50", "--itl-ms", "10", "--output-tokens", "48", "--output-sigma", "0.3", "--jitter", "0.05")
WINDOW = 32
GOAL = 0.97


def seconds(speeds: tuple[float, ...], samples: int) -> float:
    """From the first issue to the last answer, with an endpoint for each speed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        servers = [[*PACE, "--speed", str(speed), "--seed", "7"] for speed in speeds]
        with simulators(folder, servers) as urls:
            result = run(
                folder, urls, samples=samples, window=WINDOW, warmup_prompts=16, max_tokens=128, limit_s=600,
                timeouts={"request_s": 120, "stall_s": 30},
            )  # fmt: skip
        if result.ledger.completed != samples or result.ledger.problems:
            raise RuntimeError(f"the run is not sound: {result.ledger}")
        times = read_requests(result.folder.requests, ["issued_ns", "done_ns"])
        return float(pc.max(times["done_ns"]).as_py() - pc.min(times["issued_ns"]).as_py()) / 1e9


def measure(speeds: tuple[float, ...], samples: int, alone: dict[float, float]) -> dict[str, object]:
    """`alone` has the rate of an endpoint of each speed by itself."""
    rates = [alone[speed] for speed in speeds]
    together = samples / seconds(speeds, samples)
    share = samples // len(speeds)
    split = share * len(speeds) / seconds((min(speeds),), share)
    return {
        "samples": samples,
        "alone_samples_per_s": [round(rate, 2) for rate in rates],
        "combined_samples_per_s": round(together, 2),
        "static_split_samples_per_s": round(split, 2),
        "combined_over_sum": round(together / sum(rates), 4),
        "static_split_over_sum": round(split / sum(rates), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--samples", type=int, default=4000)
    options = parser.parse_args()
    alone = {
        speed: options.samples / seconds((speed,), options.samples) for speed in sorted(set(chain(*CASES.values())))
    }
    found = {name: measure(speeds, options.samples, alone) for name, speeds in CASES.items()}
    if options.json:
        print(json.dumps({"simulated": True, "goal_combined_over_sum": GOAL, "cases": found}, indent=2))
        return
    for name, case in found.items():
        met = "met" if float(str(case["combined_over_sum"])) >= GOAL else "not met"
        print(
            f"simulated speeds {name}: combined/sum {case['combined_over_sum']} (goal {GOAL}: {met}), "
            f"static split/sum {case['static_split_over_sum']}"
        )


if __name__ == "__main__":
    main()
