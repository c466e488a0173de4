"""`assay`: finds the command that was asked for and imports that one alone, so that every start is quick."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from assay import __version__
from assay.commands.ends import ENDS, leave_what_is_full
from assay.commands.lazy import LazyGroup
from assay.commands.options import print_json
from assay.errors import EXIT_FAILED, EXIT_INTERRUPTED, AssayError, InterruptionError, system_words
from assay.serving.words import harmless

# Command: the module beside this one that defines it under the same name, and its line in `assay --help`.
COMMANDS = {
    "bench": ("bench", "Measure any OpenAI-compatible server: a table, a report, and the evidence of every number."),
    "tune": ("tune", "Search: the highest rate, throughput against pace, an engine's best settings and layout."),
    "init": ("init", "Write a commented configuration for this machine, for hosts, or for a launcher and an engine."),
    "check": ("check", "Preflight: look at every node of FILE and change none; a score with its reasons."),
    "run": ("run", "Benchmark what FILE describes; without it, this machine with a small model."),
    "watch": ("watch", "Follow CAMPAIGN while it runs, or see how it ended; without it, the newest."),
    "runs": ("runs", "All campaigns in OUTPUT and their runs."),
    "report": ("report", "Render the report of runs or campaigns again, from their files alone."),
    "compare": ("compare", "What changed between runs, with intervals; the first is the baseline."),
    "audit": ("audit", "Judge a run, a campaign, LoadGen logs, a results tree or a claims file."),
    "submit": (
        "submit",
        "Write an MLPerf submission from official runs, or check one; refuse what can't be submitted.",
    ),
    "sign": ("sign", "Sign a campaign's manifest with an SSH key; `audit --allowed-signers` checks it."),
    "stop": ("stop", "Take down the servers that a killed controller left running."),
    "export": ("export", "Write a deployment for a site's own tooling, a dashboard, or what was measured as tables."),
    "bundle": ("bundle", "Write one file that installs Assay on a machine without internet."),
    "node": ("node", "Put Assay on the nodes of FILE over SSH, look at it there, take it away."),
    "serve": ("serve", "The embedded engine alone, as a server to try things on."),
    "simulate": ("simulate", "An OpenAI-compatible server with a chosen speed, latency and faults."),
    "examples": ("examples", "List the files to begin with, or write them."),
    "schema": ("schema", "Print the JSON schema of assay.yaml, for editors."),
    "completion": ("completion", "Let the shell complete commands and options of `assay`."),
    "fetch": ("fetch", "Get what can't come with the package, checked by hash."),
}


class _Group(LazyGroup):
    """Turns errors that a message explains into that and their exit code."""

    _own = False
    """Whether this process is the command's own; else its signals are another program's."""
    _json = False
    """Whether the command was asked to print JSON, which holds for an error too."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        self._own = args is None
        words = sys.argv[1:] if args is None else list(args)
        self._json = "--json" in (words[: words.index("--")] if "--" in words else words)
        return super().main(args, *rest, **more)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            if self._own:
                ENDS.take_charge()
            return super().invoke(ctx)
        except InterruptionError as error:
            self._end(str(error), error.exit_code, error.beside)
        except AssayError as error:
            self._end(str(error), error.exit_code)
        except KeyboardInterrupt:
            self._end("interrupted", EXIT_INTERRUPTED)
        except click.ClickException as error:  # click's own words and exit code follow
            self._print_error(error.format_message(), error.exit_code)
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:  # nobody reads any more, and click ends without a word
                raise
            self._end(system_words(error), EXIT_FAILED)
        finally:
            ENDS.over()
            leave_what_is_full()

    def _end(self, message: str, exit_code: int, beside: Mapping[str, Any] | None = None) -> NoReturn:
        with suppress(OSError):
            click.echo(harmless(f"assay: {message}"), err=True)
        with suppress(OSError):
            self._print_error(message, exit_code, beside)
        sys.exit(exit_code)

    def _print_error(self, message: str, exit_code: int, beside: Mapping[str, Any] | None = None) -> None:
        if self._json:
            print_json({"error": {"message": message, "exit_code": exit_code}, **(beside or {})})


@click.group(
    cls=_Group, package="assay.commands", listed=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="assay")
def main() -> None:
    """Benchmark large-language-model inference the MLPerf way; report only numbers that can be defended.

    Exit codes: 0 done, 1 a run failed or isn't sound, 2 wrong input, 3 findings, 130 interrupted.
    """


if __name__ == "__main__":
    main()
