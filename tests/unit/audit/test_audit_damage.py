"""Whatever bytes lie at a path, an audit gives a verdict or one clear message, never a traceback."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.audit.loadgen_files import submission_folder, write_logs
from tests.unit.audit.queue_runs import report_claims, simulate

from assay.audit import audit_path, render_html_section, render_text
from assay.errors import UserError

_JUNK = [
    b"",
    b"nan",
    b"-inf",
    b"1e999",
    b"9" * 400,
    b"\x00\xff",
    b"\n",
    b'"',
    b"}",
    b"{",
    b": ",
    b"-1",
    b"0",
    b"\xe2\x82",
]


def spoil(data: bytes, rng: random.Random) -> bytes:
    """Replace a few random stretches, numbers by preference."""
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(_JUNK) + data[at + rng.choice([0, 1, 3, 20, 200]) :]
    return data


def judged(path: Path) -> None:
    try:
        report = audit_path(path)
    except UserError:
        return
    assert report.exit_code in (0, 3)
    render_text(report)
    render_html_section(report)


@pytest.fixture(scope="module")
def logs() -> dict[str, bytes]:
    sim = simulate(np.random.default_rng(1), 900, 4, [1.0], arrivals=np.cumsum(np.full(900, 0.7)))
    with tempfile.TemporaryDirectory() as root:
        folder = submission_folder(Path(root), "Server")
        write_logs(folder, sim, "Server")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_spoilt_logs(logs: dict[str, bytes], seed: int) -> None:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as root:
        folder = submission_folder(Path(root), rng.choice(["Server", "Offline", "interactive", "x"]))
        for name, data in logs.items():
            (folder / name).write_bytes(spoil(data, rng))
        judged(Path(root))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_spoilt_claims(seed: int) -> None:
    rng = random.Random(seed)
    text = yaml.safe_dump(report_claims(3, 20, 2, 2, 5, 0)).encode()
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "claims.yaml"
        path.write_bytes(spoil(text, rng))
        judged(path)


NUMBERS = ["0", "-1", "1e300", "-1e300", "1e-300", "0.0", "9" * 300, "NaN", "inf", "1e9999"]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_claims_with_senseless_numbers(seed: int) -> None:
    rng = random.Random(seed)
    claims = report_claims(3, 20, 2, 2, 5, 0)
    for _ in range(rng.randint(1, 4)):
        item = rng.choice(claims["runs"])
        key = rng.choice([key for key in item if key not in ("name", "nodes", "parts")])
        if isinstance(item[key], dict):
            item[key] = {**item[key], rng.choice([k for k in item[key] if k != "unit"]): rng.choice(NUMBERS)}
        else:
            item[key] = rng.choice(NUMBERS)
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "claims.yaml"
        path.write_text(yaml.safe_dump(claims))
        judged(path)
