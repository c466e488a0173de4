"""What a forger does by hand: edits files of a run folder, and computes again what follows from them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.analysis import summarise
from assay.runs import CampaignFolder, RequestWriter, RunFolder, read_requests, write_json

Data = dict[str, Any]
Edit = Callable[[Data], object]
Rows = list[Data]


def run(campaign: Path, name: str, number: int = 0) -> RunFolder:
    """The run whose folder's name holds `name`; the first, or another by its number."""
    return RunFolder(sorted((campaign / "runs").glob(f"*-{name}-*"))[number])


def edit(path: Path, change: Edit) -> None:
    """Change a JSON file."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def both(folder: RunFolder, **values: Any) -> None:
    """Write values to run.json and to result.json."""
    for path in (folder.record, folder.result):
        edit(path, lambda data: data.update(values))


def rerender(folder: RunFolder) -> None:
    """Compute result.json from what stands in the other files now."""
    write_json(folder.result, summarise(folder))


def rows(folder: RunFolder, change: Callable[[Rows], Rows | None]) -> None:
    """Change the records, and compute result.json again."""
    found = read_requests(folder.requests).to_pylist()
    found = change(found) or found
    with RequestWriter(folder.requests) as writer:
        writer.write(found)
    rerender(folder)


def each(change: Edit) -> Callable[[Rows], None]:
    """A change of every row."""

    def all_of_them(found: Rows) -> None:
        for row in found:
            change(row)

    return all_of_them


def faster(factor: float) -> Callable[[Rows], None]:
    """Every time after the load's begin, scaled; an answer's chunks with it."""

    def change(found: Rows) -> None:
        begin = min(row["issued_ns"] for row in found)
        for row in found:
            for name in ("issued_ns", "sent_ns", "first_ns", "first_answer_ns", "last_ns", "done_ns"):
                row[name] = begin + int((row[name] - begin) * factor)
            row["chunk_ns"] = [int(time * factor) for time in row["chunk_ns"]]
            row["chunk_ns"][0], row["chunk_ns"][-1] = row["first_ns"] - row["sent_ns"], row["last_ns"] - row["sent_ns"]

    return change


def recount(folder: RunFolder) -> None:
    """Make ledger.json and run.json count what the records hold (every attempt in them answered)."""
    found = read_requests(folder.requests, ["endpoint"]).to_pylist()

    def change(ledger: Data) -> None:
        ledger.update({name: len(found) for name in ("issued", "completed", "attempts", "loadgen_issued")})
        if ledger["loadgen_completed"] is not None:
            ledger["loadgen_completed"] = len(found)
        for own in ledger["endpoints"]:
            own["sent"] = own["ok"] = sum(row["endpoint"] == own["endpoint"] for row in found)

    edit(folder.ledger, change)
    edit(folder.record, lambda record: record.update(issued=len(found)))
    rerender(folder)


def progress(folder: RunFolder, change: Edit) -> None:
    """Change the last line of the progress that counts samples."""
    lines = [json.loads(line) for line in folder.progress.read_text().splitlines()]
    change([line for line in lines if line["event"] == "progress"][-1])
    folder.progress.write_text("".join(json.dumps(line) + "\n" for line in lines))


def logged(folder: RunFolder, key: str, value: Any) -> None:
    """Write another value of a key to LoadGen's detail log."""
    text, count = re.subn(
        rf'("key": "{re.escape(key)}", "value": )("[^"]*"|[^,]+)(, "time_ms")',
        lambda found: f"{found[1]}{json.dumps(value)}{found[3]}",
        folder.loadgen_detail.read_text(),
    )
    assert count == 1, key
    folder.loadgen_detail.write_text(text)


def printed(folder: RunFolder, name: str, value: Any) -> None:
    """Write another value of a line to LoadGen's summary."""
    text, count = re.subn(
        rf"(?m)^(\s*{re.escape(name)}\s*: ?).*$", lambda found: f"{found[1]}{value}", folder.loadgen_summary.read_text()
    )
    assert count, name
    folder.loadgen_summary.write_text(text)


def plan(campaign: Path, change: Edit) -> None:
    """Change campaign.json."""
    edit(CampaignFolder(campaign).state, change)


def entry(campaign: Path, folder: RunFolder, **values: Any) -> None:
    """Write values to a run's line in the plan."""
    plan(campaign, lambda state: [item.update(values) for item in state["runs"] if item["run"] == folder.id])


def configure(campaign: Path, old: str, new: str) -> None:
    """Change the campaign's config.yaml, with its digest in the plan."""
    path = CampaignFolder(campaign).config
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plan(campaign, lambda state: state.update(config_sha256=digest))
