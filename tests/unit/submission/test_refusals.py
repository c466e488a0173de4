"""Every reason why runs can't be submitted, each from one thing that is wrong with them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import yaml
from tests.submissions import (
    CONFIG,
    EOS,
    change_record,
    close,
    hexadecimal,
    official_campaign,
    write_answers,
    write_log,
)

from assay.errors import UserError
from assay.runs import (
    CampaignFolder,
    ClientAudit,
    RunFolder,
    RunStatus,
    read_model,
    read_record,
    read_result,
    write_json,
    write_run_manifest,
)
from assay.runs.result import AccuracyResult
from assay.submission import RefusedError, Request, make_submission
from assay.submission.refusals import reasons
from assay.submission.runs import Entry, read_runs

CLOSED, OPEN = Request("ACME", "closed"), Request("ACME", "open")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    return official_campaign(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def campaign(whole: CampaignFolder, tmp_path: Path) -> CampaignFolder:
    write_answers(tmp_path / "system.yaml")
    return CampaignFolder(shutil.copytree(whole.path, tmp_path / "campaign"))


def submit(campaign: CampaignFolder, request: Request = CLOSED) -> None:
    make_submission([campaign.path], request, campaign.path.parent / "system.yaml")


def refusal(campaign: CampaignFolder, request: Request = CLOSED) -> list[str]:
    """The lines of the message."""
    with pytest.raises(RefusedError) as caught:
        submit(campaign, request)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_a_campaign_as_the_rules_ask_is_taken(campaign: CampaignFolder) -> None:
    submit(campaign, CLOSED)
    submit(campaign, OPEN)


def _not_official(run: RunFolder) -> None:
    change_record(run, official=False)


def _simulated(run: RunFolder) -> None:
    change_record(run, simulated=True)


def _client_bound(run: RunFolder) -> None:
    change_record(run, client=ClientAudit(client_bound=True, reasons=["a worker at 100 % CPU"]))


def _cut_short(run: RunFolder) -> None:
    change_record(run, status=RunStatus.TIMEOUT, reason="run_timeout_s")


def _invalid(run: RunFolder) -> None:
    text = run.loadgen_summary.read_text()
    run.loadgen_summary.write_text(text.replace("Result is : VALID", "Result is : INVALID"))
    close(run)


def _other_round(run: RunFolder) -> None:
    text = run.loadgen_detail.read_text()
    run.loadgen_detail.write_text(text.replace("2085463073848966840", "2465351861681999779"))
    close(run)


def _changed_afterwards(run: RunFolder) -> None:
    (run.path / "user.conf").write_text("*.Server.target_qps = 1\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_not_official, "the run is short by its settings"),
        (_simulated, "the endpoints are simulated"),
        (_client_bound, "the load generator could have shaped the result: a worker at 100 % CPU"),
        (_cut_short, "the run took longer than it was given: run_timeout_s"),
        (_invalid, "LoadGen: INVALID"),
        (_other_round, "LoadGen's seeds are those of no round, not of v6.1"),
        (_changed_afterwards, "not as it was closed: user.conf: changed"),
    ],
)
@pytest.mark.parametrize("request_", [CLOSED, OPEN], ids=["closed", "open"])
def test_a_run_that_is_no_result(
    campaign: CampaignFolder, spoil: Callable[[RunFolder], None], words: str, request_: Request
) -> None:
    spoil(campaign.run("server-performance-r0"))
    lines = refusal(campaign, request_)
    assert lines[0] == "server-performance-r0:"
    assert any(line.startswith(words) for line in lines), lines


def test_a_client_that_was_late_shapes_no_answers(campaign: CampaignFolder) -> None:
    for name in ("server-accuracy-r0", "server-test06-r0"):
        _client_bound(campaign.run(name))
    submit(campaign, CLOSED)


def test_every_reason_of_every_run_is_told_at_once(campaign: CampaignFolder) -> None:
    _simulated(campaign.run("server-performance-r0"))
    _not_official(campaign.run("offline-accuracy-r0"))
    campaign.run("server-accuracy-r0").result.unlink()
    lines = refusal(campaign)
    assert {"server-performance-r0:", "offline-accuracy-r0:", "server-accuracy-r0:"} <= set(lines)
    assert "there is no accuracy run that ended" in lines


def test_an_accuracy_below_the_target_is_reported_in_the_open_division_alone(campaign: CampaignFolder) -> None:
    run = campaign.run("offline-accuracy-r0")
    accuracy = read_model(run.accuracy, AccuracyResult)
    assert accuracy is not None
    write_json(run.accuracy, accuracy.model_copy(update={"gate": "fail"}))
    close(run)
    assert refusal(campaign, CLOSED) == ["offline-accuracy-r0:", "quality gate: fail"]
    submit(campaign, OPEN)


def test_a_run_that_was_never_carried_out(campaign: CampaignFolder) -> None:
    state = orjson.loads(campaign.state.read_bytes())
    state["runs"][1] |= {"run": None, "status": None}
    write_json(campaign.state, state)
    lines = refusal(campaign)
    assert lines[0] == "offline-accuracy-r0:"
    assert lines[1].startswith("planned, and not carried out")
    assert lines[2:] == ["llama3.1-8b Offline:", "there is no accuracy run that ended"]


def test_answers_that_were_not_scored(campaign: CampaignFolder) -> None:
    run = campaign.run("server-accuracy-r0")
    run.accuracy_txt.unlink()
    close(run)
    assert refusal(campaign, OPEN) == [
        "llama3.1-8b Server:",
        "server-accuracy-r0 has no accuracy.txt: nothing was scored",
    ]  # fmt: skip


def test_performance_and_accuracy_of_different_engines(campaign: CampaignFolder) -> None:
    run = campaign.run("offline-accuracy-r0")
    run.config.write_text(yaml.safe_dump(CONFIG | {"target_qps": {"Server": 1}, "engine": {"kind": "simulated"}}))
    facts = read_record(run)
    changed = [one.model_copy(update={"engine_version": "2.0"}) for one in facts.endpoints]
    change_record(run, endpoints=changed)
    lines = refusal(campaign, OPEN)
    assert lines == [
        "llama3.1-8b Offline:",
        "the performance and the accuracy run differ in engine.max_num_seqs: "
        "24 in offline-performance-r0, not set in offline-accuracy-r0",
        *(
            f"the performance and the accuracy run differ in {name}.version: "
            "1.0 in offline-performance-r0, 2.0 in offline-accuracy-r0"
            for name in ("node-a-0", "node-b-0")
        ),
    ]


def test_two_runs_for_one_place(campaign: CampaignFolder) -> None:
    state = orjson.loads(campaign.state.read_bytes())
    state["runs"].append(state["runs"][0] | {"key": "offline-performance-r1", "run": "offline-performance-r1"})
    write_json(campaign.state, state)
    shutil.copytree(campaign.run("offline-performance-r0").path, campaign.run("offline-performance-r1").path)
    lines = refusal(campaign, OPEN)
    assert lines[0] == "llama3.1-8b Offline:"
    assert lines[1].startswith("two performance runs, offline-performance-r0 and offline-performance-r1: name")


def test_runs_are_named_one_by_one(campaign: CampaignFolder) -> None:
    names = ("offline-performance-r0", "offline-accuracy-r0")
    paths = [campaign.run(name).path for name in names]
    answers = campaign.path.parent / "system.yaml"
    made = make_submission([*paths, paths[0]], OPEN, answers)
    assert [entry.name for entry in made.systems[0].entries] == ["llama3.1-8b Offline"]
    with pytest.raises(RefusedError) as caught:
        make_submission(paths, CLOSED, answers)
    assert "llama3.1-8b needs Server or Interactive in the closed division" in str(caught.value)
    assert "there is no TEST06 run, which closed asks for" in str(caught.value)


def test_a_benchmark_of_which_other_tests_are_asked(campaign: CampaignFolder) -> None:
    runs, _ = read_runs([campaign.path])
    entry = Entry("gpt-oss-120b", "Offline", {"performance": runs[0]})
    found = reasons([entry], CLOSED)["gpt-oss-120b Offline"]
    assert found == [
        "there is no TEST07 run, which closed asks for (campaign.compliance: [TEST07])",
        "there is no TEST09 run, which closed asks for (campaign.compliance: [TEST09])",
    ]
    old = Request("ACME", "open", "v6.0")
    assert "llama3.1-405b Offline" not in reasons([Entry("llama3.1-405b", "Offline", entry.parts)], old)
    assert reasons([Entry("llama3.1-405b", "Offline", entry.parts)], OPEN)["llama3.1-405b Offline"] == [
        "llama3.1-405b is no benchmark of v6.1"
    ]


def test_a_compliance_test_that_fails(campaign: CampaignFolder) -> None:
    run = campaign.run("offline-test06-r0")
    data = hexadecimal([5, EOS, EOS])
    write_log(run, [{"seq_id": 0, "qsl_idx": 0, "data": data, "token_count": 3}])
    close(run)
    assert refusal(campaign) == ["offline-test06-r0:", "TEST06: EOS check fails"]
    by_an_earlier_version = read_result(campaign.run("server-test06-r0"))
    assert by_an_earlier_version is not None
    write_json(run.result, by_an_earlier_version.model_copy(update={"run": run.id, "scenario": "Offline"}))
    run.manifest.unlink()
    write_run_manifest(run, "")
    assert refusal(campaign) == ["offline-test06-r0:", "TEST06: EOS check fails"]


def test_runs_of_two_systems(campaign: CampaignFolder, tmp_path: Path) -> None:
    for name in ("server-performance-r0", "server-accuracy-r0"):
        run = campaign.run(name)
        moved = [one.model_copy(update={"node": "node-c"}) for one in read_record(run).endpoints]
        change_record(run, endpoints=moved)
    lines = refusal(campaign, OPEN)
    assert (
        "offline-performance-r0 and server-performance-r0 ran on different nodes: tell which runs are of which system, "
        "--system RUN=FILE for each" in lines
    )


def test_a_rehearsal_passes_over_what_keeps_runs_from_being_submitted(campaign: CampaignFolder) -> None:
    _simulated(campaign.run("server-performance-r0"))
    _not_official(campaign.run("offline-accuracy-r0"))
    request = Request("ACME", "closed", rehearsal=True)
    made = make_submission([campaign.path], request, campaign.path.parent / "system.yaml")
    assert made.passed_over.keys() == {"server-performance-r0", "offline-accuracy-r0"}


def test_a_rehearsal_needs_both_runs_too(campaign: CampaignFolder) -> None:
    request = Request("ACME", "open", rehearsal=True)
    with pytest.raises(RefusedError, match="there is no accuracy run that ended"):
        make_submission([campaign.run("offline-performance-r0").path], request, campaign.path.parent / "system.yaml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"system_type": "edge"}, "system_type is edge, and llama3.1-8b is for datacenter systems"),
        ({"system_name": "???"}, "system_name becomes a folder's name"),
    ],
)
def test_answers_that_do_not_go_with_the_results(
    campaign: CampaignFolder, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    write_answers(tmp_path / "system.yaml", **changes)
    with pytest.raises(UserError, match=re.escape(words)):
        submit(campaign)
    write_answers(tmp_path / "system.yaml", system_type="edge,datacenter")
    submit(campaign)


def test_a_folder_of_neither_kind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a run folder"):
        make_submission([tmp_path], OPEN, tmp_path / "system.yaml")


@pytest.mark.parametrize("name", ["", "a/b", "..", "-x", "a b"])
def test_an_organisation_that_is_no_folder_name(name: str) -> None:
    with pytest.raises(UserError, match="becomes a folder's name"):
        Request(name, "open")
