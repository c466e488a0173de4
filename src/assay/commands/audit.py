"""`assay audit`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from assay.commands.options import PATH, json_option, print_json
from assay.commands.sign import signature_of
from assay.errors import UserError


@click.command()
@click.argument("path", type=PATH, required=False)
@click.option("--explain", "rule", metavar="RULE", help="What a rule checks, its formula and its source.")
@click.option("--accelerator", "accelerators", multiple=True, metavar="[Nx]NAME", help="Hardware, e.g. 2xA30.")
@click.option("--model", help="The model, where the files don't say.")
@click.option("--precision", help="The precision of weights, where the files don't say.")
@click.option(
    "--allowed-signers",
    "signers",
    type=PATH,
    help="Whose signature of the campaign counts: OpenSSH's file of keys.",
)
@click.option("--verbose", is_flag=True, help="Show what is supported, too.")
@json_option
def audit(
    path: Path | None,
    rule: str | None,
    accelerators: tuple[str, ...],
    model: str | None,
    precision: str | None,
    signers: Path | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Judge a run, a campaign, LoadGen logs, an MLPerf results tree or a claims file. Exit code 3: findings."""
    from assay.audit import AuditOptions, audit_path, explain, render_text
    from assay.commands.terminal import width

    if (path is None) == (rule is None):
        raise UserError("audit: give a path to judge, or --explain RULE")
    if rule is not None:
        click.echo(explain(rule))
        return
    assert path is not None
    hardware = tuple(_counted(text) for text in accelerators)
    signature = signature_of(path, signers.expanduser()) if signers is not None else None
    options = AuditOptions(accelerators=hardware, model=model, precision=precision, signature=signature)
    report = audit_path(path, options)
    if as_json:
        print_json(report)
    else:
        click.echo(render_text(report, width=width(), verbose=verbose), nl=False)
    sys.exit(report.exit_code)


def _counted(text: str) -> tuple[str, int]:
    """`2xA30` or `A30`."""
    count, separator, name = text.partition("x")
    if separator and count.isdigit():
        return name, int(count)
    return text, 1
