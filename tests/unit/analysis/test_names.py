"""What runs are called: only what tells them apart."""

from __future__ import annotations

from assay.analysis.listing import names_in_one_unit
from assay.analysis.names import name_in, title_in, titles_in, titles_of
from assay.runs import RunEntry
from assay.runs.scenarios import Mode, Scenario
from assay.runs.shapes import ConcurrencyShape

MODES: tuple[Mode, ...] = ("performance", "accuracy")


def entry(scenario: Scenario, repeat: int = 0, mode: Mode = "performance", nodes: tuple[str, ...] = ("a",)) -> RunEntry:
    key = f"{scenario}-{mode}-{'-'.join(nodes)}-r{repeat}"
    return RunEntry(key=key, scenario=scenario, mode=mode, nodes=list(nodes), repeat=repeat)


def test_what_all_runs_have_in_common_is_left_out() -> None:
    alone = [entry("Offline", nodes=(node,)) for node in ("a", "b")]
    assert [name_in(alone, one) for one in alone] == ["a", "b"]
    scenarios = [entry("Offline"), entry("SingleStream")]
    assert [name_in(scenarios, one) for one in scenarios] == ["Offline", "SingleStream"]


def test_turns_and_modes_are_told_where_there_are_several() -> None:
    once = [entry("Offline"), entry("Offline", mode="accuracy")]
    assert [title_in(once, one) for one in once] == ["Offline", "Offline accuracy"]
    runs = [*(entry("Offline", repeat) for repeat in range(3)), entry("SingleStream")]
    assert title_in(runs, runs[1]) == "Offline, run 2 of 3"
    assert titles_in(runs, runs) == "Offline, all 3 runs; SingleStream"
    assert titles_in(runs, [runs[0], runs[2]]) == "Offline, runs 1 and 3 of 3"
    assert titles_in(runs[:2], runs[:2]) == "Offline, both runs"


def test_all_titles_at_once_are_those_of_each_alone() -> None:
    """A load is called the same while it runs, in its report's name and at the end."""
    runs = [entry("Offline", repeat, mode) for repeat in (0, 1) for mode in ("performance", "accuracy")]
    runs += [entry("Server", nodes=("b",))]
    in_flight = entry("Concurrency").model_copy(update={"shape": ConcurrencyShape(concurrency=8)})
    for some in (runs, [*runs, in_flight]):
        assert titles_of(some) == {run.key: title_in(some, run) for run in some}


def test_a_guess_of_an_offline_rate_is_no_load() -> None:
    """LoadGen wants one, and issues all samples at once whatever it is."""
    offline = RunEntry(key="o", scenario="Offline", mode="performance", nodes=["node-a"], target_qps=20.0)
    server = offline.model_copy(update={"scenario": "Server"})
    assert [name_in([offline, server], entry) for entry in (offline, server)] == [
        "Offline",
        "Server 20 samples/s asked for",
    ]


def test_what_follows_a_rate_isnt_read_as_what_was_asked_for() -> None:
    """Neither a mode, as in "0.8 samples/s asked for accuracy", nor a try's settings."""
    server = [entry("Server", mode=mode).model_copy(update={"target_qps": 0.8}) for mode in MODES]
    told = ["0.8 samples/s asked for", "0.8 samples/s asked for, accuracy"]
    assert [title_in(server, one) for one in server] == list(titles_of(server).values()) == told
    tried = server[0].model_copy(update={"settings": {"max_num_seqs": 8}, "stage": "short"})
    assert name_in(server, tried) == "0.8 samples/s asked for, max_num_seqs 8 (short)"


def test_the_unit_of_several_loads_stands_once() -> None:
    assert names_in_one_unit(["1 in flight", "2 in flight", "16 in flight"]) == "1, 2, 16 in flight"
    assert names_in_one_unit(["0.5/s", "1/s"]) == "0.5, 1/s"
    assert names_in_one_unit(["1/s", "2 in flight"]) == "1/s, 2 in flight"
    assert names_in_one_unit(["1/s"]) == "1/s"
    assert names_in_one_unit(["Offline", "Server 1/s"]) == "Offline, Server 1/s"
