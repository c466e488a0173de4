"""What closing a run costs, and its report: synthetic journals of many samples from 64 workers, closed and rendered.

    python benchmarks/closing.py --json --samples 1e6 --against a3e68b8

prints `closing_s` (from the journals to the records and the ledger), `judging_s` (what else closes a run: the result,
the client's audit and the audit), `report_s`, and each one's peak memory, of fresh processes, start-up included; and
the same in seconds of CPU, which other work on the machine lengthens less. `--against` names a revision whose workers
wrote a line of JSON an attempt: it is measured too, on `--against-samples` of the same kind, and `..._cpu_ratio` is
this version's CPU time a sample over that one's; null without it. The journals are made before the clock starts:
answers of 20 to 128 tokens, 80 in the mean, one a chunk, with their ids.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from report import ROOT, Cost, run, source_of

# A complete run folder without what closing makes. The journals' two forms follow from its rows.
_WRITE = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from tests.synthetic import Node, Plan, write_run
from assay.load.plan import EndpointPlan, LoadPlan, PacerPlan, Timeouts, WarmupPlan
from assay.runs import LoadOutcome, read_request_batches, write_json
from assay.runs.shapes import RateShape
from assay.serving.connection import EndpointConnection

WORKERS = 64
samples = int(sys.argv[2])
nodes = tuple(Node(f"node-{letter}", slots=2048) for letter in "abcd")
folder = write_run(Path(sys.argv[1]), Plan(nodes=nodes, samples=samples, mean_output_tokens=80, run_id="run"))
folder.parts.mkdir()
connection = EndpointConnection(url="http://127.0.0.1:9")
plan = LoadPlan(
    folder=str(folder.path), scenario="Rate", mode="performance", loadgen=None,
    pacer=PacerPlan(shape=RateShape(rate=1.0, requests=samples), seed=1), samples=13368, max_tokens=128, eos_id=None,
    prompt_tokens="", tokenizer=None, workers=WORKERS, max_attempts=3, timeouts=Timeouts(),
    warmup=WarmupPlan(prompts=0),
    endpoints=[EndpointPlan(name=f"{node.name}-0", connection=connection, window=8, bodies="") for node in nodes],
)
write_json(folder.plan, plan)
write_json(folder.outcome, LoadOutcome(status="finished", issued=samples, completed=samples, failed=0))
names = ["sample_id", "qsl_idx", "issued_ns"]
issued = np.dtype([("sample", "<i8"), ("qsl_idx", "<i4"), ("issued_ns", "<i8"), ("due_ns", "<i8")])
with folder.issued.open("wb") as file:
    for table in read_request_batches(folder.requests, names):
        records = np.full(len(table), -1, dtype=issued)
        for name, column in zip(issued.names, names):
            records[name] = table[column].to_numpy()
        records.tofile(file)
"""
_JOURNALS = (
    _WRITE
    + """
import pyarrow as pa
from assay.load.attempts import ATTEMPTS_SCHEMA, attempts_path
from assay.runs import REQUESTS_SCHEMA

files = [attempts_path(folder.parts, worker).open("wb") for worker in range(WORKERS)]
for file in files:
    file.write(ATTEMPTS_SCHEMA.serialize())
turn = 0
for table in read_request_batches(folder.requests, REQUESTS_SCHEMA.names):
    chunks = table["chunk_ns"].combine_chunks()
    at = chunks.flatten().to_numpy() + np.repeat(table["sent_ns"].to_numpy(), np.diff(chunks.offsets.to_numpy()))
    table = table.append_column("chunk_at_ns", pa.ListArray.from_arrays(chunks.offsets, pa.array(at)))
    table = table.append_column("text", pa.nulls(len(table), pa.string()))
    for batch in table.select(ATTEMPTS_SCHEMA.names).cast(ATTEMPTS_SCHEMA).to_batches(max_chunksize=160):
        files[turn % WORKERS].write(pa.concat_batches([batch]).serialize())
        turn += 1
for file in files:
    file.close()
folder.requests.unlink()
folder.ledger.unlink()
"""
)
_LINES = (
    _WRITE
    + """
import orjson
from assay.load.journal import attempts_path
from assay.runs import REQUESTS_SCHEMA

files = [attempts_path(folder.parts, worker).open("wb") for worker in range(WORKERS)]
columns = [name for name in REQUESTS_SCHEMA.names if name not in ("final", "issued_ns", "scheduled_ns", "max_tokens")]
for turn, table in enumerate(read_request_batches(folder.requests, columns)):
    for row in table.to_pylist():
        files[row["sample_id"] % WORKERS].write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
for file in files:
    file.close()
folder.requests.unlink()
folder.ledger.unlink()
"""
)
_CLOSE = """
import resource, sys
from pathlib import Path
from assay.load.closing import close_load
from assay.load.plan import read_plan
from assay.runs import RunFolder
folder = RunFolder(Path(sys.argv[1]))
ledger = close_load(folder, read_plan(folder.plan))
assert ledger.balanced and ledger.completed == int(sys.argv[2]), ledger.problems
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# What else happens to a run when its campaign closes it: the client's own audit, the result, and the audit.
_JUDGE = """
import resource, sys
from pathlib import Path
from assay.analysis import summarise
from assay.audit import audit_path
from assay.runs import RunFolder, write_json
from assay.runs.client_bound import client_times
folder = RunFolder(Path(sys.argv[1]))
client_times(folder)
result = summarise(folder)
assert result.figures["samples_per_s"].value > 0
write_json(folder.result, result)
audit_path(folder.path)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_RENDER = """
import resource, sys
from pathlib import Path
from assay.report import render_run
from assay.runs import RunFolder
render_run(RunFolder(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(scratch: Path, samples: int, tree: Path = ROOT, write: str = _JOURNALS) -> dict[str, Cost]:
    """What a source tree needs for so many samples; the run is removed afterwards."""
    try:
        run(write, scratch, str(samples), tree=tree)
        closing = run(_CLOSE, scratch / "run", str(samples), tree=tree)
        shutil.rmtree(scratch / "run" / "parts")
        judging, report = (run(script, scratch / "run", tree=tree) for script in (_JUDGE, _RENDER))
        return {"closing": closing, "judging": judging, "report": report}
    finally:
        shutil.rmtree(scratch / "run", ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--samples", type=float, default=1e6)
    parser.add_argument("--against", metavar="REV", help="measure this revision too")
    parser.add_argument("--against-samples", type=float, default=1e5)
    arguments = parser.parse_args()
    samples, fewer = int(arguments.samples), int(arguments.against_samples)
    figures: dict[str, float | None] = {"samples": samples}
    with tempfile.TemporaryDirectory(prefix="assay-closing-") as scratch:
        ours, theirs = measure(Path(scratch), samples), dict[str, Cost]()
        if arguments.against:
            with source_of(arguments.against, Path(scratch)) as tree:
                theirs = measure(Path(scratch), fewer, tree, _LINES)
    for name, cost in ours.items():
        figures |= {f"{name}_s": cost.wall_s, f"{name}_cpu_s": cost.cpu_s, f"{name}_peak_mb": cost.peak_mb}
        before = theirs.get(name)
        ratio = None if before is None else (cost.cpu_s / samples) / (before.cpu_s / fewer)
        figures[f"{name}_cpu_ratio"] = ratio
        if before is not None:
            figures |= {f"{name}_cpu_s_before": before.cpu_s, f"{name}_peak_mb_before": before.peak_mb}
    figures = {name: None if value is None else round(value, 3) for name, value in figures.items()}
    lines = (f"{name:<26}{'not measured' if value is None else f'{value:.3f}':>14}" for name, value in figures.items())
    print(json.dumps(figures) if arguments.json else "\n".join(lines))


if __name__ == "__main__":
    main()
