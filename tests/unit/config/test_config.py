"""Mistakes in assay.yaml get one message with file, line, field and mend."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assay.config import DEFAULTS, Config, dump_config, load_config
from assay.errors import UserError


def load(tmp_path: Path, text: str, *overrides: str) -> Config:
    path = tmp_path / "assay.yaml"
    path.write_text(text)
    return load_config(path, list(overrides))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scenarioss: [Offline]", ["assay.yaml:1", "scenarioss", "did you mean 'scenarios'?"]),
        ("scenarios: [Offline]\ndataset:\n  samples: many", ["assay.yaml:3", "dataset.samples", "'many'"]),
        ("scenarios: [Offline]\ndataset:\n  samples: 0", ["assay.yaml:3", "dataset.samples", "0"]),
        ("scenarios: [Offlin]", ["assay.yaml:1", "scenarios.0", "'Offlin'"]),
        ("scenarios: [Offline]\nengine:\n  kind: vlm", ["assay.yaml", "engine", "'vlm'"]),
        ("scenarios: [Offline]\nengine:\n  kind: embedded\n  precison: f32", ["assay.yaml:4", "'precision'"]),
        ("", ["assay.yaml: says nothing", "assay init"]),
        ("# nothing\n", ["assay.yaml: says nothing"]),
        (
            "scenarios: [Offline]\nengine:\n  kind: exernal",
            ["assay.yaml:3: engine.kind: 'exernal' is none of vllm, embedded, external", "did you mean 'external'?"],
        ),
        (
            "campaign:\n  loads:\n    - kind: rte",
            ["assay.yaml:3: campaign.loads.0.kind: 'rte' is none of", "did you mean 'rate'?"],
        ),
        ("scenarios: [Offline]\nengine:\n  kind: vllm", ["assay.yaml", "engine.model", "missing"]),
        ("scenarios: [Offline]\ncluster:\n  nodes:\n    - name: Bad Name", ["assay.yaml:4", "cluster.nodes.0.name"]),
        ("scenarios: [Offline]\nofficial: true\ndataset: {samples: 3}", ["dataset.samples can't go with official"]),
        (
            "scenarios: [Offline]\nofficial: true\ndataset: {sessions: true}",
            ["official runs take the benchmark's file"],
        ),
        (
            "dataset:\n  synthetic:\n    output: 8\n    input: {low: 5}",
            ["assay.yaml:4: dataset.synthetic.input: write"],
        ),
        ("dataset:\n  hub: {nam: x}", ["assay.yaml:2: dataset.hub.nam: unknown key; did you mean 'name'?"]),
        (
            "load: {target_qps: 5}",
            ["assay.yaml:1: load.target_qps: unknown key here; it is 'target_qps' at the top level, in no section"],
        ),
        ("workers: 2", ["assay.yaml:1: workers: unknown key here; it is 'load.workers'"]),
        ("scenarios: [Offline", ["assay.yaml:", "not YAML"]),
        ("- a list", ["assay.yaml:1", "found a list"]),
        ("scenarios: [Offline]\ntarget_qps: {Offline: -1}", ["assay.yaml:2: target_qps.Offline", "greater than", "-1"]),
        ("scenarios: [Server]\ntarget_qps: {Server: .nan}", ["assay.yaml:2", "target_qps.Server", "finite number"]),
    ],
)
def test_mistakes(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)
    for word in words:
        assert word in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_missing_file_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="assay init"):
        load_config(tmp_path / "none.yaml")


def test_overrides_win_and_are_named_in_messages(tmp_path: Path) -> None:
    config = load(tmp_path, "scenarios: [Offline]\nload: {workers: 2}", "load.workers=5", "dataset.samples=7")
    assert (config.load.workers, config.dataset.samples) == (5, 7)
    with pytest.raises(UserError, match=r"--set load\.workers=x: load\.workers"):
        load(tmp_path, "scenarios: [Offline]", "load.workers=x")
    with pytest.raises(UserError, match=r"write it as a\.b=c"):
        load(tmp_path, "scenarios: [Offline]", "load.workers")
    with pytest.raises(UserError, match="is a value"):
        load(tmp_path, "scenarios: [Offline]", "scenarios.x=1")


def test_overriding_the_default_leaves_the_default_alone() -> None:
    changed = load_config(None, ["target_qps.Server=9", "dataset.samples=4"])
    assert changed.target_qps == {"Server": 9}
    assert load_config(None).target_qps == {"Server": 0.8}
    assert load_config(None).dataset.samples == DEFAULTS["dataset"]["samples"]


def test_the_resolved_configuration_reads_back_the_same(tmp_path: Path) -> None:
    config = load_config(None, ["engine.precision=f32", "load.workers=2"])
    assert load(tmp_path, dump_config(config)) == config


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(Config.model_fields)), inner),
        max_leaves=8,
    )
)
def test_no_document_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, document: object) -> None:
    path = tmp_path_factory.mktemp("config") / "assay.yaml"
    path.write_text(yaml.safe_dump(document))
    with contextlib.suppress(UserError):  # anything else is a defect
        load_config(path)


def test_a_list_is_not_called_too_short_for_what_was_refused_in_it(tmp_path: Path) -> None:
    engine = "engine:\n  kind: external\n  model: m\n  endpoints:\n    - urll: http://h\n"
    with pytest.raises(UserError) as caught:
        load(tmp_path, engine)
    assert [line.partition(": ")[2] for line in str(caught.value).splitlines()] == [
        "engine.endpoints.0.url: is missing",
        "engine.endpoints.0.urll: unknown key; did you mean 'url'?",
    ]
    with pytest.raises(UserError, match="at least 1 item"):
        load(tmp_path, "engine: {kind: external, model: m, endpoints: []}")
