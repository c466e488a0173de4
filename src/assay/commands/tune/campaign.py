"""What every question of `assay tune` does: from a URL or a file to a campaign, its plan, or one that goes on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.commands.monitoring import Monitoring, monitoring_options
from assay.commands.options import PATH, json_option, print_json, quiet_option, set_option
from assay.errors import UserError
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.campaign.runner import CampaignOutcome
    from assay.commands.terminal import Terminal
    from assay.config import Config

Answered = Callable[[Mapping[str, Any], int], str]
_OF_A_FILE = ("overrides", "results", "repeats", "seed")
_OF_A_CAMPAIGN = ("resume", "retry_failed", "plan")


def tuning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every question takes: `--set`, `--plan`, `--resume` and what `assay run` has besides."""
    options = (
        set_option,
        click.option("--plan", is_flag=True, help="Print the runs that are known beforehand; start nothing."),
        click.option(
            "--resume",
            is_flag=False,
            flag_value="latest",
            metavar="[CAMPAIGN]",
            help="Go on with a campaign folder, or the latest.",
        ),
        click.option("--retry-failed", is_flag=True, help="With --resume: run again what failed or timed out."),
        click.option("--results", type=PATH, help="Where the campaign's folder is made. [default: results]"),
        monitoring_options,
        quiet_option,
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Asked:
    """A question as the command line asks it."""

    kind: str
    section: str
    """Of `campaign`, where the kind's own settings are; empty: in `campaign` itself."""
    own: Mapping[str, Any]
    """Of that section; None: it wasn't given."""
    targets: tuple[str, ...]
    """URLs, or one file."""
    options: dict[str, Any]
    """The options of servers and prompts, and `overrides`, `plan`, `resume`, `retry_failed`, `results`."""

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the section that were given."""
        return {name: value for name, value in self.own.items() if value is not None}

    @property
    def name(self) -> str:
        """What the report calls the answer, such as `curve`."""
        return self.kind.removeprefix("tune-")

    @property
    def urls(self) -> bool:
        """Whether a server is given by its URL."""
        return any("://" in target for target in self.targets)

    @property
    def file(self) -> Path | None:
        """The configuration; None where none is named. Raises UserError where it isn't one file."""
        if len(self.targets) > 1:
            raise UserError(f"{' '.join(self.targets)}: give URLs (http://…), or one configuration file")
        return Path(self.targets[0]) if self.targets else None

    @property
    def overrides(self) -> list[str]:
        """What the options change in a file. Raises UserError where one is about a server at a URL."""
        given = [name for name in self.options if self._by_hand(name)]
        if wrong := [name for name in given if name not in (*_OF_A_FILE, *_OF_A_CAMPAIGN)]:
            option = next(one.opts[0] for one in click.get_current_context().command.params if one.name == wrong[0])
            raise UserError(f"{option} goes with a URL; a configuration says it itself, and --set A.B=C changes it")
        changed = [f"campaign.kind={self.kind}"]
        changed += [f"campaign.{name}={self.options[name]}" for name in ("repeats", "seed") if name in given]
        section = f"campaign.{self.section}".removesuffix(".")
        changed += [f"{section}.{name}={json.dumps(value)}" for name, value in self.settings.items()]
        changed += [f"output={self.options['results']}"] if "results" in given else []
        return [*changed, *self.options["overrides"]]

    def config(self) -> Config:
        """The configuration; asks a server at a URL which models it serves. Raises UserError, AssayError."""
        from assay.commands.bench.settings import served_settings
        from assay.commands.options import chosen_file
        from assay.config import config_of, load_config

        if not self.urls:
            file = chosen_file(self.file)
            if file is None:
                raise UserError("give a server's URL (http://…) or a configuration file; `assay init` writes one")
            return load_config(file, self.overrides)
        if self.options["overrides"]:
            raise UserError("--set goes with a configuration file, not with a URL")
        campaign = {"kind": self.kind, **({self.section: self.settings} if self.section else self.settings)}
        settings = asyncio.run(served_settings(self.targets, self.options, self.kind, campaign))
        return config_of(settings, "the options")

    @staticmethod
    def _by_hand(name: str) -> bool:
        """Whether the option was given; else its value is its default."""
        source = click.get_current_context().get_parameter_source(name)
        return source is click.core.ParameterSource.COMMANDLINE


def carry_out_tuning(asked: Asked, monitoring: Monitoring, text: Answered, *, quiet: bool, as_json: bool) -> None:
    """Print the plan, or carry the campaign out or on, print what it found, and exit with its code.

    `text` makes the terminal's table of what the report says under the question's name. Raises AssayError.
    """
    from assay.commands.outcome_text import outcome_text
    from assay.commands.run import completed, exit_code, print_plan_of
    from assay.commands.terminal import Terminal, width
    from assay.runs import read_object

    if asked.options["plan"]:
        print_plan_of(asked.config(), as_json=as_json)
        return
    terminal = Terminal(quiet=quiet)
    campaign = _campaign(asked, terminal)
    with monitoring.of(terminal):
        outcome = completed(campaign, terminal)
    report = read_object(outcome.folder.report_json) or {}
    found = report.get(asked.name)
    if as_json:
        told = {"answer": report.get("answer", []), asked.name: found}
        print_json({**told, "campaign": outcome.state, "folder": outcome.folder.path, "results": outcome.results})
    else:
        table = text(found, width()) if found else ""
        click.echo(harmless(outcome_text(outcome, width(), table=table)), nl=False)
    sys.exit(exit_code(outcome))


def _campaign(asked: Asked, terminal: Terminal) -> Coroutine[Any, Any, CampaignOutcome]:
    from assay.campaign.runner import run_campaign
    from assay.commands.run import resumed

    which, retry = asked.options["resume"], asked.options["retry_failed"]
    if which is None:
        if retry:
            raise click.UsageError("--retry-failed goes with --resume")
        return run_campaign(asked.config(), terminal)
    if asked.urls:
        raise UserError("--resume needs no URL: the campaign's folder has its configuration")
    overrides = asked.overrides if asked.targets else []
    return resumed(asked.file, overrides, which, asked.options["results"], terminal, retry_failed=retry)
