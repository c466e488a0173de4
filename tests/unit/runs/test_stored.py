"""Every JSON file of a run's or a campaign's folder: damaged, of another version, of another kind: one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from assay.deploy.state import read_record as read_deployment
from assay.errors import UserError
from assay.load.plan import LoadPlan, read_plan
from assay.runs import (
    CampaignFolder,
    CampaignState,
    Ledger,
    LoadOutcome,
    Result,
    RunFolder,
    RunRecord,
    SystemRecord,
    read_campaign,
    read_ledger,
    read_model,
    read_object,
    read_outcome,
    read_record,
    read_result,
)

FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "run.json": ("a run's record", lambda folder: read_record(RunFolder(folder))),
    "ledger.json": ("a ledger", lambda folder: read_ledger(RunFolder(folder))),
    "result.json": ("a run's result", lambda folder: read_result(RunFolder(folder))),
    "system.json": ("a system record", lambda folder: read_model(folder / "system.json", SystemRecord)),
    "parts/plan.json": ("the plan of a load", lambda folder: read_plan(RunFolder(folder).plan)),
    "parts/outcome.json": ("the outcome of a load", lambda folder: read_outcome(RunFolder(folder))),
    "campaign.json": ("a campaign", lambda folder: read_campaign(CampaignFolder(folder))),
    "deployment.json": ("a deployment", read_deployment),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"version": 1, "id": "2026', "not JSON: "),
        (b"", "not JSON: "),
        (b"\xff\xfe{}", "not JSON: "),
        (b"[" * 5000, "not JSON: "),
        (b'{"version": 99}', "it is of version 99, this assay reads "),
        (b'{"version": "one"}', "it is of version 'one', this assay reads "),
        (b"[1, 2]", "valid dictionary"),
        (b"7", "valid dictionary"),
        (b"null", "it holds nothing"),
        (b'{"version": 1, "no such field": 1}', ""),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    what, read = FILES[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read(tmp_path)
    message = str(error.value)
    assert message.startswith(f"{path}: can't be read as {what}: ")
    assert words in message
    assert "; " in message, "it says what to do"
    assert "\n" not in message
    assert "http" not in message


@pytest.mark.parametrize("kind", [RunRecord, Ledger, Result, SystemRecord, LoadPlan, LoadOutcome, CampaignState])
def test_every_file_says_its_version(kind: type[BaseModel]) -> None:
    assert kind.model_fields["version"].default == kind.READS[-1]  # type: ignore[attr-defined]


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(UserError, match=r"run.json: can't be read: Is a directory"):
        read_record(RunFolder(tmp_path))


def test_an_object_of_another_rooms_schema(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert read_object(path) is None
    path.write_bytes(b'{"version": 99, "a": 1}')
    assert read_object(path) == {"version": 99, "a": 1}
    for content in (b"[]", b"{", b"null"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"report\.json: can't be read as a file of a run folder: "):
            read_object(path)
