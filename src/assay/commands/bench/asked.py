"""Options of a server at a URL and of what it is asked, for every command that measures one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from assay.commands.options import PATH

Command = Callable[..., Any]

_PROMPTS = (
    click.option("--input", "input_tokens", metavar="N|LOW:HIGH|MEAN~STD", help="Tokens of a prompt. [default: 512]"),
    click.option("--output", "output_tokens", metavar="N|LOW:HIGH|MEAN~STD", help="Longest answer. [default: 128]"),
    click.option("--prefix", type=click.IntRange(1), help="The first N tokens of each prompt are the same for all."),
    click.option("--prompts", metavar="FILE", help="Your own prompts: JSONL, ShareGPT, a trace, MLPerf's layouts."),
)
_SERVER = (
    click.option("--model", help="The served model's name. [default: the only one served]"),
    click.option("--api", type=click.Choice(["auto", "completions", "chat"]), default="auto", show_default=True),
    click.option("--no-done", is_flag=True, help="Streams may end without [DONE]."),
    click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="NAME=env:VARIABLE for secrets."),
    click.option("--api-key-env", metavar="VARIABLE", help="Environment variable that holds the API key."),
    click.option("--ca-file", type=PATH, help="Certificates to trust."),
    click.option("--no-verify-tls", is_flag=True, help="Take any certificate; noted in the result."),
    click.option("--proxy", metavar="http://HOST:PORT", help="Reach the server through it; noted in the result."),
    click.option("--extra-body", metavar="JSON", help="Fields that every request carries besides, as a JSON object."),
    click.option("--tokenizer", type=PATH, help="The model's folder with tokenizer.json, to count tokens with."),
)
_WARMUP = (
    click.option(
        "--warmup", type=click.IntRange(0), help="Different prompts of the warm-up; 0: none. [default: enough]"
    ),
    click.option("--warmup-limit", metavar="TIME", help="Longest warm-up of a load, such as 30s. [default: 300s]"),
)
_SEED = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of prompts, arrivals and order."
)
_MEASURING = (
    click.option("--slo", metavar="ttft=500ms,tpot=50ms", help="Limits of a good answer; goodput counts by them."),
    *_WARMUP,
    click.option("--repeats", type=click.IntRange(1), help="How often every load is measured. [default: 1]"),
    _SEED,
)


def prompt_options(command: Command) -> Command:
    """Which prompts, and how long the answers."""
    return _with(_PROMPTS, command)


def server_options(command: Command) -> Command:
    """How the server is reached and spoken to."""
    return _with(_SERVER, command)


def measuring_options(command: Command) -> Command:
    """Limits, warm-up and repeats."""
    return _with(_MEASURING, command)


def probing_options(command: Command) -> Command:
    """Warm-up and seed: limits and repeats are the search's own."""
    return _with((*_WARMUP, _SEED), command)


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):  # the one that is applied last comes first in the help
        command = option(command)
    return command
