"""What isn't the same in two runs: configuration, versions, hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.endpoint_pairs import Pair, endpoint_pairs, pair_facts, pair_name
from assay.analysis.flat import flat
from assay.analysis.settings_apart import settings_apart
from assay.benchmarks import Benchmark
from assay.runs.record import RunRecord
from assay.safe_yaml import read_yaml

_OF_THE_MOMENT = frozenset(
    {
        *("utc_ns", "boot_id", "measured_utc", "load_1m", "disk_free_bytes", "memory_available_bytes"),
        *("temperature_c", "memory_used_bytes"),
    }
)
_MEASURED = ("client_calibration", "cpu_ceiling")
_EVERY_ENDPOINT = "every endpoint"
_OF_ENDPOINT = "endpoint "
_OF_THE_PLAN = ("name", "modes", "output")
"""Of a configuration: which other runs were planned with this one, and where their folders are made."""
_OF_ITS_CAMPAIGN = ("kind", "rates", "concurrencies", "loads", "curve", "repeats", "project_samples")
"""Of its campaign: which loads were asked for, how often each, and what is asked of its result. What one load was, its
run's record says."""
_ADDRESS = frozenset({"address", "host", "hostname"})
"""Of a machine: one that has another name has others of these too, which is one fact."""
_SAY_IT_AGAIN = ("system.json", "config.yaml")
"""Files that may tell what a record tells as well."""


class Difference(BaseModel):
    """A fact that isn't the same in both runs."""

    model_config = ConfigDict(extra="forbid")

    where: str
    fact: str
    baseline: str
    other: str
    setting: str | None = Field(
        default=None, description="what gives the baseline the other's value, as `--set` takes it; null: nothing does"
    )


@dataclass(frozen=True)
class Circumstances:
    """What a run was made with and on."""

    record: RunRecord
    benchmark: Benchmark
    system: Mapping[str, Any]
    config: Path
    """Its configuration's file, which need not be there."""


def differences(base: Circumstances, other: Circumstances) -> list[Difference]:
    """Every fact of the runs' records, benchmarks, systems and configurations that isn't the same in both.

    How full a disk was, or how warm a card, as the run began is of its moment: two runs never agree in it. A setting
    that every endpoint has is one fact, and one of the configuration that an endpoint's record tells isn't told again.
    """
    pairs = endpoint_pairs(base.record.endpoints, other.record.endpoints)
    configs = _config(base.config), _config(other.config)
    found: list[Difference] = []
    for where, left, right in (
        ("run.json", *_record_facts(base.record, other.record, pairs)),
        ("benchmark.json", flat(_plain(base.benchmark)), flat(_plain(other.benchmark))),
        ("system.json", _system_facts(base.system), _system_facts(other.system)),
        ("config.yaml", flat(configs[0]), flat(configs[1])),
    ):
        for fact in sorted(left.keys() | right.keys()):
            first, second = left.get(fact, "absent"), right.get(fact, "absent")
            if first != second:
                found.append(Difference(where=where, fact=fact, baseline=first, other=second))
    nodes = {pair_name(pair): own.node for pair in pairs for own in pair if own is not None}
    return _of_nodes_once(_told_once(_once_for_all(found, set(nodes)), settings_apart(*configs)), nodes)


def _of_nodes_once(found: Sequence[Difference], nodes: Mapping[str, str]) -> list[Difference]:
    """What the configuration gives a node by its name isn't told again where that node's endpoint tells the same, and
    is the setting of it then."""
    by_node = {(_own_name(each.fact), each.baseline, each.other): each for each in found if each.where == "config.yaml"}
    again: set[int] = set()
    kept = []
    for each in found:
        of = next((node for name, node in nodes.items() if each.fact.startswith(f"{_OF_ENDPOINT}{name}.")), None)
        given = by_node.get((of, each.baseline, each.other)) if of is not None else None
        if given is not None:
            again.add(id(given))
            each = each.model_copy(update={"setting": each.setting or given.setting})
        kept.append(each)
    return [each for each in kept if id(each) not in again]


