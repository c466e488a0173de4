"""Whatever lies in a file, reading it gives a result or one of Assay's own errors in words, never a traceback."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.damage import damaged, fuzzed
from tests.synthetic import Node, Plan, write_run
from tests.token_counters import Counter

from assay.analysis import summarise
from assay.analysis.run import analyse_run
from assay.audit import audit_path, render_html_section, render_text
from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig, load_config
from assay.datasets import load_dataset
from assay.errors import AssayError, UserError
from assay.runs import RunFolder, read_detail, read_summary, write_json
from assay.runs.alerts import AlertReader, parse_alert, read_alerts
from assay.runs.progress import Phase, PhaseEvent, ProgressReader, event_line, parse_event, read_progress
from assay.runs.telemetry import TelemetryJournal, TelemetryReader
from assay.safe_yaml import parse_yaml
from assay.watch.nodes import Nodes

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "src/assay/examples"
CLAIMS = [path.read_bytes() for path in sorted(EXAMPLES.glob("claims-*.yaml"))]
CONFIGS = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.yaml")) if not path.name.startswith("claims-")]


@contextmanager
def file(content: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


@cache
def run_files() -> dict[str, bytes]:
    """The files of a small run, by their place in its folder."""
    with tempfile.TemporaryDirectory() as parent:
        folder = write_run(Path(parent), Plan(samples=60, nodes=(Node("a"),), failed=3))
        write_json(folder.result, summarise(folder))
        return {
            str(path.relative_to(folder.path)): path.read_bytes() for path in folder.path.rglob("*") if path.is_file()
        }


@fuzzed(60)
@given(damaged(*CONFIGS, *CLAIMS, b"a: &x [1]\nb: *x\n<<: {c: 2}\n"))
def test_yaml(data: bytes) -> None:
    with contextlib.suppress(UserError):
        parse_yaml(data.decode(errors="replace"), "a.yaml")


@fuzzed(40)
@given(damaged(*CONFIGS))
def test_configurations(data: bytes) -> None:
    with file(data, "a.yaml") as path, contextlib.suppress(UserError):
        load_config(path)


@fuzzed(40)
@given(damaged(*CLAIMS))
def test_claims(data: bytes) -> None:
    with file(data, "claims.yaml") as path:
        try:
            report = audit_path(path)
        except UserError:
            return
        render_text(report)
        render_html_section(report)


@fuzzed(25)
@given(st.sampled_from(["mlperf_log_summary.txt", "mlperf_log_detail.txt"]), st.data())
def test_loadgens_logs(name: str, data: st.DataObject) -> None:
    content = data.draw(damaged(run_files()[name]))
    with file(content, name) as path:
        with contextlib.suppress(UserError):
            read_summary(path) if "summary" in name else read_detail(path)
        with contextlib.suppress(UserError):
            audit_path(path.parent)


@pytest.mark.parametrize("name", sorted(run_files()))
@fuzzed(4)
@given(st.data())
def test_run_folders(name: str, data: st.DataObject) -> None:
    content = data.draw(damaged(run_files()[name]))
    with tempfile.TemporaryDirectory() as parent:
        folder = RunFolder(Path(parent) / "run")
        for known, bytes_ in run_files().items():
            path = folder.path / known
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if known == name else bytes_)
        with contextlib.suppress(AssayError):
            analyse_run(folder)
        with contextlib.suppress(AssayError):
            render_text(audit_path(folder.path))
        shutil.rmtree(folder.path)


_ROWS = [
    {"timestamp": 0, "input_length": 40, "output_length": 5, "hash_ids": [0, 1, 2]},
    {"timestamp": 250, "input_length": 17, "output_length": 9, "hash_ids": [7]},
]
_TALKS = [{"id": "a", "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]}]
_PROMPTS = [{"prompt": "a b c"}, {"messages": [{"role": "user", "content": "x"}], "max_tokens": 4, "timestamp": 9}]


def _parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([{"input": "a", "tok_input": [1, 2]}, {"input": "b", "tok_input": [3]}]), sink)
    return bytes(sink.getvalue())


@fuzzed(60)
@given(
    damaged(*(b"".join(orjson.dumps(row) + b"\n" for row in rows) for rows in (_ROWS, _TALKS, _PROMPTS)), _parquet())
)
def test_traces_and_data_sets(data: bytes) -> None:
    with file(data, "trace.jsonl") as path, contextlib.suppress(UserError):
        load_dataset(get_benchmark("smollm2-135m"), DatasetConfig(path=path, samples=2), Counter(around=3))


_FRAMES = Path(__file__).resolve().parents[1] / "recorded" / "frames"


@fuzzed(60)
@given(damaged(*(path.read_bytes() for path in sorted(_FRAMES.iterdir()))))
def test_pickled_frames(data: bytes) -> None:
    with file(data, "frame.pkl") as path, contextlib.suppress(UserError):
        load_dataset(get_benchmark("llama3.1-405b"), DatasetConfig(path=path, samples=2))


def _event(phase: Phase) -> bytes:
    return event_line(PhaseEvent(time_ns=5, clock_offset_ns=7, phase=phase))


@fuzzed(80)
@given(damaged(_event("warmup") + _event("load") + _event("closing")))
def test_progress(data: bytes) -> None:
    for line in data.split(b"\n"):
        with contextlib.suppress(ValueError):
            parse_event(line)
    with file(data, "progress.jsonl") as path:
        with contextlib.suppress(UserError):
            read_progress(path)
        with contextlib.suppress(UserError):
            ProgressReader(path, late=True).poll()


_ALERT = (
    b'{"version":1,"time_ns":5,"clock_offset_ns":7,"event":"raised","rule":"disk","node":"a","endpoint":"","device":"",'
    b'"since_ns":1,"value":0.5,"limit":1.0,"unit":"GiB","words":"The disk is nearly full.","stops":false}\n'
)


@fuzzed(80)
@given(damaged(_ALERT, 3 * _ALERT))
def test_alerts(data: bytes) -> None:
    for line in data.split(b"\n"):
        with contextlib.suppress(ValueError):
            parse_alert(line)
    with file(data, "alerts.jsonl") as path:
        with contextlib.suppress(UserError):
            read_alerts(path)
        with contextlib.suppress(UserError):
            AlertReader(path, late=True).poll()


def _journal() -> bytes:
    with tempfile.TemporaryDirectory() as parent:
        journal = TelemetryJournal(Path(parent) / "telemetry.arrows")
        for second in range(3):
            journal.add("node-a", "gpu0_power_w", second, 300.0)
            journal.add("node-a", "gpu0_throttle_reasons", second, 0.0)
            journal.flush()
        journal.close()
        return (Path(parent) / "telemetry.arrows").read_bytes()


@fuzzed(80)
@given(damaged(_journal()), st.booleans())
def test_telemetry_while_it_is_sampled(data: bytes, late: bool) -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder, nodes = RunFolder(Path(parent)), Nodes()
        folder.parts.mkdir()
        folder.telemetry_journal.write_bytes(data)
        with contextlib.suppress(UserError):
            for batch in TelemetryReader(folder, late=late).poll():
                nodes.take(batch)
        for node in nodes.seen(None):
            for gpu in node.gpus:
                node.slowed_by(gpu)
