"""Engines: the command lines they give, one server for each group of accelerators, and what they record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from assay.engines import Engine, EngineOptions, build_engine
from assay.errors import UserError
from assay.serving.connection import FromEnvironment, Reach
from assay.serving.nodes import NodeOptions

ADAPTER: TypeAdapter[Any] = TypeAdapter(EngineOptions)


def engine(**fields: Any) -> Engine:
    return build_engine(ADAPTER.validate_python(fields))


def node(name: str = "a", **fields: Any) -> NodeOptions:
    return NodeOptions.model_validate({"name": name, **fields})


def value_of(argv: tuple[str, ...], flag: str) -> str:
    return argv[argv.index(flag) + 1]


def test_vllm_takes_groups_of_accelerators() -> None:
    made = engine(kind="vllm", model="m", tensor_parallel=2, port=8000)
    specs = made.servers([node(accelerators=[0, 1, 2, 3]), node("b", accelerators=[4, 6, 7])])
    assert [(spec.name, spec.accelerators, spec.port) for spec in specs] == [
        ("a-0", (0, 1), 8000),
        ("a-1", (2, 3), 8001),
        ("b", (4, 6), 8000),
    ]


def test_vllm_turns_prefix_caching_off_unless_asked() -> None:
    assert "--no-enable-prefix-caching" in engine(kind="vllm", model="m").servers([node()])[0].argv
    assert "--enable-prefix-caching" in engine(kind="vllm", model="m", prefix_caching=True).servers([node()])[0].argv


def test_vllm_options_reach_the_command_line() -> None:
    options = {
        "tensor_parallel": 2,
        "pipeline_parallel": 2,
        "data_parallel": 2,
        "dtype": "bfloat16",
        "quantization": "fp8",
        "kv_cache_dtype": "fp8",
        "max_num_seqs": 512,
        "max_num_batched_tokens": 8192,
        "max_model_len": 4096,
        "gpu_memory_utilization": 0.8,
    }
    made = engine(kind="vllm", model="/models/m", served_model_name="m", extra_args=["--swap-space", "0"], **options)
    (spec,) = made.servers([node(accelerators=8)])
    flags = {"tensor_parallel": "tensor-parallel-size", "pipeline_parallel": "pipeline-parallel-size",
             "data_parallel": "data-parallel-size"}  # fmt: skip
    for name, value in options.items():
        assert value_of(spec.argv, "--" + flags.get(name, name.replace("_", "-"))) == str(value)
    assert spec.argv[-2:] == ("--swap-space", "0")
    assert (made.model, made.window) == ("m", 1024)


@pytest.mark.parametrize("argument", ["--api-server-count", "--api-server-count=4", "--headless"])
def test_vllm_refuses_what_its_server_module_would_ignore(argument: str) -> None:
    with pytest.raises(UserError, match=f"{argument} has no effect"):
        engine(kind="vllm", model="m", extra_args=[argument])


def test_vllm_needs_enough_accelerators() -> None:
    with pytest.raises(UserError, match=r"needs 4 accelerators .* but node a has 2"):
        engine(kind="vllm", model="m", tensor_parallel=4).servers([node(accelerators=2)])


@pytest.mark.parametrize("kind", ["embedded", "simulated"])
def test_cpu_engines_start_as_many_servers_as_asked(kind: str) -> None:
    specs = engine(kind=kind).servers([node(servers=2), node("b")])
    assert [spec.name for spec in specs] == ["a-0", "a-1", "b"]
    assert specs[0].argv[0] == "{python}"


def test_embedded_is_the_default_of_its_options() -> None:
    (spec,) = engine(kind="embedded", precision="f32", threads=3).servers([node()])
    assert value_of(spec.argv, "--precision") == "f32"
    assert value_of(spec.argv, "--threads") == "3"


def test_simulated_nodes_have_speeds_and_faults_of_their_own() -> None:
    made = engine(kind="simulated", itl_ms=2, speeds={"fast": 2.1}, faults={"slow": ["kind=hang,at=5"]})
    slow, fast = made.servers([node("slow"), node("fast")])
    assert (value_of(slow.argv, "--speed"), value_of(fast.argv, "--speed")) == ("1.0", "2.1")
    assert value_of(slow.argv, "--fault") == "kind=hang,at=5"
    assert "--fault" not in fast.argv
    assert made.simulated
    assert made.settings("fast")["speed"] == 2.1


def test_a_speed_for_an_unknown_node_is_told() -> None:
    with pytest.raises(UserError, match="speeds and faults name typo, but the nodes are a"):
        engine(kind="simulated", speeds={"typo": 2}).servers([node()])


def test_external_endpoints_get_names_and_nodes() -> None:
    made = engine(
        kind="external", model="m", endpoints=[{"url": "http://h:8000/v1"}, {"url": "https://i", "node": "n"}]
    )
    assert [(e.url, e.name, e.node) for e in made.endpoints()] == [
        ("http://h:8000", "h-8000", "h"),
        ("https://i", "i-https", "n"),
    ]


def test_a_key_comes_from_the_environment_and_is_never_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine(kind="external", model="m", endpoints=[{"url": "http://h:1"}], api_key_env="RIG_KEY")
    connection = made.connection("h-1", "http://h:1", Reach())
    with pytest.raises(UserError, match="RIG_KEY, for http://h:1, is not set"):
        connection.head("GET", "/")
    monkeypatch.setenv("RIG_KEY", "s3cret")
    assert "Authorization: Bearer s3cret" in connection.head("GET", "/")
    assert "s3cret" not in str(made.settings("h")) + repr(connection) + connection.model_dump_json()


def test_an_endpoints_connection_wins_over_the_engines_and_that_over_the_clients() -> None:
    made = engine(
        kind="external",
        model="m",
        endpoints=[
            {"url": "https://h:1/llm/v1/", "headers": {"x-team": "b"}, "verify_tls": True, "name": "own"},
            {"url": "https://i:1", "name": "plain"},
        ],
        headers={"x-team": "a", "x-trace": {"env": "TRACE"}},
        verify_tls=False,
        ca_file="engine.pem",
    )
    reach = Reach(Path("client.pem"), 1.5)
    own = made.connection("own", "https://h:1/llm", reach)
    plain = made.connection("plain", "https://i:1", reach)
    assert (own.url, own.headers["x-team"], own.verify_tls) == ("https://h:1/llm", "b", True)
    assert (plain.headers["x-team"], plain.verify_tls, plain.ca_file) == ("a", False, Path("engine.pem"))
    assert own.headers["x-trace"] == FromEnvironment(env="TRACE")
    assert own.connect_timeout_s == 1.5
    assert engine(kind="simulated").connection("s", "http://s:1", reach).ca_file == Path("client.pem")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "vllm"}, "Field required"),
        ({"kind": "vllm", "model": "m", "tensor_paralel": 2}, "Extra inputs are not permitted"),
        ({"kind": "external", "model": "m", "endpoints": [{"url": "h:8000"}]}, "write http://HOST:PORT"),
        ({"kind": "simulated", "speeds": {"a": 0}}, "greater than or equal to"),
        ({"kind": "embedded", "precision": "bf16", "threads": 1}, "threads: 1: with one thread OpenVINO"),
    ],
)
def test_mistakes_are_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(given)
    assert message in str(caught.value)
