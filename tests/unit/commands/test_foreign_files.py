"""What a command is given by name may be anything: it says so in one line, and never waits or breaks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.synthetic import Plan, write_run

from assay.commands.main import main


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff{[" * 100)


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


KINDS: dict[str, Callable[[Path], None]] = {"fifo": _fifo, "garbage": _garbage, "folder": _folder, "loop": _loop}
MARKS = ("campaign.json", "run.json", "deployment.json", "mlperf_log_summary.txt")
COMMANDS = (["runs"], ["report"], ["compare"], ["audit"], ["stop"], ["run", "--resume"])


def call(*arguments: str) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), f"{arguments}: {done.exception!r}"
    assert done.exit_code in (0, 1, 2, 3)
    return done


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_whose_files_are_foreign(tmp_path: Path, command: list[str], kind: str) -> None:
    for mark in MARKS:
        folder = tmp_path / mark.partition(".")[0]
        folder.mkdir()
        KINDS[kind](folder / mark)
        done = call(*command, str(folder))
        assert len(done.stderr.splitlines()) <= 1
        assert done.exit_code != 0 or command in (["runs"], ["audit"])  # which say what they left out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("kind", [*KINDS, "nothing"])
def test_what_is_no_folder(tmp_path: Path, command: list[str], kind: str) -> None:
    path = tmp_path / "x"
    if kind in KINDS:
        KINDS[kind](path)
    if kind == "folder" and command == ["runs"]:
        return  # an output folder without campaigns
    done = call(*command, str(path))
    assert done.exit_code == 2
    assert str(path) in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_campaign_that_cannot_be_read_hides_no_other(tmp_path: Path, kind: str) -> None:
    (tmp_path / "bad").mkdir()
    KINDS[kind](tmp_path / "bad" / "campaign.json")
    good = write_run(tmp_path, Plan(samples=20))
    done = call("report", str(tmp_path / "bad"), str(good.path))
    assert done.stdout.splitlines() == [str(good.path / "report.html")]
    assert done.exit_code == 2
    assert "bad" in done.stderr
    assert call("runs", str(tmp_path)).exit_code == 0


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml", "system.json", "run.json", "ledger.json", "result.json", "requests.parquet", "telemetry.parquet",
        "accuracy.json", "mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["fifo", "garbage"])
def test_a_file_of_a_run_that_is_foreign(tmp_path: Path, name: str, kind: str) -> None:
    folder = write_run(tmp_path, Plan(samples=20)).path
    (folder / name).unlink(missing_ok=True)
    KINDS[kind](folder / name)
    for command in (["report"], ["audit"], ["compare", str(folder)]):
        call(*command, str(folder))


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "RUN", "--output", "FILE"],
        ["report", "RUN", "--output", "FILE/below"],
        ["runs", ".", "--html", "FILE/page.html"],
        ["compare", "RUN", "RUN", "--output", "FILE"],
        ["export", "scripts", "--output", "FILE"],
        ["export", "scripts", "--output", "FILE/below"],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_output_that_cannot_be_written(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    run = write_run(tmp_path, Plan(samples=20)).path
    done = call(*(word.replace("RUN", str(run)).replace("FILE", str(file)) for word in arguments))
    assert done.exit_code == 2
    assert f"{file}" in done.stderr
    assert "can't be written" in done.stderr


def test_a_configuration_that_is_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "assay.yaml")
    for command in (["check"], ["run"], ["run", "--plan"], ["export", "scripts"]):
        done = call(*command, str(tmp_path / "assay.yaml"))
        assert done.exit_code == 2
        assert "no regular file" in done.stderr


def test_an_age_that_is_older_than_time(tmp_path: Path) -> None:
    done = call("runs", str(tmp_path), "--since", "99999999999999999999w")
    assert done.exit_code == 2
    assert "longer ago" in done.stderr
