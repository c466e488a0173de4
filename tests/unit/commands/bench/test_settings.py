"""Options become the configuration that `assay run` takes, or one message."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.certificates import make_certificate
from tests.dialects import MODEL, dialect
from tests.proxy import proxy
from tests.running_simulator import simulator

from assay.commands.bench import bench
from assay.commands.bench.settings import settings_of
from assay.config import config_of, load_config
from assay.errors import AssayError, UserError


def settings(*arguments: str) -> dict[str, Any]:
    """What the command makes of its arguments for a server that is yet to start."""
    return settings_for("http://127.0.0.1:1", "--model", "m", *arguments)


def settings_for(url: str, *arguments: str) -> dict[str, Any]:
    with bench.make_context("bench", [url, *arguments]) as context:
        options = {k: v for k, v in context.params.items() if k not in ("urls", "conditions", "save", "as_json")}
        return asyncio.run(settings_of(context.params["urls"], options))


def test_three_flags_are_enough() -> None:
    config = config_of(settings("--input", "512", "--output", "128", "--concurrency", "1,8,32"), "test")
    assert [load.title for load in config.campaign.loads] == ["1 in flight", "8 in flight", "32 in flight"]
    assert config.dataset.synthetic is not None
    assert (str(config.dataset.synthetic.input), str(config.dataset.synthetic.output)) == ("512", "128")


def test_the_saved_file_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "blue-team-7")
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
        (["--input", "0"], "--input 0: must be at least 1"),
        (["--output", "900:100"], "--output 900:100"),
        (["--input", "0:5"], "--input 0:5"),
        (["--input", "5~0"], "--input 5~0"),
        (["--prefix", "600"], "--prefix 600"),
        (["--ca-file", "absent.pem"], "--ca-file absent.pem"),
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


def test_the_model_is_checked_where_the_server_lists_models() -> None:
    with dialect("ok") as server:
        assert settings_for(server.url)["engine"]["model"] == MODEL
        assert "check_model" not in settings_for(server.url, "--model", MODEL)["engine"]
        with pytest.raises(UserError, match=f"serves {MODEL}, not 'other': choose one with --model"):
            settings_for(server.url, "--model", "other")


def test_a_named_model_isnt_checked_where_the_server_lists_none() -> None:
    with dialect("nomodels") as server:
        engine = settings_for(server.url, "--model", MODEL)["engine"]
        assert (engine["model"], engine["check_model"]) == (MODEL, False)
        with pytest.raises(AssayError, match="name the model with --model"):
            settings_for(server.url)
    assert "check_model" not in settings()["engine"]  # nobody answers yet


def test_a_proxy_is_asked_the_first_questions_too(tmp_path: Path) -> None:
    with dialect("ok") as server, proxy() as between:
        only_there = server.url.replace("127.0.0.1", "inside.invalid")
        engine = settings_for(only_there, "--proxy", between.url)["engine"]
    assert (engine["proxy"], engine["model"]) == (between.url, MODEL)


@pytest.mark.parametrize("named", [(), ("--model", MODEL)])
def test_a_missing_key_and_an_untrusted_certificate_name_their_options(named: tuple[str, ...], tmp_path: Path) -> None:
    with dialect("needkey", needs=("api-key", "K")) as server, pytest.raises(AssayError) as raised:
        settings_for(server.url, *named)
    assert "--api-key-env VARIABLE" in str(raised.value)
    assert "--model" not in str(raised.value)
    with dialect("ok", certificate=make_certificate(tmp_path)) as server:
        with pytest.raises(AssayError, match=r"--ca-file FILE; --no-verify-tls"):
            settings_for(server.url, *named)
        assert settings_for(server.url, *named, "--no-verify-tls")["engine"]["model"] == MODEL


def test_https_to_a_server_without_it_is_told_as_that(tmp_path: Path) -> None:
    with simulator(tmp_path) as server, pytest.raises(AssayError, match="write http://") as raised:
        settings_for(server.url(scheme="https"))
    assert "--ca-file" not in str(raised.value)


def test_streams_may_end_without_done() -> None:
    assert settings("--no-done")["engine"]["api"]["needs_done"] is False


def test_conditions_are_left_out_of_what_is_saved_and_that_is_said(tmp_path: Path) -> None:
    arguments = ["http://127.0.0.1:1", "--model", "m", "--fail-if", "unanswered > 0%"]
    done = CliRunner().invoke(bench, [*arguments, "--save", str(tmp_path / "b.yaml")])
    assert done.exit_code == 0
    assert "--fail-if isn't part of a configuration" in done.output


def test_lengths_are_fixed_uniform_or_lognormal() -> None:
    made = settings("--input", "100:900", "--output", "200~50")["dataset"]["synthetic"]
    assert made == {"input": {"low": 100, "high": 900}, "output": {"mean": 200.0, "std": 50.0}}


@pytest.mark.parametrize(
    ("line", "arguments", "words"),
    [
        (None, [], "No such file"),
        ({"messages": []}, [], "messages"),
        ({"messages": [{"role": "user"}]}, [], "content"),
        ({"prompt": "Hello."}, ["--trace", "2"], "timestamp"),
        ({"prompt": "Hello."}, ["--concurrency", "2000000"], "1000000"),
    ],
)
def test_what_a_run_refuses_is_not_saved(
    line: dict[str, Any] | None, arguments: list[str], words: str, tmp_path: Path
) -> None:
    prompts, file = tmp_path / "p.jsonl", tmp_path / "bench.yaml"
    if line is not None:
        prompts.write_text(json.dumps(line))
    command = ["http://127.0.0.1:1", "--model", "m", "--prompts", str(prompts), *arguments, "--save", str(file)]
    done = CliRunner().invoke(bench, command)
    assert isinstance(done.exception, UserError)
    assert words in str(done.exception)
    assert not file.exists()


def test_a_condition_on_goodput_without_limits_is_wrong_input_at_once() -> None:
    done = CliRunner().invoke(bench, ["http://127.0.0.1:1", "--model", "m", "--fail-if", "goodput < 5"])
    assert isinstance(done.exception, UserError)
    assert "give --slo" in str(done.exception)


@pytest.mark.parametrize("again", ["http://127.0.0.1:1", "http://127.0.0.1:1/v1/"])
def test_a_url_that_is_there_twice_is_told_as_that(again: str) -> None:
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:1 is there twice"):
        settings_for("http://127.0.0.1:1", again, "--model", "m")


def test_a_results_folder_that_is_a_file_names_the_option(tmp_path: Path) -> None:
    taken = tmp_path / "f"
    taken.write_text("")
    command = ["http://127.0.0.1:1", "--model", "m", "--results", str(taken), "--requests", "1"]
    done = CliRunner().invoke(bench, command)
    assert isinstance(done.exception, UserError)
    assert "--results" in str(done.exception)
