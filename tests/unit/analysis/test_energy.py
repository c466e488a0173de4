"""A run's energy and cost: those of meters with a known power curve, of the nodes that were metered alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pyarrow.compute as pc
import pytest
from tests.closed_loop import closed_loop
from tests.metered import SECOND, Floats, Row, counter_rows, power_rows, write_meters
from tests.synthetic import Plan, write_run
from tests.synthetic_queue import CLOCK_ZERO_NS

from assay.analysis import summarise
from assay.analysis.energy import run_energy
from assay.analysis.expenses import EXPENSES
from assay.runs import Result, RunFolder, read_record, read_requests, write_json
from assay.runs.cost import CostFacts
from assay.runs.metric_names import CONTROLLER

ZERO_S = CLOCK_ZERO_NS / SECOND
Telemetry = Callable[[float], list[Row]]


def curve(t: Floats) -> Floats:
    """W: a slow wave."""
    return 400 + 150 * np.sin(t / 7)


def energy(begin: float, end: float) -> float:
    """J of `curve`."""
    return 400 * (end - begin) - 150 * 7 * (np.cos(end / 7) - np.cos(begin / 7))


def every_second(duration_s: float) -> np.ndarray:
    return CLOCK_ZERO_NS + np.arange(-3, duration_s + 3) * SECOND + 123_456_789


def metered(tmp_path: Path, telemetry: Telemetry, plan: Plan | None = None) -> tuple[RunFolder, float, float]:
    """A synthetic run with these readings; its first start and last end, s."""
    folder = write_run(tmp_path, replace(plan or Plan(samples=600), telemetry=False))
    rows = read_requests(folder.requests, ["issued_ns", "done_ns"])
    ends = (pc.min(rows["issued_ns"]).as_py(), pc.max(rows["done_ns"]).as_py())
    write_meters(folder.telemetry, telemetry((ends[1] - ends[0]) / SECOND))
    return folder, ends[0] / SECOND, ends[1] / SECOND


def counted(node: str, times: np.ndarray) -> list[Row]:
    return counter_rows(node, "gpu0", lambda t: 5e6 + np.array([energy(ZERO_S, one) for one in t]), times)


def value(result: Result, name: str) -> float:
    return result.figures[name].value


def test_energy_of_a_known_curve_by_both_bases(tmp_path: Path) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        times = every_second(duration_s)
        return counted("node-a", times) + power_rows("node-b", "gpu0", curve, times)

    folder, begin, end = metered(tmp_path, telemetry)
    result = summarise(folder)
    true = 2 * energy(begin, end)
    assert value(result, "energy_j") == pytest.approx(true, rel=0.003)
    assert value(result, "mean_power_w") == pytest.approx(true / (end - begin), rel=0.003)
    tokens = value(result, "output_tokens")
    assert value(result, "joules_per_output_token") == pytest.approx(true / tokens, rel=0.003)
    assert value(result, "joules_per_sample") == pytest.approx(true / 600, rel=0.003)
    per_kw = value(result, "output_tokens_per_s") / (value(result, "mean_power_w") / 1000)
    assert value(result, "output_tokens_per_s_per_kw") == pytest.approx(per_kw)
    assert result.energy is not None
    assert [(meter.node, meter.meter, meter.basis) for meter in result.energy.meters] == [
        ("node-a", "gpu0", "counter"),
        ("node-b", "gpu0", "power"),
    ]
    assert (result.energy.scope, result.energy.accelerators) == ("accelerators", (2, 2))
    assert "2 of 2 nodes, by energy counter and power readings" in result.figures["energy_j"].formula
    for name in ("mean_power_w", "joules_per_output_token", "output_tokens_per_s_per_kw"):
        figure = result.figures[name]
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high


def test_a_node_without_a_meter_gives_neither_energy_nor_answers(tmp_path: Path) -> None:
    folder, begin, end = metered(tmp_path, lambda duration_s: counted("node-a", every_second(duration_s)))
    result = summarise(folder)
    own = next(endpoint for endpoint in result.endpoints if endpoint.node == "node-a")
    assert value(result, "energy_j") == pytest.approx(energy(begin, end), rel=0.003)
    assert value(result, "joules_per_output_token") == pytest.approx(energy(begin, end) / own.output_tokens, rel=0.003)
    assert result.figures["joules_per_sample"].n == own.samples < 600
    assert result.energy is not None
    assert result.energy.nodes == ["node-a"]
    assert result.energy.unmetered == {"node-b": "0 of 1 accelerators metered"}
    assert result.energy.accelerators == (1, 2)


def test_servers_that_assay_didnt_start_have_no_energy_and_it_says_why(tmp_path: Path) -> None:
    """The client's own machine is metered all the same, and that is the energy of none of them."""

    def telemetry(duration_s: float) -> list[Row]:
        return power_rows(CONTROLLER, "cpu0", curve, every_second(duration_s))

    folder, _, _ = metered(tmp_path, telemetry)
    record = read_record(folder)
    for endpoint in record.endpoints:
        endpoint.engine = "external"
    write_json(folder.record, record)
    result = summarise(folder)
    assert [name for name in EXPENSES if name in result.figures] == []
    assert result.energy is not None
    why = "Assay reads no meters of servers that it didn't start"
    assert (result.energy.unmetered, result.energy.meters) == ({"node-a": why, "node-b": why}, [])
    assert (result.energy.nodes, result.energy.accelerators) == ([], (0, 2))


