"""`assay audit`: what is printed, and the exit code."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from assay.audit import AuditOptions, audit_path, explain, render_text
from assay.errors import UserError


def audit_command(
    path: Path | None,
    *,
    rule: str | None,
    accelerators: tuple[str, ...],
    model: str | None,
    precision: str | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Judge `path`, or explain `rule`. Raises UserError where neither or both are given, or nothing can be read."""
    if (path is None) == (rule is None):
        raise UserError("audit: give a path to judge, or --explain RULE")
    if rule is not None:
        click.echo(explain(rule))
        return 0
    assert path is not None
    hardware = tuple(_counted(text) for text in accelerators)
    report = audit_path(path, AuditOptions(accelerators=hardware, model=model, precision=precision))
    if as_json:
        click.echo(orjson.dumps(report.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(render_text(report, verbose=verbose), nl=False)
    return report.exit_code


def _counted(text: str) -> tuple[str, int]:
    """`2xA30` or `A30`."""
    count, separator, name = text.partition("x")
    if separator and count.isdigit():
        return name, int(count)
    return text, 1
