"""The `cluster:` section: what is accepted, and what each mistake is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from assay.cluster.options import ClusterOptions, nodes_of
from assay.errors import UserError

ADAPTER: TypeAdapter[Any] = TypeAdapter(ClusterOptions)
SLURM = {"launcher": "slurm", "folder": "/shared", "nodes": [{"name": "a"}]}
KUBERNETES = {"launcher": "kubernetes", "image": "i"}


def test_a_number_of_accelerators_means_the_first_ones() -> None:
    options = ADAPTER.validate_python({"launcher": "ssh", "nodes": [{"name": "a", "accelerators": 3}]})
    assert options.nodes[0].accelerators == (0, 1, 2)


def test_kubernetes_names_its_pods() -> None:
    options = ADAPTER.validate_python({**KUBERNETES, "replicas": 2, "accelerators": 4})
    assert [(node.name, node.accelerators) for node in nodes_of(options)] == [
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
        ({"launcher": "local", "nodes": [{"name": "a", "accelerators": [1, 1]}]}, "must be different indices from 0"),
        ({"launcher": "local", "nodes": [{"name": "a", "accelerators": [-1]}]}, "must be different indices from 0"),
        (
            {"launcher": "local", "nodes": [{"name": "a", "accelerators": 2}, {"name": "b", "accelerators": [1]}]},
            "accelerator 1 belongs to a and to b, which are this one machine",
        ),
        ({**SLURM, "time_limit": "two hours"}, "String should match pattern"),
        ({**SLURM, "extra": ["-p gpu"]}, "write sbatch options in their long form"),
        ({**SLURM, "extra": ["--comment=x\ny"]}, "write sbatch options in their long form"),
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
        nodes_of(options)
