"""LoadGen's user.conf: what Assay accepts, LoadGen reads, and both understand the same."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import mlperf_loadgen as lg
import pytest
from hypothesis import given
from tests.fuzz.damage import damaged, fuzzed

from assay.benchmarks.user_conf import read_user_conf
from assay.errors import UserError
from assay.load.loadgen import write_user_conf
from assay.load.plan import LoadgenScenario, LoadgenSettings

_USER_CONF = 2
_MODEL = "llama3_1-8b"
_ATTRIBUTES: dict[LoadgenScenario, dict[str, str]] = {
    "Server": {"target_qps": "server_target_qps", "max_async_queries": "server_max_async_queries"},
    "Offline": {"target_qps": "offline_expected_qps"},
    "SingleStream": {},
}
_ALL = {
    "min_duration": "min_duration_ms",
    "max_duration": "max_duration_ms",
    "min_query_count": "min_query_count",
    "max_query_count": "max_query_count",
}
TRUE = (
    b"# submitter\nllama3_1-8b.Server.target_qps = 3.25\n*.Offline.target_qps = 1e2\n*.*.min_duration = 60000\n",
    b"llama3_1-8b.*.min_query_count = 0x10\n*.Server.max_query_count = 70\n*.Server.max_async_queries = 5\n",
    b"llama3_1-8b.SingleStream.max_duration = 7\r\n\r\n  *.*.max_query_count =\t12\n",
)


@fuzzed(150)
@given(damaged(*TRUE))
def test_damaged_files(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("data", TRUE)
def test_true_files_are_accepted(data: bytes, tmp_path: Path) -> None:
    check(data)
    (tmp_path / "given.conf").write_bytes(data)
    assert len(read_user_conf(tmp_path / "given.conf").settings) in (2, 3)


@pytest.mark.parametrize(
    "value",
    ["1_000", "010", "0b11", "0o17", "+5", "1e3", ".5", "5.", "0x", "inf", "nan", "1e400", "\u0663", "9" * 30, "0x1p4"],
)
@pytest.mark.parametrize("key", ["target_qps", "min_query_count"])
def test_numbers_as_python_and_c_read_them(key: str, value: str) -> None:
    check(f"*.Server.{key} = {value}\n".encode())


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\x1c", "\x85", "\u2028", "\x0b", "\x0c"])
def test_what_else_python_takes_for_white_space(space: str) -> None:
    check(f"*.Server.target_qps{space}= 3\n*.Server.max_query_count = 4{space}\n".encode())


def check(data: bytes) -> None:
    """Where Assay accepts the file, LoadGen does, and has the values that Assay says."""
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(UserError):
        folder = Path(name)
        (folder / "given.conf").write_bytes(data)
        ours = read_user_conf(folder / "given.conf")
        for scenario, attributes in _ATTRIBUTES.items():
            asked = LoadgenSettings(
                model=_MODEL, scenario=scenario, official=True, own_sample_count=False, target_qps=None,
                user_conf=str(ours.path),
            )  # fmt: skip
            theirs = lg.TestSettings()
            assert theirs.FromConfig(str(write_user_conf(asked, folder)), _MODEL, scenario, _USER_CONF) == 0
            for key, attribute in (_ALL | attributes).items():
                if (found := ours.setting(_MODEL, scenario, key)) is not None:
                    assert getattr(theirs, attribute) == found.value, found.written
