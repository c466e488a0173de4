"""Options become the configuration that `assay run` takes, or one message."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.commands.bench import bench
from assay.commands.bench.settings import settings_of
from assay.config import config_of, load_config
from assay.errors import UserError


def settings(*arguments: str) -> dict[str, Any]:
    """What the command makes of its arguments; the model is named, so that no server is asked."""
    with bench.make_context("bench", ["http://127.0.0.1:1", "--model", "m", *arguments]) as context:
        options = {k: v for k, v in context.params.items() if k not in ("urls", "conditions", "save", "as_json")}
        return asyncio.run(settings_of(context.params["urls"], options))


def test_three_flags_are_enough() -> None:
    config = config_of(settings("--input", "512", "--output", "128", "--concurrency", "1,8,32"), "test")
    assert [load.title for load in config.campaign.loads] == ["1 in flight", "8 in flight", "32 in flight"]
    assert config.dataset.synthetic is not None
    assert (str(config.dataset.synthetic.input), str(config.dataset.synthetic.output)) == ("512", "128")


def test_the_saved_file_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    arguments = [
        "http://127.0.0.1:1/serving/llm",
        "--model",
        "m",
        "--rate",
        "2",
        "--slo",
        "ttft=500ms",
        "--header",
        "x=env:X",
    ]
    done = CliRunner().invoke(bench, [*arguments, "--save", str(file)])
    assert done.exit_code == 0, done.output
    assert f"assay run {file}" in done.output
    assert load_config(file) == config_of(
        settings("--rate", "2", "--slo", "ttft=500ms", "--header", "x=env:X"), "test"
    ).model_copy(update={"engine": load_config(file).engine})
    again = CliRunner().invoke(bench, [*arguments, "--save", str(file)])
    assert "exists already" in str(again.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "many"], "--input many"),
        (["--prompts", "p.jsonl", "--input", "5"], "brings its own lengths"),
        (["--sessions", "2"], "give --prompts FILE"),
        (["--header", "novalue"], "NAME=VALUE"),
        (["--extra-body", "[1]"], "JSON object"),
        (["--slo", "ttft=fast"], "--slo"),
        (["--prompts", "p.jsonl", "--output", "1:2"], "one number"),
        (["--prompts", "p.jsonl", "--output", "²"], "one number"),
        (["--duration", "9" * 400 + "s"], "longer than a year"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        settings(*arguments)


@pytest.mark.parametrize("length", ["99999999999999", "1:99999999999999", "99999999999999~5"])
def test_a_length_that_no_model_reads_is_refused(length: str) -> None:
    with pytest.raises(UserError, match="less than or equal to 10000000"):
        config_of(settings("--input", length), "the options")


def test_a_header_in_curls_form_is_refused_without_its_secret() -> None:
    with pytest.raises(UserError, match="--header Authorization: write NAME=VALUE") as raised:
        settings("--header", "Authorization: Bearer s3cret")
    assert "s3cret" not in str(raised.value)


def test_a_password_in_a_url_is_never_shown() -> None:
    with pytest.raises(UserError, match="contains a password") as raised:
        config_of(settings() | {"engine": {"kind": "external", "endpoints": [{"url": "http://me:pw5@h:99999"}]}}, "t")
    assert "pw5" not in str(raised.value)


def test_a_place_where_nothing_can_be_saved_is_one_message(tmp_path: Path) -> None:
    done = CliRunner().invoke(bench, ["http://127.0.0.1:1", "--model", "m", "--save", str(tmp_path / "no" / "b.yaml")])
    assert isinstance(done.exception, UserError)
    assert "can't be written" in str(done.exception)


def test_made_prompts_ask_for_answers_of_their_length_and_files_for_none() -> None:
    assert settings()["engine"]["api"] == {"ignore_eos": True}
    assert "api" not in settings("--prompts", "p.jsonl")["engine"]


def test_lengths_are_fixed_uniform_or_lognormal() -> None:
    made = settings("--input", "100:900", "--output", "200~50")["dataset"]["synthetic"]
    assert made == {"input": {"low": 100, "high": 900}, "output": {"mean": 200.0, "std": 50.0}}
