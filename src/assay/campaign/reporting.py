"""Reports of a campaign's runs and of the whole. One that can't be made is told of; what was measured stays."""

from __future__ import annotations

from collections.abc import Callable

from assay.benchmarks import Benchmark
from assay.errors import AssayError
from assay.runs import RunFolder

Say = Callable[[str], None]


def render_run_report(folder: RunFolder, benchmark: Benchmark, say: Say) -> None:
    """Write the report of one run into its folder."""
    from assay.report import render_run

    try:
        render_run(folder, benchmark)
    except AssayError as error:
        say(f"no report of {folder.id}: {error}")
