"""Absurd values: each number of the configuration has bounds, and no text can break what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter, ValidationError

from assay.benchmarks import Benchmark
from assay.cluster.options import ClusterOptions
from assay.commands.main import main
from assay.config import Config, config_of, load_config
from assay.errors import UserError

CLUSTER: TypeAdapter[Any] = TypeAdapter(ClusterOptions)
TORCHXS_OWN = "scheduler_args"  # handed on to a scheduler of whatever kind
MEASURED = ("targets", "reference")  # scores of a benchmark, which may be of any size


def numbers(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each number in a JSON schema."""
    if isinstance(node, list):
        for inner in node:
            yield from numbers(inner, path)
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number"):
            yield path, node
        for key, inner in node.items():
            yield from numbers(inner, f"{path}/{key}")


@pytest.mark.parametrize("model", [Config, Benchmark])
def test_each_number_has_a_least_and_a_most(model: Any) -> None:
    found = list(numbers(model.model_json_schema()))
    assert len(found) > 10
    for path, node in found:
        if TORCHXS_OWN in path or any(f"/{name}/" in path for name in MEASURED):
            continue
        assert {"minimum", "exclusiveMinimum"} & set(node), f"{path} has no least"
        assert {"maximum", "exclusiveMaximum"} & set(node), f"{path} has no most"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("target_qps: {Server: 1e300}", "1: target_qps.Server"),
        ("target_qps: {Server: 1e-300}", "1: target_qps.Server"),
        ("campaign:\n  run_timeout_s: 1e300", "2: campaign.run_timeout_s"),
        ("campaign: {repeats: 100000000}", "1: campaign.repeats"),
        ("campaign: {seed: 99999999999999999999}", "1: campaign.seed: a whole number beyond 64 bits"),
        ("queries: {Offline: 1e30}", "1: queries.Offline"),
        ("cluster: {nodes: [{name: a, accelerators: 100000000}]}", "100000000 accelerators: write 0 to 1024"),
        ("cluster: {nodes: [{name: a, accelerators: -1}]}", "-1 accelerators"),
        ("cluster: {nodes: [{name: a, servers: 100000000}]}", "cluster.nodes.0.servers"),
        ("cluster: {nodes: []}", "cluster.nodes"),
        ("cluster: {launcher: kubernetes, image: i, replicas: 100000000}", "cluster.replicas"),
        ("cluster: {launcher: kubernetes, image: i, accelerators: 100000000}", "cluster.accelerators"),
        ("dataset: {samples: 100000000000}", "1: dataset.samples"),
        ("dataset:\n  synthetic: {input: 5, output: 5, prefix: {tokens: 1, groups: 1e10}}", "2: dataset.synthetic"),
        ("engine: {kind: simulated, env: {'A B': x}}", "engine.env.A B"),
        ("engine: {kind: simulated, env: {'': x}}", "this is no variable's name"),
        ('engine: {kind: simulated, env: {A: "x\\0y"}}', "1: engine.env.A: holds a null byte"),
        ("engine: {kind: simulated, pass_env: ['A=B']}", "engine.pass_env.0: this is no variable's name"),
        ('dataset: {path: "a\\0b"}', "1: dataset.path: holds a null byte"),
        ('output: "a\\0b"', "1: output: holds a null byte"),
        (
            "engine:\n  kind: external\n  model: m\n  endpoints: [{url: 'http://h:1'}]\n"
            "  api: {extra_body: {a: {b: [.inf]}}}",
            "5: engine.api.extra_body.a.b.0: must be a finite number",
        ),
    ],
)
def test_an_absurd_value_is_refused_in_its_line(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_config(path)
    assert place in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_an_override_is_held_to_the_same() -> None:
    with pytest.raises(UserError, match=r"--set campaign\.seed=9+: campaign\.seed: a whole number beyond 64 bits"):
        load_config(None, ["campaign.seed=99999999999999999999"])


@pytest.mark.parametrize(
    "engine",
    [
        {"endpoints": "http://user:hunter2@h:1"},
        {"endpoints": ["http://user:hunter2@h:1"]},
        {"endpoints": [{"url": "http://user:hunter2@h:1"}]},
        {"endpoints": [{"url": "http://user:hunter2/@h:1"}]},
        {"endpoints": [{"url": "http://user:hunt?er2@h:1"}]},
        {"endpoints": [{"url": "http://h:1/?key=hunter2"}]},
        {"endpoints": [{"url": "http://h:1/#hunter2"}]},
        {"endpoints": [{"url": "user:hunter2@h:1"}]},
        {"endpoints": [{"url": "http://h:1"}], "api_key_env": "sk-hunter2"},
        {"endpoints": [{"url": "http://h:1"}], "api_root": ["http://user:hunter2@h:1"]},
        {"endpoints": [{"url": "http://h:1", "ca_file": 3}], "url": "http://user:hunter2@h:1"},
        {"endpoints": [{"url": "http://h:1"}], "window": "http://user:hunter2@h:1"},
    ],
)
def test_no_message_shows_a_secret(engine: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        config_of({"engine": {"kind": "external", "model": "m", **engine}}, "here")
    for secret in ("hunter2", "hunt?er2", "hunt"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("urls", [["http://u:hunter2@h"], ["http://h:1", "http://u:hunter2@h"]])
def test_no_file_is_saved_with_a_secret(tmp_path: Path, urls: list[str]) -> None:
    saved = tmp_path / "saved.yaml"
    done = CliRunner().invoke(main, ["bench", *urls, "--model", "m", "--save", str(saved)])
    assert done.exit_code == 2
    assert "hunter2" not in done.output
    assert not saved.exists()


def test_no_file_is_saved_that_could_not_be_run(tmp_path: Path) -> None:
    saved = tmp_path / "saved.yaml"
    # No server is there to be asked for its models, so the name is taken as it is given.
    done = CliRunner().invoke(
        main, ["bench", "http://127.0.0.1:1", "--model", "m", "--seed", "9" * 20, "--save", str(saved)]
    )
    assert done.exit_code == 2
    assert "campaign.seed" in done.stderr
    assert not saved.exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"a": 123456789012345678901234567890}', "beyond 64 bits"),
        ('{"a": [{"b": -9223372036854775809}]}', "beyond 64 bits"),
        ('{"a": 1e400}', "no JSON"),
        ('{"a": NaN}', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"a": "\\ud800"}', "no JSON"),
    ],
)
def test_an_extra_body_that_no_request_can_carry(body: str, words: str) -> None:
    done = CliRunner().invoke(main, ["bench", "http://127.0.0.1:1", "--model", "m", "--extra-body", body])
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://h:99999", "http://h:0", "http://h:-1", "http://h:x", "http://h h:1", "http://h:1/a b", "http://",
        "http://a%20b:80", "http://[::1", "ftp://h:1",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_one(url: str) -> None:
    done = CliRunner().invoke(main, ["bench", url, "--model", "m"])
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


