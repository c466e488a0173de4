"""Scores that another program made: held against the run's own log, judged by the benchmark's targets, called so."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from tests.submissions import SCORES, close, official_campaign, write_answers

from assay.benchmarks import run_benchmark, write_benchmark
from assay.errors import UserError
from assay.runs import CampaignFolder, RunFolder, read_result
from assay.scoring import read_accuracy_log
from assay.submission import RefusedError, Request, Submission, make_submission

RUN = "offline-accuracy-r0"
SCRIPT = "evaluation.py of somebody"
LOGGED = 600
CLOSED, OPEN = Request("ACME", "closed"), Request("ACME", "open")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    """A campaign whose Offline answers nothing here can score."""
    campaign = official_campaign(tmp_path_factory.mktemp("whole"))
    for name in ("offline-performance-r0", RUN, "offline-test06-r0"):
        run = campaign.run(name)
        definition = run_benchmark(run)
        assert definition.quality is not None
        quality = definition.quality.model_copy(update={"samples": LOGGED})
        changes = {"scorer": None, "scored_with": SCRIPT, "quality": quality}
        write_benchmark(run.benchmark, definition.model_copy(update=changes))
        run.accuracy_txt.unlink(missing_ok=True)
        run.accuracy.unlink(missing_ok=True)
        close(run)
    return campaign


@pytest.fixture
def campaign(whole: CampaignFolder, tmp_path: Path) -> CampaignFolder:
    write_answers(tmp_path / "system.yaml")
    return CampaignFolder(shutil.copytree(whole.path, tmp_path / "campaign"))


def log_of(run: RunFolder) -> tuple[str, float]:
    """Its SHA-256 and the mean length of its answers, tokens."""
    answers = read_accuracy_log(run.loadgen_accuracy)
    mean = sum(len(answer.token_ids) for answer in answers) / len(answers)
    return hashlib.sha256(run.loadgen_accuracy.read_bytes()).hexdigest(), mean


def submit(campaign: CampaignFolder, text: str, request: Request = CLOSED, name: str = RUN) -> Submission:
    """The submission with `text` as what the program printed."""
    here = campaign.path.parent
    (here / "accuracy.txt").write_text(text)
    return make_submission([campaign.path], request, here / "system.yaml", {name: here / "accuracy.txt"})


def refusal(campaign: CampaignFolder, text: str, request: Request = CLOSED) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        submit(campaign, text, request)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


GOOD = SCORES.replace("13368", str(LOGGED))


def test_without_them_the_run_says_what_scores_it(campaign: CampaignFolder) -> None:
    result = read_result(campaign.run(RUN))
    assert result is not None
    assert result.verdict.words == f"accuracy run, quality gate: to be scored with {SCRIPT}"
    with pytest.raises(RefusedError, match=f"{RUN} is to be scored with {SCRIPT}: .* --accuracy {RUN}=accuracy.txt"):
        make_submission([campaign.path], OPEN, campaign.path.parent / "system.yaml")


@pytest.mark.parametrize("request_", [CLOSED, OPEN], ids=["closed", "open"])
def test_scores_that_reach_the_targets_are_submitted_and_called_what_they_are(
    campaign: CampaignFolder, request_: Request
) -> None:
    log, mean = log_of(campaign.run(RUN))
    text = GOOD.replace("'gen_len'", f"'tokens_per_sample': {mean:.1f}, 'gen_len'") + f"\nhash={log}\n"
    files = {str(path): data for path, data in submit(campaign, text, request_).tree.files.items()}
    (accuracy,) = (data.decode() for path, data in files.items() if path.endswith("Offline/accuracy/accuracy.txt"))
    assert accuracy.startswith(text.split("hash=")[0].rstrip())
    assert [line for line in accuracy.splitlines() if line.startswith("hash=")] == [f"hash={log}"]
    (readme,) = (data.decode() for path, data in files.items() if path.endswith("Offline/README.md"))
    assert f"Accuracy: not scored by Assay. {SCRIPT} scored the answers of {RUN}: rouge1 38.8" in readme
    assert f"as it was given: {hashlib.sha256(text.encode()).hexdigest()}" in readme
    (other,) = (data.decode() for path, data in files.items() if path.endswith("Server/README.md"))
    assert "not scored by Assay" not in other


def test_scores_below_the_targets_are_reported_in_the_open_division_alone(campaign: CampaignFolder) -> None:
    low = GOOD.replace("38.8", "20.0")
    assert refusal(campaign, low) == [f"{RUN}:", "quality gate: fail"]
    submit(campaign, low, OPEN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "\nhash=" + 64 * "0", "names the log 000000000000, and the run's is "),
        (SCORES, "is of 13368 answers, and the run's log has 600"),
        (GOOD.replace("'gen_len'", "'tokens_per_sample': 300.5, 'gen_len'"), "has 300.5 tokens a sample, and the answ"),
    ],
)
def test_scores_of_another_log_are_refused_in_every_division(campaign: CampaignFolder, text: str, words: str) -> None:
    for request in (CLOSED, OPEN):
        lines = refusal(campaign, text, request)
        assert lines[0] == f"{RUN}:"
        assert words in lines[1]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (RUN, "nothing", f"has no rouge1 and no .*; give what {SCRIPT} prints"),
        ("offline-performance-r0", GOOD, "there is no accuracy run offline-performance-r0 among those to submit"),
        ("server-accuracy-r0", GOOD, "Assay itself scores llama3.1-8b; leave it out"),
    ],
)
def test_what_cannot_be_taken(campaign: CampaignFolder, name: str, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        submit(campaign, text, name=name)


def test_a_file_that_is_not_there(campaign: CampaignFolder) -> None:
    place = campaign.path.parent
    with pytest.raises(UserError, match=rf"--accuracy {RUN}=.*nothing.txt: can't be read"):
        make_submission([campaign.path], OPEN, place / "system.yaml", {RUN: place / "nothing.txt"})