def test_an_external_server_on_a_node_that_is_metered_counts(tmp_path: Path) -> None:
    """Its node is one of the cluster's, whose accelerators are those of this machine."""
    folder, begin, end = metered(
        tmp_path,
        lambda duration_s: [row for node in ("node-a", "node-b") for row in counted(node, every_second(duration_s))],
    )
    record = read_record(folder)
    for endpoint in record.endpoints:
        endpoint.engine = "external"
    write_json(folder.record, record)
    result = summarise(folder)
    assert value(result, "energy_j") == pytest.approx(2 * energy(begin, end), rel=0.003)
    assert result.energy is not None
    assert result.energy.unmetered == {}


def test_one_accelerator_of_two_is_not_its_nodes_energy(tmp_path: Path) -> None:
    folder, _, _ = metered(tmp_path, lambda duration_s: counted("node-a", every_second(duration_s)))
    record = read_record(folder)
    record.endpoints[0].accelerators *= 2
    write_json(folder.record, record)
    result = summarise(folder)
    assert "energy_j" not in result.figures
    assert result.energy is not None
    assert result.energy.unmetered["node-a"] == "1 of 2 accelerators metered"


@pytest.mark.parametrize("whole", [True, False])
def test_the_nodes_of_one_endpoint_count_together_or_not_at_all(tmp_path: Path, whole: bool) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        times = every_second(duration_s)
        return [row for node in ("node-a", "node-b", *["node-x"] * whole) for row in counted(node, times)]

    folder, begin, end = metered(tmp_path, telemetry)
    record = read_record(folder)
    record.endpoints[0].accelerators *= 2
    record.endpoints[0].followers = ["node-x"]
    write_json(folder.record, record)
    result = summarise(folder)
    assert result.energy is not None
    assert value(result, "energy_j") == pytest.approx((3 if whole else 1) * energy(begin, end), rel=0.003)
    assert result.energy.accelerators == (3 if whole else 1, 3)
    assert result.energy.nodes == (["node-a", "node-b", "node-x"] if whole else ["node-b"])
    unmetered = {"node-a": "its server is on node-x too", "node-x": "0 of 1 accelerators metered"}
    assert result.energy.unmetered == ({} if whole else unmetered)


