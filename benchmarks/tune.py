"""The highest rate within limits: how near assay's search comes on simulated servers, and what it costs beside others.

    python benchmarks/tune.py [--json] [--seeds 40] [--first-seed 0] [--lengths 8000 16000 32000 64000] [--roots]

Three simulated servers (queueing models, `tune_servers.py`), whose true rate is known from long simulations
(`--roots` measures it again), and the same seeds for each way. Bisection and AIPerf's way have probes of a fixed
length; of several lengths the cheapest is taken that is as near as assay on all servers together, else the nearest. A
confirming run isn't counted for any way; those of assay's that failed are. An answer is false if it is confirmed and
the true rate is lower by more than the precision.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Any

import numpy as np

from tune_servers import SERVERS, Server, measured_root
from tune_ways import PRECISION, Answer, aiperf, assay, bisection

OTHERS: dict[str, Callable[[Server, int, int], Answer]] = {"bisection": bisection, "aiperf": aiperf}
GOAL_NEAR, GOAL_REQUESTS, GOAL_HELD = 0.95, 0.6, 0.95


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--seeds", type=int, default=40, help="searches a server and way (40)")
    parser.add_argument("--first-seed", type=int, default=0, help="others than those the figures are told of (0)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[8000, 16_000, 32_000, 64_000], metavar="REQUESTS")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--roots", action="store_true", help="measure the true rates instead; minutes")
    options = parser.parse_args()
    with get_context("spawn").Pool(options.processes) as pool:
        result = (
            roots(pool)
            if options.roots
            else measure(pool, range(options.first_seed, options.first_seed + options.seeds), options.lengths)
        )
    print(json.dumps(result, indent=2) if options.json or options.roots else as_text(result))
    return 0


def roots(pool: Pool) -> dict[str, Any]:
    """The true rates as they are noted, and as long simulations give them."""
    found = {server.name: measured_root(server, pool) for server in SERVERS}
    return {
        server.name: {"noted": server.root, "measured": round(found[server.name][0], 3), "error": found[server.name][1]}
        for server in SERVERS
    }


def measure(pool: Pool, seeds: range, lengths: Sequence[int]) -> dict[str, Any]:
    ours = _all(pool, assay, seeds)
    others = {
        name: {length: _all(pool, partial(_at_length, way, length), seeds) for length in lengths}
        for name, way in OTHERS.items()
    }
    result = {"simulated": True, "precision": PRECISION, "seeds": len(seeds), "first_seed": seeds.start} | summary(ours)
    result["interval_holds_root"] = _held(ours)
    for name, by_length in others.items():
        length = _chosen(by_length, _near(ours))
        result[name] = {
            "requests_a_probe": length,
            **summary(by_length[length]),
            "our_requests": round(_requests(ours) / _requests(by_length[length]), 3),
            "as_near_as_ours": _near(by_length[length]) >= _near(ours),
            "of_other_lengths": {
                str(other): {"within_3_percent": _near(found), "requests_median": _requests(found)}
                for other, found in by_length.items()
                if other != length
            },
        }
    result["goals"] = {
        "within_3_percent": bool(result["within_3_percent"] >= GOAL_NEAR),
        "false_confirmations": result["false_confirmations"] == 0,
        "interval_holds_root": bool(result["interval_holds_root"] >= GOAL_HELD),
        "requests": all(result[name]["our_requests"] <= GOAL_REQUESTS for name in OTHERS),
    }
    return result


def _at_length(way: Callable[[Server, int, int], Answer], length: int, server: Server, seed: int) -> Answer:
    return way(server, length, seed)


Answers = dict[str, list[Answer]]
"""By server."""


def _all(pool: Pool, way: Callable[[Server, int], Answer], seeds: range) -> Answers:
    work = [(server, seed) for server in SERVERS for seed in seeds]
    found = pool.starmap(way, work, chunksize=2)
    return {
        server.name: [answer for (of, _), answer in zip(work, found, strict=True) if of is server] for server in SERVERS
    }


def summary(found: Answers) -> dict[str, Any]:
    """Of all servers together, and of each."""
    each = {name: _of_one(name, answers) for name, answers in found.items()}
    return {
        "within_3_percent": _near(found),
        "false_confirmations": sum(one["false_confirmations"] for one in each.values()),
        "above_by_3_percent": sum(one["above_by_3_percent"] for one in each.values()),
        "probes_median": float(np.median([answer.probes for answers in found.values() for answer in answers])),
        "requests_median": _requests(found),
        "servers": each,
    }


def _of_one(name: str, answers: list[Answer]) -> dict[str, Any]:
    off = _off(name, answers)
    one: dict[str, Any] = {
        "within_3_percent": round(float((abs(off) <= PRECISION).mean()), 3),
        "off_mean": round(float(np.nanmean(off)), 4),
        "off_sd": round(float(np.nanstd(off)), 4),
        "false_confirmations": sum(bool(by > PRECISION) and a.confirmed for by, a in zip(off, answers, strict=True)),
        "above_by_3_percent": int((off > PRECISION).sum()),
        "without_answer": int(np.isnan(off).sum()),
        "probes_median": float(np.median([answer.probes for answer in answers])),
        "requests_median": float(np.median([answer.requests for answer in answers])),
    }
    if any(answer.confirmed for answer in answers):
        one["interval_holds_root"] = _held({name: answers})
    return one


def _held(found: Answers) -> float:
    """The share of the searches whose interval holds the true rate; one without an answer has none."""
    root = {server.name: server.root for server in SERVERS}
    held = [answer.low <= root[name] <= answer.high for name, answers in found.items() for answer in answers]
    return round(float(np.mean(held)), 3)


def _off(name: str, answers: list[Answer]) -> Any:
    root = next(server.root for server in SERVERS if server.name == name)
    return np.array([answer.rate for answer in answers]) / root - 1


def _near(found: Answers) -> float:
    off = np.concatenate([_off(name, answers) for name, answers in found.items()])
    return round(float((abs(off) <= PRECISION).mean()), 3)


def _requests(found: Answers) -> float:
    return float(np.median([answer.requests for answers in found.values() for answer in answers]))


def _chosen(by_length: dict[int, Answers], near: float) -> int:
    enough = [length for length, found in by_length.items() if _near(found) >= near]
    if enough:
        return min(enough, key=lambda length: _requests(by_length[length]))
    return max(by_length, key=lambda length: _near(by_length[length]))


def as_text(result: dict[str, Any]) -> str:
    lines = ["way        requests a probe  within 3 %  false  probes  requests"]
    for name in ("assay", *OTHERS):
        of = result if name == "assay" else result[name]
        false = str(of["false_confirmations"]) if name == "assay" else "-"
        length = "varies" if name == "assay" else f"{of['requests_a_probe']:,}"
        lines.append(
            f"{name:10} {length:>16} {of['within_3_percent']:11.3f} {false:>6} {of['probes_median']:7.0f} "
            f"{of['requests_median']:9,.0f}"
        )
    lines += [f"assay's requests over {name}'s: {result[name]['our_requests']}" for name in OTHERS]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