SLURM = {"launcher": "slurm", "folder": "/shared", "nodes": [{"name": "a"}]}
PODS = {"launcher": "kubernetes", "image": "i"}
SSH = {"launcher": "ssh", "nodes": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("cluster", "field", "value"),
    [
        *((SLURM, field, "x\ntouch canary") for field in ("partition", "account", "qos", "constraint", "gres")),
        *((SLURM, field, 'x" touch') for field in ("partition", "account", "qos", "constraint", "gres", "folder")),
        (SLURM, "folder", "/shared\ntouch canary"),
        (SLURM, "folder", "/shared/%j"),
        (SLURM, "python", "python3\n"),
        (SLURM, "extra", ["--comment=x\rtouch canary"]),
        (SLURM, "memory", "1G\n"),
        (SLURM, "time_limit", "1:00\n"),
        (PODS, "namespace", "x\ny"),
        (PODS, "namespace", "Upper"),
        (PODS, "namespace", "-x"),
        (PODS, "namespace", "x" * 64),
        (PODS, "image", "i j"),
        (PODS, "image", "--privileged"),
        (PODS, "image_pull_secrets", ["A b"]),
        (PODS, "accelerator_resource", "a b"),
        (PODS, "node_selector", {"a b": "c"}),
        (PODS, "node_selector", {"a": "c d"}),
        (PODS, "memory", "much"),
        (PODS, "cpu", "-1"),
        (PODS, "shm_size", "8Gi\n"),
        (PODS, "model_volume", {"claim": "Claim"}),
        (PODS, "model_volume", {"host_path": "models"}),
        (PODS, "tolerations", [{"key": "a\nb"}]),
        (PODS, "context", "a\nb"),
        (SSH, "nodes", [{"name": "a", "address": "-oProxyCommand=touch canary"}]),
        (SSH, "nodes", [{"name": "a", "jump": "-J"}]),
        (SSH, "user", "-l"),
        ({"launcher": "docker", "image": "i"}, "image", "-v"),
        ({"launcher": "docker", "image": "i"}, "shm_size", "8 g"),
        ({"launcher": "torchx", "scheduler": "s", "nodes": [{"name": "a"}]}, "scheduler", "-s\n"),
    ],
)  # fmt: skip
def test_a_name_that_would_break_out_of_its_place(cluster: dict[str, Any], field: str, value: Any) -> None:
    CLUSTER.validate_python(cluster)
    with pytest.raises(ValidationError):
        CLUSTER.validate_python({**cluster, field: value})