def test_of_a_load_that_its_time_ended_energy_and_tokens_are_those_of_that_time(tmp_path: Path) -> None:
    """Places that never are empty: each token takes as much energy before the end as after it."""

    def telemetry(duration_s: float) -> list[Row]:
        """300 W while the load lasts, which is what each of its tokens took its share of, then hardly any."""
        times = every_second(60)
        return power_rows("node-a", "gpu0", lambda t: np.where(t - ZERO_S <= 10.2, 300.0, 1.0), times)

    folder, _, _ = metered(tmp_path, telemetry)
    record = read_record(folder)
    record.endpoints = [record.endpoints[0].model_copy(update={"name": "a"})]
    shifted = closed_loop(np.full(12, 4.0), 4, tokens=np.full(12, 7))
    columns = ("start_ns", "sent_ns", "first_ns", "last_ns", "done_ns")
    at = {name: getattr(shifted, name) + CLOCK_ZERO_NS for name in columns}
    run = run_energy(folder, record, replace(shifted, **at, until_ns=CLOCK_ZERO_NS + 10 * SECOND))
    assert run is not None
    assert run.seconds == 10
    assert run.spent is not None
    assert run.spent.per_token_j is not None
    assert run.spent.per_token_j.value == pytest.approx(3000 / (10 * 7))


def test_a_short_gap_counts_at_the_mean_and_a_long_one_unmeters_the_node(tmp_path: Path) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        times = every_second(duration_s)
        at = (times - CLOCK_ZERO_NS) / SECOND
        short = times[(at < 0.5 * duration_s) | (at > 0.5 * duration_s + 6)]
        long = times[at < 0.6 * duration_s]
        flat = power_rows("node-a", "gpu0", lambda t: np.full(len(t), 300.0), short)
        return flat + power_rows("node-b", "gpu0", curve, long)

    folder, begin, end = metered(tmp_path, telemetry, Plan(samples=3000))
    result = summarise(folder)
    assert value(result, "energy_j") == pytest.approx(300 * (end - begin), rel=1e-6)
    assert result.energy is not None
    first, second = result.energy.meters
    assert 0.9 < first.covered < 0.97
    assert second.covered == pytest.approx(0.6, abs=0.02)
    assert result.energy.unmetered == {"node-b": "gpu0 is known for 60 % of the time"}


