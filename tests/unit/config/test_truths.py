"""True and false are no numbers: YAML reads yes, no, on and off as these, and Python counts with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assay.benchmarks import get_benchmark
from assay.config import load_config
from assay.errors import UserError
from assay.quantities import NO_NUMBER
from assay.simulator import SimulatorConfig

EXTERNAL = "engine:\n  kind: external\n  model: m\n  endpoints: [{url: 'http://h:1', %s}]\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (EXTERNAL % "cost_per_hour: yes", "assay.yaml:4: engine.endpoints.0.cost_per_hour"),
        ("name: a\ncampaign:\n  repeats: on", "assay.yaml:3: campaign.repeats"),
        ("target_qps: {Server: true}", "assay.yaml:1: target_qps.Server"),
        ("campaign: {kind: sweep, rates: [2, yes]}", "assay.yaml:1: campaign.rates.1"),
        (
            "campaign: {kind: bench, loads: [{kind: concurrency, concurrency: yes, duration_s: 2}]}",
            "assay.yaml:1: campaign.loads.0.concurrency",
        ),
        ("dataset: {synthetic: {input: {low: yes, high: 4}, output: 8}}", "1: dataset.synthetic.input.low"),
        ("slo: {ttft: yes}", "assay.yaml:1: slo.ttft"),
        ("cluster: {nodes: [{name: a, accelerators: [yes]}]}", "assay.yaml:1: cluster.nodes.0.accelerators.0"),
        ("cluster: {nodes: [{name: a, servers: yes}]}", "assay.yaml:1: cluster.nodes.0.servers"),
        ("alerts: {rules: {stall: {for_s: yes}}}", "assay.yaml:1: alerts.rules.stall.for_s"),
        ("engine: {kind: simulated, speeds: {a: yes}}", "assay.yaml:1: engine.speeds.a"),
    ],
)
def test_a_truth_in_a_numbers_place_is_refused_in_its_line(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_config(path)
    (line,) = str(caught.value).splitlines()
    assert place in line
    assert line.endswith(f": {NO_NUMBER}")


def test_an_override_is_held_to_it_too() -> None:
    with pytest.raises(UserError, match=r"^--set load\.workers=yes: load\.workers: must be a number"):
        load_config(None, ["load.workers=yes"])


def test_what_is_true_or_false_by_itself_stays() -> None:
    given = ["campaign.stop_on_failure=yes", "alerts.rules.stall=off", "dataset.sessions=no"]
    config = load_config(None, given)
    assert (config.campaign.stop_on_failure, config.dataset.sessions) == (True, False)
    settings = (
        "{launcher: torchx, nodes: [{name: a}], scheduler: local_cwd, scheduler_args: {quiet: yes, depth: 2}, image: i}"
    )
    cluster = load_config(None, [f"cluster={settings}", "engine.kind=simulated"]).cluster
    assert cluster.model_dump()["scheduler_args"] == {"quiet": True, "depth": 2}


def test_a_benchmark_of_ones_own_is_held_to_it(tmp_path: Path) -> None:
    own = get_benchmark("smollm2-135m").model_dump(mode="json") | {"name": "mine", "mlperf": False}
    own["dataset"]["total_sample_count"] = True
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    with pytest.raises(UserError, match=rf"own\.yaml: dataset\.total_sample_count: {NO_NUMBER}$"):
        get_benchmark(tmp_path / "own.yaml")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ttft_ms": True}, f"ttft_ms {NO_NUMBER}"),
        ({"port": False}, f"port {NO_NUMBER}"),
        ({"speed": [1, True]}, f"speed {NO_NUMBER}"),
        ({"faults": [{"kind": "hang", "at": True}]}, f"faults {NO_NUMBER}"),
        ({"one_port": 2}, "one_port must be true or false"),
    ],
)
def test_the_simulators_own_file_is_held_to_it(fields: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        SimulatorConfig.from_fields(fields)
