"""What an engine says of itself, so that nobody has to ask of which kind it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, get_args
from unittest.mock import AsyncMock, Mock

import pytest
from pydantic import TypeAdapter

from assay.engines import Engine, EngineOptions, build_engine
from assay.engines.build import ENGINES
from assay.engines.options import ExternalOptions
from assay.serving.connection import Reach
from assay.serving.needs import ApiTakes, Needs

ADAPTER: TypeAdapter[Any] = TypeAdapter(EngineOptions)
MINIMAL: dict[str, dict[str, Any]] = {
    "embedded": {},
    "vllm": {"model": "m"},
    "external": {"model": "m", "endpoints": [{"url": "http://h:1"}]},
    "simulated": {},
}


def engine(kind: str, **fields: Any) -> Engine:
    return build_engine(ADAPTER.validate_python({"kind": kind, **MINIMAL[kind], **fields}))


def test_each_section_has_its_engine_in_the_table() -> None:
    kinds = {name for part in get_args(get_args(EngineOptions)[0])
             for name in get_args(part.model_fields["kind"].annotation)}  # fmt: skip
    assert kinds == set(ENGINES) == set(MINIMAL)
    assert all(engine(kind).kind == kind for kind in kinds)


def test_it_starts_servers_that_need_something_or_has_endpoints_already() -> None:
    for kind in MINIMAL:
        made = engine(kind)
        assert (made.needs() is None) == bool(made.endpoints())
    assert [kind for kind in MINIMAL if engine(kind).endpoints()] == ["external"]


def test_what_it_needs_on_a_node() -> None:
    assert engine("embedded").needs() == Needs("openvino_genai")
    assert engine("simulated").needs() == Needs("assay")
    made = engine("vllm", model="/models/m", python="/opt/vllm/bin/python")
    assert made.needs() == Needs("vllm", "/opt/vllm/bin/python", "/models/m")
    assert engine("vllm", model="org/name").needs() == Needs("vllm")


def test_vllm_knows_the_tokenizer_of_a_model_folder(tmp_path: Path) -> None:
    files = engine("vllm", model=str(tmp_path)).tokenizer(print)
    assert files is not None
    assert files.folder == tmp_path
    assert engine("vllm", model=str(tmp_path / "elsewhere")).tokenizer(print) is None
    assert engine("external").tokenizer(print) is None


@pytest.mark.engine
def test_the_embedded_engine_knows_its_own_tokenizer() -> None:
    files = engine("embedded").tokenizer(lambda told: None)
    assert files is not None
    assert (files.folder / "tokenizer.json").is_file()
    assert files.settings is not None
    assert "<|im_start|>" in files.settings.chat_template
    assert "tokenizer.json" in files.sha256s


@pytest.mark.parametrize(
    ("kind", "fields", "takes"),
    [
        ("vllm", {}, ApiTakes()),
        ("external", {"server": "sglang"}, ApiTakes()),
        ("external", {"server": "llama.cpp"}, ApiTakes(min_tokens=False, return_token_ids=False)),
        ("external", {}, ApiTakes(min_tokens=False, return_token_ids=False)),
    ],
)
def test_what_its_api_takes(kind: str, fields: dict[str, Any], takes: ApiTakes) -> None:
    assert engine(kind, **fields).takes == takes


def test_some_of_its_nodes() -> None:
    section = ADAPTER.validate_python({"kind": "simulated", "speeds": {"a": 2, "b": 3}, "faults": {"a": ["hang"]}})
    assert (section.only(["b"]).speeds, section.only(["b"]).faults) == ({"b": 3}, {})
    endpoints = [{"url": "http://a:1"}, {"url": "http://b:1", "node": "n"}]
    section = ADAPTER.validate_python({"kind": "external", "model": "m", "endpoints": endpoints})
    assert [one.url for one in section.only(["n"]).endpoints] == ["http://b:1"]
    section = ADAPTER.validate_python({"kind": "vllm", "model": "m"})
    assert section.only(["n"]) == section


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_only_the_embedded_engine_is_known_to_compute_on_a_cpu(kind: str) -> None:
    assert engine(kind).on_cpu == (kind == "embedded")


@pytest.mark.parametrize(
    ("told", "recorded"),
    [({"precision": "f32"}, "f32"), ({"precision": "\x1b[2J"}, "auto"), ({"precision": ["f32"]}, "auto"), ([], "auto")],
)
def test_the_precision_that_a_server_chose_is_recorded(told: object, recorded: str) -> None:
    client, made = Mock(), engine("embedded")
    client.get_json = AsyncMock(return_value=told)
    served = asyncio.run(made.served("a", client))
    assert served == made.settings("a") | {"precision": recorded}
    assert made.same("a", served)


def test_an_asked_precision_is_not_that_of_a_run_in_another() -> None:
    ran = engine("embedded").settings("a") | {"precision": "f32"}
    assert engine("embedded", precision="f32").same("a", ran)
    assert not engine("embedded", precision="bf16").same("a", ran)
    assert not engine("embedded", threads=2).same("a", ran)


@pytest.mark.parametrize("kind", ["vllm", "external"])
def test_a_version_is_a_few_words_that_no_terminal_obeys(kind: str) -> None:
    client = Mock()
    client.get_json = AsyncMock(return_value={"version": "\x1b[2J1.0" + "x" * 5000})
    told = asyncio.run(engine(kind, **({"server": "vllm"} if kind == "external" else {})).version(client))
    assert told is not None
    assert told.startswith("\\x1b[2J1.0x")
    assert told.isprintable()
    assert len(told) < 300


def test_connections_to_many_endpoints_cost_one_look_at_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]
    named = ExternalOptions.named

    def counting(options: ExternalOptions) -> Any:
        looks[0] += 1
        return named(options)

    monkeypatch.setattr(ExternalOptions, "named", counting)
    made = engine("external", endpoints=[{"url": f"http://h:{port}", "name": f"e{port}"} for port in range(1, 41)])
    urls = [made.connection(one.name, one.url, Reach()).url for one in made.endpoints()]
    assert urls == [f"http://h:{port}" for port in range(1, 41)]
    assert looks == [1]
