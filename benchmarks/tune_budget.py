"""The highest rate within limits where there is time for few requests: assay's search and bisection, simulated servers.

    python benchmarks/tune_budget.py [--json] [--requests 40000] [--seeds 40] [--first-seed 0]

The servers of `tune.py` and one with a sharp limit. Bisection's probes share the requests out evenly, with nothing for
a confirming run; in `tune.py` nine of them take it to 3 %. An answer is false if a run confirmed it and the true rate
is lower by more than 3 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Any

import numpy as np

from tune_servers import SERVERS, SHARP, Server
from tune_ways import PRECISION, Answer, assay_within, bisection

_BISECTIONS = 9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--requests", type=int, default=40_000, help="that a search has time for (40,000)")
    parser.add_argument("--seeds", type=int, default=40, help="searches a server and way (40)")
    parser.add_argument("--first-seed", type=int, default=0, help="others than those the figures are told of (0)")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with get_context("spawn").Pool(options.processes) as pool:
        result = {"simulated": True, "requests": options.requests, "seeds": len(seeds)} | {
            server.name: measure(pool, server, options.requests, seeds) for server in (*SERVERS, SHARP)
        }
    print(json.dumps(result, indent=2) if options.json else as_text(result))
    return 0


def measure(pool: Pool, server: Server, requests: int, seeds: range) -> dict[str, Any]:
    ours = pool.map(partial(assay_within, requests, server), seeds, chunksize=2)
    theirs = pool.map(partial(bisection, server, requests // _BISECTIONS), seeds, chunksize=2)
    off, confirmed = _off(server, ours), np.array([answer.confirmed for answer in ours])
    near, others = _near(off), _near(_off(server, theirs))
    return {
        "confirmed": round(float(confirmed.mean()), 3),
        "false_confirmations": int((confirmed & (off > PRECISION)).sum()),
        "without_answer": int(np.isnan(off).sum()),
        "within_3_percent": near,
        "off_mean": round(float(np.nanmean(off)), 4),
        "interval_holds_root": round(float(np.mean([one.low <= server.root <= one.high for one in ours])), 3),
        "bisection_within_3_percent": others,
        "ratio_within_3_percent": round(near / others, 2) if others else None,
    }


def _off(server: Server, answers: list[Answer]) -> Any:
    return np.array([answer.rate for answer in answers]) / server.root - 1


def _near(off: Any) -> float:
    return round(float((abs(off) <= PRECISION).mean()), 3)


def as_text(result: dict[str, Any]) -> str:
    lines = ["server    confirmed  false  no answer  within 3 %  interval holds  bisection within 3 %"]
    for name in (server.name for server in (*SERVERS, SHARP)):
        one = result[name]
        lines.append(
            f"{name:9} {one['confirmed']:9.3f} {one['false_confirmations']:6} {one['without_answer']:10} "
            f"{one['within_3_percent']:11.3f} {one['interval_holds_root']:15.3f} "
            f"{one['bisection_within_3_percent']:21.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
