"""Every `assay …` line in the documents is one that the command line takes, and their configurations are valid."""

from __future__ import annotations

import json
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from tests.command_blocks import COMMANDS, DOCUMENTS, ROOT, Block, assay_calls, blocks, read_call

from assay.commands.schema import config_schema
from assay.config import load_config

TUTORIALS = [path for path in DOCUMENTS if path.parent.name == "tutorials"]
CALLS = [
    (document, words)
    for document in DOCUMENTS
    for block in blocks(document)
    if block.language in COMMANDS
    for words in assay_calls(block)
]
OTHER_YAML = {"audit.md", "benchmarks.md", "ceilings.md", "extending.md", "metrics.md"}
"""Documents whose YAML is something else: claims, benchmarks, Prometheus' own, parts of recipes."""
FILES = [
    block
    for document in DOCUMENTS
    if document.name not in OTHER_YAML
    for block in blocks(document)
    if block.language == "yaml" and not block.text.startswith("# system.yaml\n")
]
"""Answers about a system aren't a configuration; submission.md runs with them."""


def test_documents_hold_calls() -> None:
    assert len(CALLS) > 80
    assert {document.name for document, _ in CALLS} > {"README.md", "bench.md", "first-run.md", "slurm.md"}


@pytest.mark.parametrize(
    ("document", "words"), CALLS, ids=[f"{document.stem}: {' '.join(words)[:60]}" for document, words in CALLS]
)
def test_the_command_line_takes_it(document: Path, words: list[str]) -> None:
    try:
        read_call(words)
    except click.exceptions.Exit:  # --help, --version
        pass
    except click.UsageError as error:
        pytest.fail(f"{document.relative_to(ROOT)}: assay {' '.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("text", ["assay rnu x", "assay run --no-such", "true && assay run --plan=yes x", "assay sign"])
def test_what_the_command_line_refuses_is_seen(text: str) -> None:
    (words,) = assay_calls(Block(ROOT, "sh", text))
    with pytest.raises(click.UsageError):
        read_call(words)


def test_documents_hold_configurations() -> None:
    assert {block.document.name for block in FILES} > {"alerts.md", "data.md", "quick-start.md", "slurm.md"}


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.document.stem)
def test_a_configuration_is_valid(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text(block.text)
    load_config(path)
    as_json = json.loads(json.dumps(yaml.safe_load(block.text), default=str))  # times are text to an editor
    jsonschema.Draft202012Validator(config_schema()).validate(as_json)


@pytest.mark.parametrize("document", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_says_of_each_block_whether_it_runs_anywhere(document: Path) -> None:
    assert {block.language for block in blocks(document)} <= {"sh", "console", "yaml"}
