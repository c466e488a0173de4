"""Evidence from results of the MLPerf Endpoints client: `result_summary.json`, `accuracy_results.json`, `config.yaml`.

They stand in a submission's tree in place of LoadGen's logs, in a tree of MLPerf Endpoints' own
(`results/SYSTEM/MODEL/rN/`), or wherever the client wrote them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.analysis.ceilings import Accelerator, find_accelerator, find_model
from assay.audit.curves import whole
from assay.audit.evidence import EndpointsSettings, Origin, Rated, RunEvidence, SampleCounts, Spread
from assay.audit.facts import facts_named, output_limit
from assay.audit.readers.json_fields import Json, count, number, section
from assay.audit.readers.place import Place, describe_system
from assay.audit.readers.submission import submission_files
from assay.audit.readers.tree_files import json_of, yaml_of
from assay.audit.spans import Span
from assay.benchmarks.mlperf import LlmFacts, round_of_client_seeds
from assay.errors import UserError
from assay.runs import read_object
from assay.safe_yaml import read_yaml

RESULT_SUMMARY, ACCURACY_RESULTS = "result_summary.json", "accuracy_results.json"
POINT, SYSTEM_DESCRIPTION = "point.yaml", "system_desc.json"
_CONFIGS = ("config.yaml", "config.yml")
_NEAR = 1e-6
_SIGMAS = 6
_RUNS_OF_ITS_OWN = "results"


def is_endpoints_folder(folder: Path) -> bool:
    return (folder / RESULT_SUMMARY).is_file() or (folder / ACCURACY_RESULTS).is_file()


def endpoints_folders(root: Path) -> list[Path]:
    """Every folder below `root` that holds the client's results, sorted."""
    return sorted({file.parent for name in (RESULT_SUMMARY, ACCURACY_RESULTS) for file in root.rglob(name)})


def read_endpoints_folder(folder: Path, root: Path | None = None) -> list[RunEvidence]:
    """The performance run and the accuracy run of one folder. Never fails: what can't be read is damage."""
    files = [name for name in (RESULT_SUMMARY, ACCURACY_RESULTS) if (folder / name).is_file()]
    place = Place(folder, root)
    runs = []
    for file in files:
        run = RunEvidence(name=place.name, origin=Origin.ENDPOINTS, where=str(folder / file))
        if len(files) > 1:
            run.name += f": {file}"
        run.mode = "performance" if file == RESULT_SUMMARY else "accuracy"
        _placed(run, folder, place)
        data = _read(folder / file, run)
        if run.mode == "performance":
            _performance(run, data)
        else:
            _accuracy(run, data)
        describe_system(run, place)
        run.submitted = submission_files(run, place)
        runs.append(run)
    return runs


def _placed(run: RunEvidence, folder: Path, place: Place) -> None:
    """What the folder's path and the client's settings say."""
    run.division, run.scenario, run.benchmark = place.division, place.scenario, place.benchmark
    run.claims_mlperf = place.counts
    parents = folder.resolve().parents
    if place.division is None and len(parents) > 2 and parents[2].name == _RUNS_OF_ITS_OWN:
        run.benchmark, run.claims_mlperf = parents[0].name, True
        _own_words(run, folder)
    run.endpoints = _settings(folder, run)
    run.submission, run.of_round = place.submission, round_of_client_seeds(*run.endpoints.seeds)
    run.rules = facts_named(run.benchmark, run.of_round, run.scenario)


def _own_words(run: RunEvidence, folder: Path) -> None:
    """What a point of MLPerf Endpoints says of its load and its system, in the files beside its results."""
    point, system = yaml_of(folder / POINT, ""), json_of(folder / SYSTEM_DESCRIPTION, "")
    if point.data.get("offline") != "dedicated":
        run.concurrency = whole(point.data.get("concurrency"))
    run.model = find_model(run.benchmark or "")
    cards = [_cards(card, node) for node in _objects(system.data, "node_types") for card in _accelerators(node)]
    run.hardware = [card for card in cards if card is not None] if None not in cards else []
    run.engines = 1 if sum(count for _, count in run.hardware) == 1 else None  # else it isn't said how many