def _told_once(found: Sequence[Difference], settings: Mapping[str, str]) -> list[Difference]:
    """Each fact by the first file that tells it, with the setting of the configuration that is it."""
    own = {_setting(each): settings.get(each.fact) for each in reversed(found) if each.where == "config.yaml"}
    renamed = {(each.where, _parent(each.fact)) for each in found if each.fact.endswith(".name")}
    told: set[tuple[str, str, str]] = set()
    kept = []
    for each in found:
        repeats = each.where in _SAY_IT_AGAIN and _setting(each) in told
        if not repeats and not (_own_name(each.fact) in _ADDRESS and (each.where, _parent(each.fact)) in renamed):
            setting = settings.get(each.fact) if each.where == "config.yaml" else own.get(_setting(each))
            kept.append(each.model_copy(update={"setting": setting}))
        if each.where == "run.json":
            told.add(_setting(each))
    return kept


def _setting(difference: Difference) -> tuple[str, str, str]:
    """Its own name, without where it stands, and its values; a machine's name is that of a node."""
    name = _own_name(difference.fact)
    return "node" if name == "name" else name, difference.baseline, difference.other


def _own_name(fact: str) -> str:
    return fact.rpartition(".")[2]


def _parent(fact: str) -> str:
    return fact.rpartition(".")[0]


def _once_for_all(found: Sequence[Difference], endpoints: set[str]) -> list[Difference]:
    """What differs alike at every one of several endpoints, as one fact."""
    alike: dict[tuple[str, str, str], list[Difference]] = {}
    for each in found:
        if (place := _of_endpoint(each.fact, endpoints)) is not None:
            alike.setdefault((place, each.baseline, each.other), []).append(each)
    merged = {id(each): place for (place, _, _), same in alike.items() if len(same) == len(endpoints) for each in same}
    kept: dict[tuple[str, str, str, str], Difference] = {}
    for each in found:
        if len(endpoints) > 1 and (place := merged.get(id(each))) is not None:
            each = each.model_copy(update={"fact": f"{_EVERY_ENDPOINT}.{place}"})
        kept.setdefault((each.where, each.fact, each.baseline, each.other), each)
    return list(kept.values())


def _of_endpoint(fact: str, endpoints: set[str]) -> str | None:
    """The fact without its endpoint; None: it isn't an endpoint's. An endpoint's name may have dots as a fact has."""
    told = fact.removeprefix(_OF_ENDPOINT)
    if told == fact:
        return None
    dots = (place for place, letter in enumerate(told) if letter == ".")
    return next((told[dot + 1 :] for dot in dots if told[:dot] in endpoints), None)


def _record_facts(base: RunRecord, other: RunRecord, pairs: Sequence[Pair]) -> tuple[dict[str, str], dict[str, str]]:
    keep = ("assay_version", "model", "official", "samples", "target_qps", "simulated", "loadgen_version")
    left, right = ({key: str(getattr(record, key)) for key in keep} | _shape(record) for record in (base, other))
    for pair in pairs:
        first, second = pair_facts(pair, f"{_OF_ENDPOINT}{pair_name(pair)}")
        left |= first
        right |= second
    return left, right


def _shape(record: RunRecord) -> dict[str, str]:
    """What the pacer was told of the load: of two loads that were asked for alike, how long each lasts."""
    return flat(record.shape.model_dump(mode="json", exclude_none=True), "load") if record.shape else {}


def _system_facts(system: Mapping[str, Any]) -> dict[str, str]:
    lasting = {name: value for name, value in system.items() if name not in _MEASURED}
    return {fact: value for fact, value in flat(lasting).items() if _own_name(fact) not in _OF_THE_MOMENT}


def _plain(benchmark: Benchmark) -> dict[str, Any]:
    return benchmark.model_dump(mode="json")


def _config(path: Path) -> Any:
    data = (read_yaml(path).data if path.exists() else None) or {}
    if not isinstance(data, dict):
        return data
    kept = {key: value for key, value in data.items() if key not in _OF_THE_PLAN}
    if isinstance(campaign := kept.get("campaign"), dict):
        kept["campaign"] = {key: value for key, value in campaign.items() if key not in _OF_ITS_CAMPAIGN}
    return kept
