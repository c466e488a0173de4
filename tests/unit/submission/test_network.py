"""What makes a run one of the network division, and what keeps it from being one."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from tests.submissions import change_record, official_campaign, write_answers

from assay.runs import CampaignFolder, RunFolder, SystemRecord, read_model, read_record, write_json
from assay.runs.api import ApiFacts
from assay.submission import RefusedError, Request, make_submission

NETWORK, CLOSED = Request("ACME", "network"), Request("ACME", "closed")
IDS = ApiFacts(form="ids", gives_ids=True)
ANSWERS = {
    "network_type": "Ethernet", "network_media": "optical fibre", "network_rate": "100 Gb/s", "nic_loadgen": "a card",
    "number_nic_loadgen": "1", "net_software_stack_loadgen": "Linux", "network_protocol": "HTTP/1.1",
    "number_connections": "48", "nic_sut": "a card", "number_nic_sut": "1", "net_software_stack_sut": "Linux",
    "network_topology": "one switch",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    campaign = official_campaign(tmp_path_factory.mktemp("network"))
    for run in runs(campaign):
        log_name(run, "Network SUT (Assay)")
        change_record(run, api=IDS)
    return campaign


def runs(campaign: CampaignFolder) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted(campaign.runs.iterdir())]


def log_name(run: RunFolder, name: str) -> None:
    line = {"key": "sut_name", "value": name, "metadata": {"is_error": False, "is_warning": False}}
    with run.loadgen_detail.open("a") as file:
        file.write(f":::MLLOG {orjson.dumps(line).decode()}\n")


@pytest.fixture
def campaign(whole: CampaignFolder, tmp_path: Path) -> CampaignFolder:
    write_answers(tmp_path / "system.yaml", **ANSWERS)
    return CampaignFolder(shutil.copytree(whole.path, tmp_path / "campaign"))


def refusal(campaign: CampaignFolder, request: Request = NETWORK) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        make_submission([campaign.path], request, campaign.path.parent / "system.yaml")
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_a_network_submission_describes_its_network(campaign: CampaignFolder) -> None:
    made = make_submission([campaign.path], NETWORK, campaign.path.parent / "system.yaml")
    (path,) = (path for path in made.tree.files if path.parent.name == "systems")
    assert path.parts[0] == "network"
    system = orjson.loads(made.tree.files[path])
    assert system["is_network"] == "true"
    assert {name: system[name] for name in ANSWERS} == ANSWERS


def test_runs_over_a_network_are_none_of_the_closed_division(campaign: CampaignFolder) -> None:
    lines = refusal(campaign, CLOSED)
    assert "LoadGen was told of a system behind a network (loadgen.over_network): that is the network division" in lines


def test_other_runs_are_none_of_the_network_division(campaign: CampaignFolder) -> None:
    run = campaign.run("server-performance-r0")
    log_name(run, "PySUT")
    change_record(run)
    assert refusal(campaign) == [
        "server-performance-r0:", "LoadGen wasn't told of a Network SUT: set loadgen.over_network"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("api", "words"),
    [
        (ApiFacts(form="text", gives_ids=True), ["prompts went as text"]),
        (ApiFacts(form="ids", gives_ids=False), ["answers came as text"]),
        (None, ["prompts went as text", "answers came as text"]),
    ],
)
def test_no_work_is_done_on_loadgens_side(campaign: CampaignFolder, api: ApiFacts | None, words: list[str]) -> None:
    change_record(campaign.run("server-performance-r0"), api=api)
    lines = refusal(campaign)
    assert [line.partition(":")[0] for line in lines[1:]] == words


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_a_server_on_loadgens_own_machine(campaign: CampaignFolder, url: str) -> None:
    run = campaign.run("server-performance-r0")
    first, *others = read_record(run).endpoints
    change_record(run, endpoints=[first.model_copy(update={"url": url}), *others])
    assert refusal(campaign)[1:] == ["node-a-0 is on LoadGen's own machine: no network lies between"]
    change_record(run, endpoints=[first.model_copy(update={"url": url, "path": "tunnel"}), *others])
    make_submission([campaign.path], NETWORK, campaign.path.parent / "system.yaml")


def test_a_server_on_loadgens_own_machine_by_another_address(campaign: CampaignFolder) -> None:
    run = campaign.run("server-performance-r0")
    system = read_model(run.system, SystemRecord)
    assert system is not None
    system.controller.hostname = system.nodes[1].hostname = "host-1"
    write_json(run.system, system)
    change_record(run)
    assert refusal(campaign)[1:] == ["node-b-0 is on LoadGen's own machine: no network lies between"]
