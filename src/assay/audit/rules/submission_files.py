"""A submission's result has its accuracy run and its compliance tests beside it."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported


@run_rule(
    "submission-files",
    explain="""
A result of the closed or network division stands with an accuracy run of the same system and the compliance tests of
its benchmark (llama3.1-8b: TEST06), each of which was passed. A test that says otherwise contradicts the result, and
so does a score of TEST07's below the least that it asks for, whatever the file calls the least. What
is missing is told where the scenario's folder is a whole one, which has its measurements.json; the published checker
asks a tree of the MLPerf Endpoints client for neither a score that reaches its target nor a test.
""",
    source="MLPerf inference rules, compliance tests; submission checker, compliance and accuracy checks",
)
def check(run: RunEvidence) -> Iterator[Check]:
    files = run.submitted
    if files is None:
        return
    for test, objection in sorted(files.tests.items()):
        words = f"{test} was passed"
        yield contradicted(words, objection) if objection else supported(words, "its own words")
    if not files.whole:
        return
    wanted = run.rules.compliance if run.rules else ()
    for test in wanted:
        if test not in files.tests:
            yield unsupported(f"{test} was passed", f"there is no {test} run, which the closed division asks for")
    if files.accuracy:
        yield supported("an accuracy run", "stands beside the performance run")
    else:
        yield unsupported("an accuracy run", "there is none beside the performance run")