def test_a_counter_that_is_set_back_gives_way_to_power(tmp_path: Path) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        times = every_second(duration_s)
        counter = [(n, m, t, v - 5e6 if t > times[len(times) // 2] else v) for n, m, t, v in counted("node-a", times)]
        return counter + power_rows("node-a", "gpu0", curve, times) + counted("node-b", times)

    folder, begin, end = metered(tmp_path, telemetry)
    result = summarise(folder)
    assert value(result, "energy_j") == pytest.approx(2 * energy(begin, end), rel=0.003)
    assert result.energy is not None
    assert [meter.basis for meter in result.energy.meters] == ["power", "counter"]


@pytest.mark.parametrize("both", [True, False])
def test_cpu_packages_are_added_where_every_node_that_counts_has_them(tmp_path: Path, both: bool) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        times = every_second(duration_s)
        rows = counted("node-a", times) + counted("node-b", times)
        for node in ("node-a", "node-b") if both else ("node-a",):
            rows += counter_rows(node, "cpu0", lambda t: 1000 + 90 * (t - ZERO_S), times)
        return rows

    folder, begin, end = metered(tmp_path, telemetry)
    result = summarise(folder)
    packages = 2 * 90 * (end - begin) if both else 0
    assert value(result, "energy_j") == pytest.approx(2 * energy(begin, end) + packages, rel=0.003)
    assert result.energy is not None
    assert result.energy.scope == ("accelerators and CPU packages" if both else "accelerators")
    assert sum(meter.counted for meter in result.energy.meters) == (4 if both else 2)


def on_cpu(folder: RunFolder, hostnames: dict[str, str]) -> None:
    """Endpoints without accelerators, on nodes of these host names; the controller's is `here`."""
    record = read_record(folder)
    for endpoint in record.endpoints:
        endpoint.accelerators = []
    write_json(folder.record, record)
    system = orjson.loads(folder.system.read_bytes())
    system["controller"]["hostname"] = "here"
    for node in system["nodes"]:
        node |= {"hostname": hostnames[node["name"]], "cpu_energy": "not metered: nobody may"}
    folder.system.write_bytes(orjson.dumps(system))


@pytest.mark.parametrize("hostname", ["here", "there"])
def test_the_controllers_packages_are_those_of_nodes_that_it_is(tmp_path: Path, hostname: str) -> None:
    """Two parts of one machine have its packages once; another machine has none of them."""

    def telemetry(duration_s: float) -> list[Row]:
        return counter_rows("controller", "cpu0", lambda t: 80 * (t - ZERO_S) + 400, every_second(duration_s))

    folder, begin, end = metered(tmp_path, telemetry)
    on_cpu(folder, {"node-a": "here", "node-b": hostname})
    result = summarise(folder)
    assert value(result, "energy_j") == pytest.approx(80 * (end - begin))
    assert result.energy is not None
    assert result.energy.scope == "CPU packages"
    assert result.energy.nodes == (["node-a", "node-b"] if hostname == "here" else ["node-a"])
    why = {"node-b": "no accelerators, and CPU packages not metered: nobody may"}
    assert result.energy.unmetered == ({} if hostname == "here" else why)


def test_packages_alone_arent_mixed_with_accelerators_alone(tmp_path: Path) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        times = every_second(duration_s)
        return counted("node-a", times) + counter_rows("node-b", "cpu0", lambda t: 90 * (t - ZERO_S) + 300, times)

    folder, begin, end = metered(tmp_path, telemetry)
    record = read_record(folder)
    record.endpoints[1].accelerators = []
    write_json(folder.record, record)
    result = summarise(folder)
    assert value(result, "energy_j") == pytest.approx(energy(begin, end), rel=0.003)
    assert result.energy is not None
    assert "CPU packages alone" in result.energy.unmetered["node-b"]


def test_without_meters_there_is_nothing_and_no_error(tmp_path: Path) -> None:
    folder, _, _ = metered(tmp_path, lambda _: [("node-a", "cpu_percent", CLOCK_ZERO_NS + SECOND, 5.0)])
    result = summarise(folder)
    assert result.energy is None
    assert "energy_j" not in result.figures


def test_a_run_that_is_over_before_it_is_read_twice_has_no_figures_and_says_why(tmp_path: Path) -> None:
    def telemetry(duration_s: float) -> list[Row]:
        return counted("node-a", every_second(duration_s)[:4]) + counted("node-b", every_second(duration_s)[:4])

    folder, _, _ = metered(tmp_path, telemetry)
    result = summarise(folder)
    assert not {"energy_j", "joules_per_output_token"} & result.figures.keys()
    assert result.energy is not None
    assert (result.energy.nodes, result.energy.scope) == ([], "")
    assert all("of the time" in why for why in result.energy.unmetered.values())


def with_cost(tmp_path: Path, cost: CostFacts) -> Result:
    folder = write_run(tmp_path, Plan(samples=600, telemetry=False))
    write_json(folder.record, read_record(folder).model_copy(update={"cost": cost}))
    return summarise(folder)


def test_the_cost_of_a_million_tokens_is_the_nodes_time(tmp_path: Path) -> None:
    result = with_cost(tmp_path, CostFacts(currency="EUR", per_hour={"node-a": 2.5, "node-b": 3.5, "idle": 1.0}))
    figure = result.figures["cost_per_million_output_tokens"]
    rate = result.figures["output_tokens_per_s"]
    assert figure.value == pytest.approx(7.0 / 3600 / rate.value * 1e6)
    assert figure.unit == "EUR/million output tokens"
    assert figure.low is not None
    assert rate.high is not None
    assert figure.low == pytest.approx(7.0 / 3600 / rate.high * 1e6, rel=1e-3)


def test_a_node_without_a_price_leaves_no_cost(tmp_path: Path) -> None:
    result = with_cost(tmp_path, CostFacts(currency="EUR", per_hour={"node-a": 2.5}, unpriced=["node-b"]))
    assert "cost_per_million_output_tokens" not in result.figures
