"""The JSON schema for editors takes what `assay run` takes, and marks what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from assay.commands.main import main
from assay.config import config_of
from assay.errors import UserError

EXAMPLES = [Path(str(file)) for file in files("assay").joinpath("examples").iterdir() if file.name.endswith(".yaml")]
CONFIGURATIONS = sorted(path for path in EXAMPLES if not path.name.startswith("claims"))
NODE = "cluster: {launcher: local, nodes: [{name: a, accelerators: %s}]}"


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(CliRunner().invoke(main, ["schema"]).stdout)


@pytest.fixture(scope="module")
def validator(schema: Any) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_examples_are_valid(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "engine: {precision: f32}",
        "slo: {ttft: 500ms}",
        "dataset: {synthetic: {input: 512, output: {low: 1, high: 3}}}",
        "alerts: {rules: {stall: {limit: 5}, errors: off}}",
        NODE % 4,
        NODE % "[0, 2]",
        "campaign: {kind: bench, loads: [{kind: rate, rate: 2}]}",
    ],
)
def test_what_assay_takes_in_several_forms_editors_take_too(
    text: str, validator: jsonschema.Draft202012Validator
) -> None:
    settings = yaml.safe_load(text)
    validator.validate(settings)
    config_of(settings, "here")


@pytest.mark.parametrize(
    "text",
    [
        "engin: {}",
        "engine: {precison: f32}",
        "engine: {kind: vllm}",
        "cluster: {launcher: slrum}",
        "load: {workers: 0}",
        NODE % "[-1]",
        "slo: {ttft: [1]}",
    ],
)
def test_a_mistake_is_marked(text: str, validator: jsonschema.Draft202012Validator) -> None:
    settings = yaml.safe_load(text)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(settings)
    with pytest.raises(UserError):
        config_of(settings, "here")


def test_yaml_1_2_reads_off_as_a_word_and_it_switches_a_rule_off_all_the_same(
    validator: jsonschema.Draft202012Validator,
) -> None:
    validator.validate({"alerts": {"rules": {"errors": "off"}}})


def keys(part: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    for name, definition in part.get("$defs", {}).items():
        yield from keys(definition, name)
    for name, key in part.get("properties", {}).items():
        yield f"{place}.{name}", key


def test_every_key_says_what_it_means(schema: Any) -> None:
    """In words of its own; of a section the model's words do."""
    silent = {name for name, key in keys(schema) if not key.get("description") and "$ref" not in json.dumps(key)}
    assert silent - {name for name in silent if name.endswith((".kind", ".launcher"))} == set()
