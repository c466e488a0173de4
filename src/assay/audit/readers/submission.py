"""What stands beside a submission's performance run: its accuracy run, and the compliance tests' own words."""

from __future__ import annotations

import json
from pathlib import Path

from assay.audit.evidence import RunEvidence, SubmissionFiles
from assay.audit.readers.json_fields import number
from assay.audit.readers.place import Place
from assay.benchmarks.mlperf import LlmFacts
from assay.plain_files import plain

_ACCURACY = ("accuracy/accuracy.txt", "accuracy/accuracy_results.json")
_OF_SUBMISSIONS = "measurements.json"  # beside the runs since v6.0, when compliance tests came there too
_PASSED = "TEST PASS"
_SCORE = "Accuracy score: "
_CHECKS_06 = ("First token check pass", "EOS check pass", "Sample length check pass")
# The file in which a test says whether it was passed. TEST01's verify_accuracy.txt may fail, for answers may differ.
_WORDS = {
    "TEST01": "verify_performance.txt",
    "TEST04": "verify_performance.txt",
    "TEST06": "verify_accuracy.txt",
    "TEST07": "verify_accuracy.txt",
    "TEST09": "verify_output_len.txt",
}
_CLIENTS_TESTS = {
    "accuracy_in_performance_test": "TEST01",
    "output_caching_test": "TEST04",
    "consistency_output_test": "TEST06",
    "accuracy_in_performance_full_test": "TEST07",
}


def submission_files(run: RunEvidence, place: Place) -> SubmissionFiles | None:
    """For a performance run that counts as a closed or network result; None for any other."""
    folder = place.scenario_folder
    if folder is None or not place.counts or not run.performance or place.division == "open":
        return None
    older = folder.parents[3] / "compliance" / folder.relative_to(folder.parents[2])
    tests = {
        test: words
        for where in (older, folder)
        for test in _WORDS
        if (words := _said(where / test, test, run.rules)) is not None
    }
    return SubmissionFiles(
        accuracy=any((folder / name).is_file() for name in _ACCURACY),
        tests=tests | _clients(folder / "audit"),
        whole=(folder / _OF_SUBMISSIONS).is_file(),
    )


def _said(folder: Path, test: str, rules: LlmFacts | None) -> str | None:
    """What a test says against the run; empty where it was passed, None where it says nothing."""
    file = folder / _WORDS[test]
    try:
        lines = [line.strip() for line in plain(file).read_text(errors="replace").splitlines()]
    except OSError:
        return None
    if test == "TEST06":
        failed = [check for check in _CHECKS_06 if not {f"{check}: True", f"{check}: Skipped"} & set(lines)]
    else:
        failed = [] if any(_PASSED in line for line in lines) else [_PASSED]
    if test == "TEST07" and not failed and rules is not None and rules.timed_accuracy is not None:
        return _too_low(file.name, lines, rules.timed_accuracy[1])
    return f"{file.name} doesn't say {', '.join(repr(check) for check in failed)}" if failed else ""


def _too_low(name: str, lines: list[str], least: float) -> str:
    """What the score that TEST07's words state says against them: its least may have been set otherwise."""
    stated = [number(line.removeprefix(_SCORE)) for line in lines if line.startswith(_SCORE)]
    if not stated or stated[-1] is None:
        return f"{name} states no score"
    return f"{name} states a score of {stated[-1]:g}, and {least:g} is asked for" if stated[-1] < least else ""


def _clients(folder: Path) -> dict[str, str]:
    """Tests by the MLPerf Endpoints client: `audit_TEST.json`."""
    found = {}
    for name, test in _CLIENTS_TESTS.items():
        try:
            data = json.loads(plain(folder / f"audit_{name}.json").read_text())
        except (OSError, ValueError, RecursionError):
            continue
        passed = isinstance(data, dict) and data.get("passed") is True
        found[test] = "" if passed else f"audit_{name}.json doesn't say that it passed"
    return found
