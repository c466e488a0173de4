"""`make man` writes a page for each command, which says what `--help` says."""

from __future__ import annotations

import click
import pytest
from scripts.manual import as_it_stands, write_manual

from assay.commands.main import COMMANDS, main


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    written = write_manual(tmp_path_factory.mktemp("man"))
    return {path.stem: path.read_text(encoding="utf-8") for path in written}


def test_every_command_has_its_page(pages: dict[str, str]) -> None:
    expected = {"assay"}
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        inner = command.list_commands(context) if isinstance(command, click.Group) else []
        expected |= {f"assay-{name}", *(f"assay-{name}-{each}" for each in inner)}
    assert set(pages) == expected


@pytest.mark.parametrize(
    ("name", "option"), [("simulate", "--ttft-ms TTFT_MS"), ("serve", "--precision {auto,bf16,f32}")]
)
def test_commands_that_read_their_own_arguments_tell_them(name: str, option: str, pages: dict[str, str]) -> None:
    assert option.replace("-", r"\-") in pages[f"assay-{name}"]


def test_text_that_looks_like_the_formatters_own_is_shown() -> None:
    assert as_it_stands(".SH a\n\n'b \\c --d") == ".nf\n\\&.SH a\n\\&\n\\&'b \\ec \\-\\-d\n.fi"


def test_a_page_says_what_the_command_and_its_options_do(pages: dict[str, str]) -> None:
    run = main.get_command(click.Context(main), "run")
    assert run is not None
    assert f".SH NAME\nassay\\-run \\- {run.get_short_help_str(limit=1000)}\n" in pages["assay-run"]
    for option in (each for each in run.params if isinstance(each, click.Option)):
        assert option.opts[0].replace("-", r"\-") in pages["assay-run"]
        assert str(option.help) in pages["assay-run"]
