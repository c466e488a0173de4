"""Defects planted in a true submission to MLPerf Endpoints, each with the rule that finds it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tests.forgeries.true_curves import CURVE, MODEL, OFFLINE, POINTS

Edit = Callable[[Path], object]
ID = CURVE.parents[2]
POWER = CURVE.parent / "system_power.json"


def put(data: dict[str, Any], names: str, value: object) -> None:
    """A value below names that are joined by dots; None takes it away."""
    *above, last = names.split(".")
    for name in above:
        data = data[name]
    if value is None:
        del data[last]
    else:
        data[last] = value


def point(number: int, **values: object) -> Edit:
    """Fields of one point's point.yaml, with __ for a dot."""

    def edit(tree: Path) -> None:
        file = tree / CURVE / f"r{number}/point.yaml"
        data = yaml.safe_load(file.read_text())
        for names, value in values.items():
            put(data, names.replace("__", "."), value)
        file.write_text(yaml.safe_dump(data))

    return edit


def every(**values: object) -> Edit:
    return lambda tree: [point(number, **values)(tree) for number in (*POINTS, OFFLINE)]


def fields(file: Path, **values: object) -> Edit:
    """Fields of a JSON file."""

    def edit(tree: Path) -> None:
        data = json.loads((tree / file).read_text())
        for names, value in values.items():
            put(data, names.replace("__", "."), value)
        (tree / file).write_text(json.dumps(data))

    return edit


def summary(number: int, **values: object) -> Edit:
    return fields(CURVE / f"r{number}/result_summary.json", **values)


def system(number: int, **values: object) -> Edit:
    return fields(CURVE / f"r{number}/system_desc.json", **values)


def without(*paths: str | Path) -> Edit:
    def edit(tree: Path) -> None:
        for path in paths:
            place = tree / path
            shutil.rmtree(place) if place.is_dir() else place.unlink()

    return edit


def scaled(number: int, share: float) -> Edit:
    """The same samples in another time."""

    def edit(tree: Path) -> None:
        file = tree / CURVE / f"r{number}/result_summary.json"
        data = json.loads(file.read_text())
        data["duration_ns"] = int(data["duration_ns"] * share)
        for rate in ("qps", "tps"):
            data[rate] /= share
        file.write_text(json.dumps(data))

    return edit


def more_samples(tree: Path) -> None:
    file = tree / CURVE / "r20/result_summary.json"
    data = json.loads(file.read_text())
    for name in ("n_samples_issued", "n_samples_completed"):
        data[name] += 100
    file.write_text(json.dumps(data))


def steady(first: int, last: int, seconds: float) -> dict[str, Any]:
    """A steady window from one super-pass to another."""
    window = {"super_pass_start": first, "super_pass_end": last, "duration_s": seconds}
    return {"status": "windowable", "window": window}


def bad_score(tree: Path) -> None:
    file = tree / CURVE / "r20/accuracy_results.json"
    file.write_text(file.read_text().replace("38.7792", "38.3"))


def crowd(tree: Path) -> None:
    """As many points again as make 33."""
    for number in range(13, 38):
        if number != 20:
            shutil.copytree(tree / CURVE / "r12", tree / CURVE / f"r{number}")
    shutil.copytree(tree / CURVE / "r12", tree / CURVE / "r9")


def renamed_model(tree: Path) -> None:
    (tree / CURVE).rename(tree / CURVE.parent / "other-model")


