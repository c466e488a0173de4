"""The `cluster:` section: what is accepted, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from assay.cluster import LaunchError
from assay.cluster.build import EXPORTERS, LAUNCHERS, build_launcher
from assay.cluster.options import ClusterOptions
from assay.engines import SimulatedOptions, build_engine
from assay.errors import UserError
from assay.serving.nodes import NodeOptions

ADAPTER: TypeAdapter[Any] = TypeAdapter(ClusterOptions)
SLURM = {"launcher": "slurm", "folder": "/shared", "nodes": [{"name": "a"}]}
KUBERNETES = {"launcher": "kubernetes", "image": "i"}


def test_a_number_of_accelerators_means_the_first_ones() -> None:
    options = ADAPTER.validate_python({"launcher": "ssh", "nodes": [{"name": "a", "accelerators": 3}]})
    assert options.nodes[0].accelerators == (0, 1, 2)


def test_kubernetes_names_its_pods() -> None:
    options = ADAPTER.validate_python({**KUBERNETES, "replicas": 2, "accelerators": 4})
    assert [(node.name, node.accelerators) for node in options.node_list()] == [
        ("pod-0", (0, 1, 2, 3)),
        ("pod-1", (0, 1, 2, 3)),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"launcher": "telnet"}, "does not match any of the expected tags: 'local', 'ssh'"),
        ({"launcher": "ssh", "nodes": []}, "at least 1 item"),
        ({"launcher": "ssh", "nodes": [{"name": "A b"}]}, "is no node name: use up to 40 lower case letters"),
        ({"launcher": "ssh", "nodes": [{"name": "a", "gpus": 4}]}, "Extra inputs are not permitted"),
        ({"launcher": "local", "nodes": [{"name": "a", "accelerators": [1, 1]}]}, "must differ from each other"),
        ({"launcher": "local", "nodes": [{"name": "a", "accelerators": [-1]}]}, "greater than or equal to 0"),
        (
            {"launcher": "local", "nodes": [{"name": "a", "accelerators": 2}, {"name": "b", "accelerators": [1]}]},
            "accelerator 1 belongs to a and to b, which are this one machine",
        ),
        ({**SLURM, "time_limit": "two hours"}, "String should match pattern"),
        ({**SLURM, "extra": ["-p gpu"]}, "write sbatch options in their long form"),
        ({**SLURM, "extra": ["--comment=x\ny"]}, "a line break"),
        ({**KUBERNETES, "model_volume": {}}, "give either claim or host_path"),
        ({**KUBERNETES, "model_volume": {"claim": "a", "host_path": "/b"}}, "give either claim or host_path"),
    ],
)
def test_mistakes_are_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(given)
    assert message in str(caught.value)


def test_a_name_twice_is_told() -> None:
    options = ADAPTER.validate_python({"launcher": "local", "nodes": [{"name": "a"}, {"name": "a"}]})
    with pytest.raises(UserError, match="the name 'a' is given more than once"):
        options.node_list()


MINIMAL: dict[str, dict[str, Any]] = {
    "local": {},
    "ssh": {"nodes": [{"name": "a"}, {"name": "b"}]},
    "docker": {"image": "i"},
    "slurm": {"nodes": [{"name": "a"}], "folder": "/shared"},
    "kubernetes": {"image": "i"},
    "torchx": {"nodes": [{"name": "a"}], "scheduler": "local_cwd"},
}


def section(launcher: str, **options: Any) -> ClusterOptions:
    options = {"launcher": launcher, **MINIMAL[launcher], **options}
    built: ClusterOptions = TypeAdapter(ClusterOptions).validate_python(options)
    return built


def test_each_section_has_its_launcher_in_the_table(tmp_path: Path) -> None:
    sections = {part.model_fields["launcher"].annotation for part in get_args(get_args(ClusterOptions)[0])}
    assert {name for literal in sections for name in get_args(literal)} == set(LAUNCHERS) == set(MINIMAL)
    for name in LAUNCHERS:
        assert build_launcher(section(name), "label", tmp_path).monitor()


def test_exports_are_known_to_the_launchers_that_the_table_names(tmp_path: Path) -> None:
    (spec,) = build_engine(SimulatedOptions(kind="simulated")).servers([NodeOptions(name="a")])
    for name in LAUNCHERS:
        launcher = build_launcher(section(name), "label", tmp_path)
        if name in EXPORTERS.values():
            assert launcher.export([spec])
        else:
            with pytest.raises(UserError, match="knows no files"):
                launcher.export([spec])


def test_some_of_the_nodes() -> None:
    assert [node.name for node in section("ssh").only(["b"]).node_list()] == ["b"]
    with pytest.raises(LaunchError, match="Kubernetes chooses the nodes itself"):
        section("kubernetes").only(["pod-0"])


def test_what_is_of_this_machine() -> None:
    two = [{"name": "a", "accelerators": [0]}, {"name": "b", "accelerators": [1, 2]}]
    assert section("local", nodes=two).accelerators_here() == {0: "a", 1: "b", 2: "b"}
    assert section("ssh", nodes=two).accelerators_here() == {}
    here = {name for name in MINIMAL if section(name).on_this_machine}
    assert here == {"local", "docker", "torchx"}
    assert section("torchx", nodes=two).accelerators_here() == {0: "a", 1: "b", 2: "b"}
    assert section("torchx", nodes=two, scheduler="slurm").accelerators_here() == {}
    assert not section("torchx", scheduler="slurm").on_this_machine
    assert not section("docker", ssh=True).on_this_machine
