"""What a submission reads that Assay didn't write: the user's answers, LoadGen's logged answers, a checker's output."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import orjson
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.forgeries.true_curves import CURVE, make_curve_tree
from tests.fuzz.damage import damaged, fuzzed
from tests.submissions import ANSWERS, answers

from assay.errors import AssayError, UserError
from assay.scoring import read_logged_answers, verify_test06
from assay.submission import check_tree
from assay.submission.answers import filled, read_answers
from assay.submission.official import read_output

_ROOT = Path("/scratch/tree")
_OUTPUT = "".join(
    f"[2026-01-01 00:00:00,000 main.py:12 {level}] {words}\n"
    for level, words in (
        ("INFO", f"Starting performance checks for: {_ROOT}/open/ACME/results/SYS/llama3.1-8b/Server/performance"),
        ("ERROR", f"{_ROOT}/open/ACME/results/SYS/llama3.1-8b/Server/performance is wrong"),
        ("INFO", f"Results {_ROOT}/open/ACME/results/SYS/llama3.1-8b/Server/performance 1.5"),
        ("INFO", "SUMMARY: submission looks OK"),
    )
)


@fuzzed(40)
@given(damaged(yaml.safe_dump(ANSWERS).encode()))
def test_answers_about_a_system(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "system.yaml"
        path.write_bytes(data)
        with contextlib.suppress(UserError):
            filled("network", {}, read_answers(path), path.name)


@fuzzed(60)
@given(damaged(orjson.dumps(answers("Server", 4)), orjson.dumps(answers("Offline", 2))))
def test_logged_answers(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlperf_log_accuracy.json"
        path.write_bytes(data)
        with contextlib.suppress(AssayError):
            assert verify_test06(read_logged_answers(path), "Server", (128_009,)).text


@fuzzed(60)
@given(damaged(_OUTPUT.encode()))
def test_a_checkers_output(data: bytes) -> None:
    found = read_output(data.decode(errors="replace"), _ROOT, ended_well=False)
    assert not found.accepted


@fuzzed(25)
@given(st.data())
def test_a_point_of_mlperf_endpoints(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = make_curve_tree(Path(folder), points=(8,))
        for file in sorted((tree / CURVE / "r8").iterdir()):
            file.write_bytes(data.draw(damaged(file.read_bytes())))
        assert check_tree(tree, None, "v6.1").report.problems