DEFECTS: dict[str, tuple[Edit, str, str]] = {
    "no docs": (without(ID / "docs"), "endpoints-tree", "docs is part of it"),
    "no source": (without(ID / "src/engine"), "endpoints-tree", "src is part of it"),
    "no README of the source": (
        without(ID / "src/engine/README.md"),
        "endpoints-tree",
        "src/engine/README.md is part of it",
    ),
    "no point.yaml": (without(CURVE / "r20/point.yaml"), "endpoints-tree", "the file is part of it"),
    "no system_desc.json": (without(CURVE / "r20/system_desc.json"), "endpoints-tree", "the file is part of it"),
    "no result_summary.json": (without(CURVE / "r20/result_summary.json"), "endpoints-tree", "the file is part of it"),
    "a system without models": (
        lambda tree: (tree / CURVE.parents[1] / "empty").mkdir(),
        "endpoints-tree",
        "results/empty is part of it",
    ),
    "shared_src outside": (point(20, shared_src="../../.."), "endpoints-tree", "shared_src: ../../.."),
    "shared_docs that isn't there": (point(20, shared_docs="doc"), "endpoints-tree", "shared_docs: doc"),
    "a folder of another number": (
        lambda tree: (tree / CURVE / "r20").rename(tree / CURVE / "r21"),
        "endpoints-tree",
        "20 requests in flight",
    ),
    "a field left out": (
        point(20, model_precision=None),
        "endpoints-disclosure",
        "the fields that every point states",
    ),
    "a division of MLPerf Inference": (every(division="closed"), "endpoints-disclosure", "division: closed"),
    "a region's older name": (point(20, region="med_throughput"), "endpoints-disclosure", "region: med_throughput"),
    "another word for Offline": (point(20, offline="yes"), "endpoints-disclosure", "offline: yes"),
    "another word for the data": (point(20, dataset_type="text"), "endpoints-disclosure", "dataset_type: text"),
    "no such cohort": (every(target_cohort="2026-13-C0"), "endpoints-disclosure", "target_cohort: 2026-13-C0"),
    "another model's name": (every(model_name="Llama"), "endpoints-disclosure", "model_name: Llama"),
    "another model's folder": (renamed_model, "endpoints-disclosure", f"model_name: {MODEL}"),
    "a load at a rate": (
        point(20, runtime_settings__load_pattern="poisson"),
        "endpoints-disclosure",
        "load_pattern: poisson",
    ),
    "chunks that aren't streamed": (
        point(20, runtime_settings__stream_all_chunks=False),
        "endpoints-disclosure",
        "stream_all_chunks: false",
    ),
    "no warmup": (point(20, warmup=None), "endpoints-disclosure", "its warmup"),
    "a warmup that answers too much": (
        point(20, warmup__requests_completed=201),
        "endpoints-disclosure",
        "a warmup of 200 requests, 201 completed",
    ),
    "a warmup of two days": (point(20, warmup__duration_s=172_800), "endpoints-disclosure", "a warmup of 172800 s"),
    "a warmup's logs thrown away": (
        point(20, warmup__logs_retained=False),
        "endpoints-disclosure",
        "the warmup's logs are kept",
    ),
    "two precisions": (point(20, model_precision="FP4"), "endpoints-disclosure", "one model_precision in all points"),
    "two data sets": (point(20, dataset="other"), "endpoints-disclosure", "one dataset in all points"),
    "two systems": (system(20, system_name="another"), "endpoints-disclosure", "one system in all points"),
    "no highest concurrency above 32": (
        every(max_supported_concurrency=32),
        "endpoints-curve",
        "max_supported_concurrency: 128, 32",
    ),
    "two highest concurrencies": (
        point(20, max_supported_concurrency=256),
        "endpoints-curve",
        "max_supported_concurrency: 128, 256",
    ),
    "a point too few": (without(CURVE / "r12"), "endpoints-curve", "7 points"),
    "a point too many": (crowd, "endpoints-curve", "33 points"),
    "nothing at 32 or below": (
        without(*(CURVE / f"r{number}" for number in POINTS[:4])),
        "endpoints-curve",
        "points at 40, 80, 128",
    ),
    "nothing in the low region": (
        without(CURVE / "r10", CURVE / "r12"),
        "endpoints-curve",
        "a point in low_concurrency, 9 to 13",
    ),
    "nothing in the medium region": (
        without(CURVE / "r20"),
        "endpoints-curve",
        "a point in med_concurrency, 14 to 32",
    ),
    "nothing in the high region": (
        every(max_supported_concurrency=4096),
        "endpoints-curve",
        "a point in high_concurrency, 265 to 4096",
    ),
    "a point beyond the margin": (point(40, concurrency=142), "endpoints-curve", "a point at 142"),
    "a point in another region": (point(20, region="high_concurrency"), "endpoints-curve", "20 in flight in high"),
    "no point for Offline": (point(OFFLINE, offline="none"), "endpoints-curve", "0 points for Offline"),
    "two points for Offline": (point(128, offline="elected"), "endpoints-curve", "2 points for Offline"),
    "a lower point for Offline": (
        lambda tree: (without(CURVE / f"r{OFFLINE}")(tree), point(80, offline="elected")(tree)),
        "endpoints-curve",
        "80 in flight elected for Offline",
    ),
    "Offline with less than the data": (
        point(OFFLINE, concurrency=1000),
        "endpoints-curve",
        "1000 in flight for Offline",
    ),
    "Offline with less than the highest": (
        point(OFFLINE, concurrency=100),
        "endpoints-curve",
        "100 in flight for Offline",
    ),
    "a slow Offline": (scaled(OFFLINE, 3), "endpoints-curve", "tokens/s"),
    "a point of 1,200 s too short": (scaled(40, 0.6), "endpoints-duration", "a run of"),
    "a steady window too short": (
        point(40, steady_state=steady(0, 5, 900)),
        "endpoints-duration",
        "a steady window of 900 s",
    ),
    "a steady window of three passes": (
        point(40, steady_state=steady(1, 3, 1300)),
        "endpoints-duration",
        "a steady window of 3 super-passes",
    ),
    "a status of no steady window": (
        point(40, steady_state={"status": "fine"}),
        "endpoints-duration",
        "steady_state.status: fine",
    ),
    "less than a pass": (
        summary(20, n_samples_completed=13_000),
        "endpoints-duration",
        "13000 samples completed",
    ),
    "no whole passes": (more_samples, "endpoints-duration", "samples issued in whole passes"),
    "two seed sets": (point(20, seed_set="B"), "endpoints-seeds", "seed sets A, B"),
    "seeds that nobody published": (every(seed_set="B"), "endpoints-seeds", "seed_set: B"),
    "another seed": (
        point(20, runtime_settings__runtime__model_seed=42),
        "endpoints-seeds",
        "seed_set: A",
    ),
    "seeds that are too old": (every(target_cohort="2026-12-C1"), "endpoints-seeds", "seed_set: A for 2026-12-C1"),
    "no TPOT": (summary(20, tpot={}), "endpoints-figures", "a TPOT P90"),
    "no output tokens": (
        summary(20, output_sequence_lengths={}),
        "endpoints-figures",
        "a rate of output tokens",
    ),
    "another system_tps": (summary(20, system_tps=1.0), "endpoints-figures", "system_tps 1"),
    "another tps_per_user": (summary(20, tps_per_user=1.0), "endpoints-figures", "tps_per_user 1"),
    "another rate a kW": (summary(20, system_tps_per_kw=1.0), "endpoints-figures", "system_tps_per_kw 1"),
    "another utilisation": (system(20, tps_utilization=1.0), "endpoints-figures", "tps_utilization 1"),
    "no power": (without(POWER), "endpoints-figures", "a provisioned power"),
    "a power that doesn't follow": (fields(POWER, cpu={}, accelerator={}), "endpoints-figures", "a provisioned power"),
    "no accuracy": (
        without(*(CURVE / f"r{number}/accuracy_results.json" for number in (8, 10, 20, 80, OFFLINE))),
        "endpoints-accuracy",
        "accuracy results",
    ),
    "no accuracy in a region": (
        without(CURVE / "r80/accuracy_results.json"),
        "endpoints-accuracy",
        "accuracy results in high_concurrency",
    ),
    "no accuracy of Offline": (
        without(CURVE / f"r{OFFLINE}/accuracy_results.json"),
        "endpoints-accuracy",
        "accuracy results for Offline",
    ),
    "more in flight than the point has": (scaled(20, 0.9), "littles-law", "at most 20 in flight"),
    "more than the system can do": (scaled(OFFLINE, 0.001), "ceiling-throughput", "samples/s"),
    "a score below its target": (bad_score, "accuracy-target", "rouge1 38.3"),
    "samples without an end": (
        summary(20, n_samples_failed=5),
        "ledger-balance",
        "completed",
    ),
}  # fmt: skip
"""By what is wrong: how it comes about, the rule that finds it, and words of the statement that it judges."""
