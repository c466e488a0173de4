"""The tree that `assay submit` writes: whole or not at all, never over another, its texts as they were agreed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.submissions import answers, change_record, close, digests, official_campaign, write_answers, write_log

from assay.audit import audit_path
from assay.benchmarks import get_benchmark, run_benchmark, write_benchmark
from assay.commands.main import main
from assay.runs import CampaignFolder, RunFolder
from assay.submission import tree as trees

GOLDEN = Path(__file__).with_name("golden")
SYSTEM = "2_nodes_of_1x_Synthetic_GPU_80GB"
LOGS = {"mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json"}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    return official_campaign(tmp_path_factory.mktemp("official"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path / "system.yaml")
    return tmp_path


def submit(*words: str | Path, division: str = "open") -> Result:
    return CliRunner().invoke(main, ["submit", *map(str, words), "--org", "ACME", "--division", division])


@pytest.mark.parametrize("division", ["open", "closed"])
def test_every_file_is_where_the_checker_looks_and_says_what_was_agreed(
    campaign: CampaignFolder, here: Path, division: str
) -> None:
    done = submit(campaign.path, division=division)
    assert done.exit_code == 0, done.output
    root = here / "submission"
    files = {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}
    texts = {name: path.read_text() for name, path in files.items() if path.name not in LOGS}
    texts = {name: re.sub(r"(?m)^hash=[0-9a-f]{64}$", "hash=HASH", text) for name, text in texts.items()}
    listed = GOLDEN / f"{division}.txt"
    shown = "\n".join(files) + "\n" + "".join(f"\n--- {name}\n{text}" for name, text in texts.items())
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        listed.write_text(shown)
    assert shown == listed.read_text()


def test_logs_are_the_runs_own_and_the_accuracy_log_is_kept_whole_beside(campaign: CampaignFolder, here: Path) -> None:
    assert submit(campaign.path).exit_code == 0
    for scenario in ("Offline", "Server"):
        where = here / "submission/open/ACME/results" / SYSTEM / "llama3.1-8b" / scenario
        for part, folder in {"performance/run_1": "performance", "accuracy": "accuracy"}.items():
            run = campaign.run(f"{scenario}-{folder}-r0".lower())
            assert (where / part / "mlperf_log_detail.txt").read_bytes() == run.loadgen_detail.read_bytes()
        whole = campaign.run(f"{scenario}-accuracy-r0".lower()).loadgen_accuracy.read_bytes()
        log = where / "accuracy/mlperf_log_accuracy.json"
        assert log.stat().st_size <= 10 * 1024 < len(whole)
        kept = here / "submission-originals" / log.relative_to(here / "submission")
        assert kept.read_bytes() == whole
        last = (log.parent / "accuracy.txt").read_text().splitlines()[-1]
        assert last == f"hash={hashlib.sha256(whole).hexdigest()}"
        assert (where / "user.conf").read_text() == "llama3_1-8b.Server.target_qps = 20.0\n"


def test_our_own_check_finds_nothing_in_it(campaign: CampaignFolder, here: Path) -> None:
    assert submit(campaign.path, division="closed").exit_code == 0
    report = audit_path(here / "submission")
    assert report.clean, report.problems
    assert {row.mode for row in report.rows} == {"performance", "accuracy"}


def test_what_is_there_is_never_written_over(campaign: CampaignFolder, here: Path) -> None:
    assert submit(campaign.path).exit_code == 0
    before = digests(here)
    for into in ("submission", "."):
        again = submit(campaign.path, "--into", into)
        assert again.exit_code == 2
        assert "is there already" in again.output
    (here / "other-originals").mkdir()
    assert "other-originals: is there already" in submit(campaign.path, "--into", "other").output
    assert digests(here) == before


def test_a_tree_that_cannot_be_finished_leaves_nothing(
    campaign: CampaignFolder, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(here)
    write = trees._write_files

    def full(files: trees.Files, folder: Path) -> None:
        write(files, folder)
        if folder.name == "1":  # the tree itself: the whole logs are in place by then
            raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(trees, "_write_files", full)
    done = submit(campaign.path)
    assert done.exit_code == 2
    assert "No space left on device" in done.output
    assert digests(here) == before
    assert sorted(path.name for path in here.iterdir()) == ["system.yaml"]


def test_a_refusal_writes_nothing_and_ends_with_1(campaign: CampaignFolder, here: Path) -> None:
    done = submit(campaign.run("offline-performance-r0").path)
    assert done.exit_code == 1
    assert "nothing is written" in done.output
    assert not (here / "submission").exists()


def test_what_is_missing_is_asked_for_with_lines_to_copy(campaign: CampaignFolder, here: Path) -> None:
    (here / "system.yaml").unlink()
    done = submit(campaign.path)
    assert done.exit_code == 2
    lines = done.output.partition("\n\n")[2]
    (here / "system.yaml").write_text(lines)
    assert submit(campaign.path).exit_code == 0


def test_json_tells_what_was_written(campaign: CampaignFolder, here: Path) -> None:
    done = submit(campaign.path, "--json")
    told = json.loads(done.output)
    root = here / "submission"
    assert told["files"] == sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert [result["scenario"] for result in told["results"]] == ["Offline", "Server"]
    assert told["results"][0]["runs"]["accuracy"] == "offline-accuracy-r0"
    assert told["rehearsal"] == {}


def test_a_rehearsal_says_so_wherever_it_is_read(tmp_path_factory: pytest.TempPathFactory, here: Path) -> None:
    campaign = official_campaign(tmp_path_factory.mktemp("rehearsal"), ["Offline"])
    run: RunFolder = campaign.run("offline-performance-r0")
    change_record(run, simulated=True)
    done = submit(campaign.path, "--rehearsal")
    assert done.exit_code == 0, done.output
    assert "REHEARSAL, not to be submitted" in done.output
    root = here / "submission"
    assert "the endpoints are simulated" in (root / "REHEARSAL.md").read_text()
    system = json.loads((root / "open/ACME/systems" / f"{SYSTEM}.json").read_text())
    assert system["system_name"].startswith("REHEARSAL")
    assert system["hw_notes"].startswith("REHEARSAL")
    pages = [*root.rglob("README.md"), *root.rglob("documentation/*.md")]
    assert len(pages) == 3
    assert all(page.read_text().startswith("# REHEARSAL") for page in pages)
    checked = CliRunner().invoke(main, ["submit", "--check", str(root)])
    assert checked.output.startswith("REHEARSAL, not a result: this tree must not be submitted\n")


def test_test09_lies_where_the_checker_looks(tmp_path_factory: pytest.TempPathFactory, here: Path) -> None:
    """Of gpt-oss-120b, as a rehearsal: its answers are made up, and far too few and short."""
    campaign = official_campaign(tmp_path_factory.mktemp("test09"), ["Offline"])
    for name in ("offline-performance-r0", "offline-accuracy-r0", "offline-test06-r0"):
        run = campaign.run(name)
        write_benchmark(run.benchmark, run_benchmark(run).model_copy(update={"name": "gpt-oss-120b"}))
        change_record(run, compliance="TEST09" if "test06" in name else None)
    log = campaign.run("offline-test06-r0").loadgen_accuracy
    assert submit(campaign.path, "--rehearsal", division="closed").exit_code == 0
    where = here / "submission/closed/ACME/results" / SYSTEM / "gpt-oss-120b/Offline/TEST09"
    verdict = (where / "verify_output_len.txt").read_text()
    assert "TEST09: mean output tokens of 100 answers, 6396 asked for" in verdict
    assert verdict.endswith("TEST FAIL\n")
    assert "TEST09: 100 answers were logged of 6396" in (here / "submission/REHEARSAL.md").read_text()
    assert (where / "accuracy/mlperf_log_accuracy.json").stat().st_size < log.stat().st_size
    whole = hashlib.sha256(log.read_bytes()).hexdigest()
    assert (where / "accuracy/accuracy.txt").read_text() == f"hash={whole}\n"
    kept = here / "submission-originals" / (where / "accuracy" / log.name).relative_to(here / "submission")
    assert kept.read_bytes() == log.read_bytes()
    assert (where / "performance/run_1/mlperf_log_detail.txt").is_file()


@pytest.mark.parametrize(("score", "end"), [(60.0, "TEST FAIL\n"), (62.7, "TEST PASS\n")])
def test_test07_begins_with_what_the_other_program_printed(
    tmp_path_factory: pytest.TempPathFactory, here: Path, score: float, end: str
) -> None:
    """Of gpt-oss-120b, as a rehearsal: its answers are made up."""
    campaign = official_campaign(tmp_path_factory.mktemp("test07"), ["Offline"])
    gpt = get_benchmark("gpt-oss-120b")
    tested, scored = (campaign.run(f"offline-{part}-r0") for part in ("test06", "accuracy"))
    for run, own in (
        (campaign.run("offline-performance-r0"), gpt),
        (scored, gpt.in_mode("accuracy")),
        (tested, gpt.in_mode("performance", "TEST07")),
    ):
        write_benchmark(run.benchmark, own)
        run.accuracy_txt.unlink(missing_ok=True)
        change_record(run, compliance="TEST07" if run is tested else None)
    write_log(tested, answers("Offline", 990))
    close(tested)
    unscored = submit(campaign.path, "--rehearsal", division="closed")
    assert unscored.exit_code == 1
    assert f"--accuracy {tested.id}=accuracy.txt" in unscored.output

    for name, value in (("accuracy.txt", 83.13), ("test07.txt", score)):
        (here / name).write_text(f"'exact_match': {value}\n")
    given = ("--accuracy", f"{scored.id}=accuracy.txt", "--accuracy", f"{tested.path}=test07.txt")
    done = submit(campaign.path, "--rehearsal", *given, division="closed")
    assert done.exit_code == 0, done.output
    reasons = (here / "submission/REHEARSAL.md").read_text()
    assert ("TEST07: exact_match is 60, and 60.698 is asked for" in reasons) is (score < 60.698)
    assert "to be scored" not in reasons
    where = here / "submission/closed/ACME/results" / SYSTEM / "gpt-oss-120b/Offline/TEST07"
    verdict = (where / "verify_accuracy.txt").read_text()
    assert verdict.startswith(f"'exact_match': {score}\n")
    assert verdict.endswith(end)
    whole = hashlib.sha256(tested.loadgen_accuracy.read_bytes()).hexdigest()
    assert (where / "accuracy/accuracy.txt").read_text() == f"hash={whole}\n"
    assert (where / "performance/run_1/mlperf_log_detail.txt").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["submit"], "name the runs or campaigns"),
        (["submit", "RUN"], "--org and --division are needed"),
        (["submit", "RUN", "--org", "a/b", "--division", "open"], "becomes a folder's name"),
    ],
)
def test_a_mistake_is_told(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert said in done.output