def _accelerators(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of one kind of node: its list, or its own fields, as earlier descriptions have them."""
    return _objects(node, "accelerator_info") or [node]


def _cards(card: Mapping[str, Any], node: Mapping[str, Any]) -> tuple[Accelerator, int] | None:
    """A product of the table, and how many of it the system has; None where it isn't known."""
    product = find_accelerator(str(card.get("accelerator_model_name", "")))
    each, nodes = whole(card.get("accelerators_per_node")), whole(node.get("number_of_nodes"))
    return (product, each * nodes) if product and each and nodes else None


def _objects(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    listed = data.get(name)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _settings(folder: Path, run: RunEvidence) -> EndpointsSettings:
    """The nearest `config.yaml` of the run's folder and the two above it."""
    above = [folder, *folder.resolve().parents[:2]]
    path = next((place / name for place in above for name in _CONFIGS if (place / name).is_file()), None)
    if path is None:
        run.notes.append(f"no {_CONFIGS[0]}: the client's settings can't be checked")
        return EndpointsSettings()
    try:
        config = read_yaml(path).data
    except UserError as error:
        run.damage.append(str(error).splitlines()[0])
        return EndpointsSettings()
    config = config if isinstance(config, dict) else {}
    runtime, load = (section(section(config, "settings"), name) for name in ("runtime", "load_pattern"))
    kind = config.get("benchmark_mode") or config.get("type")  # a submission's type is `submission`
    return EndpointsSettings(
        kind=str(kind).lower() if kind else None,
        load=str(load["type"]).lower() if load.get("type") else None,
        target_qps=number(load.get("target_qps")),
        min_duration_ms=number(runtime.get("min_duration_ms")),
        seeds=(count(runtime.get("dataloader_random_seed")), count(runtime.get("scheduler_random_seed"))),
    )


def _performance(run: RunEvidence, data: Json) -> None:
    issued, completed, failed = (count(data.get(f"n_samples_{name}")) for name in ("issued", "completed", "failed"))
    run.samples = SampleCounts(issued, completed, failed)
    nanoseconds = number(data.get("duration_ns"))
    run.duration_s = Span.near(nanoseconds / 1e9, _NEAR) if nanoseconds else None
    run.duration_source = RESULT_SUMMARY
    run.samples_per_s, run.tokens_per_s = _near(data.get("qps")), _near(data.get("tps"))
    for spread, name in ((run.latency, "latency"), (run.ttft, "ttft"), (run.tpot, "tpot")):
        _spread(spread, section(data, name), completed)
    run.mean_input_tokens = _near(section(data, "input_sequence_lengths").get("avg"))
    tokens = section(data, "output_sequence_lengths")
    run.mean_output_tokens, run.outputs.longest = _near(tokens.get("avg")), count(tokens.get("max"))
    run.outputs.limit = output_limit(run.rules, run.division, "performance" if run.performance else "accuracy")
    _rates(run, data, _near(tokens.get("total")))
    if data.get("complete") is False or data.get("state") == "interrupted":
        run.damage.append(f"{RESULT_SUMMARY}: the client says that the run was cut short")


def _rates(run: RunEvidence, data: Json, tokens: Span | None) -> None:
    """A Poisson load's rates may be LoadGen's: until the query issued last is answered, one query left out."""
    window, completed = number(data.get("legacy_loadgen_window_duration_ns")), run.samples.completed
    seconds = Span.near(window / 1e9, _NEAR) if window else run.duration_s
    if seconds is None or not completed:
        return
    if tokens is None and run.mean_output_tokens is not None:
        tokens = run.mean_output_tokens * completed
    run.rated = Rated(seconds, completed - 1 if window else completed, tokens)
    settings = run.endpoints
    if settings and settings.load == "poisson" and settings.target_qps:
        most = settings.target_qps * (1 + _SIGMAS / math.sqrt(completed))  # what chance may make of the schedule
        run.scheduled_per_s = Span(settings.target_qps, settings.target_qps, most)


def _spread(spread: Spread, data: Json, n: int | None) -> None:
    for name, key in (("min", "min"), ("max", "max"), ("mean", "avg"), ("std", "std_dev")):
        setattr(spread, name, _near(data.get(key)))
    for found, key in ((spread.percentiles, "percentiles"), (spread.certified, "early_stopping_percentiles")):
        for percentile, value in section(data, key).items():
            share, time = number(percentile), _near(value)
            if share is not None and 0 < share < 100 and time is not None:
                found[share] = time
    spread.n = n if spread else None


def _accuracy(run: RunEvidence, data: Json) -> None:
    listed = data.get("accuracy_scores")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    entries = [entry for entry in entries if entry.get("dataset_type", "accuracy") == "accuracy"]
    samples = [count(entry.get("total_samples")) or 0 for entry in entries]
    run.quality.samples = sum(samples) or None
    run.quality.passed = True if run.claims_mlperf else None
    for entry in entries:
        for name, value in section(entry, "score").items():
            figure = number(value)
            if figure is not None:
                run.quality.scores[str(name)] = figure
        if entry.get("complete") is False:
            run.damage.append(f"{ACCURACY_RESULTS}: {entry.get('dataset_name')} was scored in part")
    scored = run.quality.scores.pop("gen_num", None)
    if scored is not None:
        run.quality.samples = int(scored)
    _single_score(run, entries)


def _single_score(run: RunEvidence, entries: list[Json]) -> None:
    """A benchmark of one score: its data sets' scores, each with the weight of its different samples."""
    metric = _single_metric(run.rules)
    if metric is None or run.rules is None:
        return
    scored = [(number(entry.get("score")), _weight(entry)) for entry in entries]
    known = [(score, weight) for score, weight in scored if score is not None]
    if not known:
        return
    whole = sum(score * weight for score, weight in known) / sum(weight for _, weight in known)
    in_shares = run.rules.reference[metric] > 1 and all(score <= 1 for score, _ in known)
    run.quality.scores[metric] = whole * 100 if in_shares else whole


def _single_metric(rules: LlmFacts | None) -> str | None:
    """The only score, lengths apart, that a benchmark has a target for."""
    names = [name for name, (_, most) in rules.targets.items() if most is None] if rules else []
    return names[0] if len(names) == 1 else None


def _weight(entry: Json) -> float:
    stated = (number(entry.get(name)) for name in ("unit_samples", "total_samples"))
    return next((weight for weight in stated if weight is not None and weight > 0), 1.0)


def _read(path: Path, run: RunEvidence) -> Json:
    try:
        return read_object(path) or {}
    except UserError as error:
        run.damage.append(str(error).splitlines()[0])
        return {}


def _near(value: object) -> Span | None:
    figure = number(value)
    return None if figure is None else Span.near(figure, _NEAR)
