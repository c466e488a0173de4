"""TEST06 is judged with the benchmark's own end tokens, and says so in the form that checkers read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.submissions import EOS, hexadecimal

from assay.errors import AssayError
from assay.scoring.test06 import LoggedAnswer, read_logged_answers, verify_test06

ENDS = (128_001, 128_008, EOS)
GOOD = LoggedAnswer(ids=(5, 6, EOS), first=(5,), count=3)


def test_answers_as_they_should_be_pass() -> None:
    found = verify_test06([GOOD, LoggedAnswer((7, 8), (7,), 2)], "Server", ENDS)
    assert found.passed
    assert found.text == (
        "First token check pass: True\nEOS check pass: True\nSample length check pass: True\n"
        "TEST06 verification complete\n"
    )


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (LoggedAnswer((5, EOS, EOS), (5,), 3), "EOS check"),
        (LoggedAnswer((5, 128_001, EOS), (5,), 3), "EOS check"),
        (LoggedAnswer((5, 6, EOS), (6,), 3), "First token check"),
        (LoggedAnswer((5, 6, EOS), None, 3), "First token check"),
        (LoggedAnswer((5, 6, EOS), (5,), 4), "Sample length check"),
    ],
)
def test_one_bad_answer_fails_its_check_alone(answer: LoggedAnswer, failed: str) -> None:
    found = verify_test06([GOOD, answer, GOOD], "Server", ENDS)
    assert found.failed_checks == [f"{failed} fails"]
    assert f"{failed} pass: False\n" in found.text
    assert found.text.endswith("TEST06 verification failed\n")


def test_the_default_end_token_of_the_published_script_would_find_nothing() -> None:
    doubled = LoggedAnswer((5, EOS, EOS), (5,), 3)
    assert verify_test06([doubled], "Server", (2,)).passed
    assert not verify_test06([doubled], "Server", ENDS).passed


def test_offline_has_no_first_tokens() -> None:
    found = verify_test06([LoggedAnswer((5, 6), None, 2)], "Offline", ENDS)
    assert found.passed
    assert found.text.startswith("First token check pass: Skipped\n")


def test_a_log_is_read_as_loadgen_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_accuracy.json"
    data, first = hexadecimal([5, 6, EOS]), hexadecimal([5])
    path.write_text(
        f'[\n{{ "seq_id" : 1, "qsl_idx" : 4, "data" : "{data}", "token_data" : "{first}", "token_count" : 3 }}\n]'
    )
    assert read_logged_answers(path) == [GOOD]


@pytest.mark.parametrize(
    "text", ["[\n]\n", "{", "[1]", '[{"data": "05", "token_count": 1}]', '[{"data": "zz"}]', "null"]
)
def test_a_log_without_answers_or_damaged_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mlperf_log_accuracy.json"
    path.write_text(text)
    with pytest.raises(AssayError, match=r"mlperf_log_accuracy\.json"):
        read_logged_answers(path)
