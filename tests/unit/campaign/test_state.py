"""A campaign's state on disk: found, compared, held."""

from __future__ import annotations

import errno
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.campaigns import config

from assay.benchmarks import get_benchmark
from assay.campaign.kinds import plan_runs
from assay.campaign.state import (
    begin,
    check_dataset,
    check_user_conf,
    differences,
    find,
    held,
    resumed_config,
    session,
    unfinished,
)
from assay.config import Config, dump_config, load_config
from assay.engines import build_engine
from assay.errors import UserError
from assay.runs import CampaignFolder, RunStatus, read_campaign


def begun(settings: Config) -> CampaignFolder:
    return begin(
        settings, plan_runs(settings, ["node-a", "node-b"]), get_benchmark(settings.benchmark), dataset_sha256="abc",
        simulated=True,
    )  # fmt: skip


def test_the_same_configuration_is_accepted_wherever_results_lie(tmp_path: Path) -> None:
    folder = begun(config(tmp_path))
    assert resumed_config(folder, None).engine == config(tmp_path).engine
    elsewhere = config(tmp_path).model_copy(update={"output": Path("elsewhere")})
    assert resumed_config(folder, elsewhere).output == folder.path.parent
    told = config(tmp_path, alerts={"webhook": {"env": "HOOK"}})
    assert resumed_config(folder, told).alerts == told.alerts  # who is told is no part of what is measured


def test_an_output_that_cannot_be_written_is_named_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "results"
    with pytest.raises(UserError, match=r"file/results: Not a directory: choose a folder that can be written, with"):
        begun(config(tmp_path).model_copy(update={"output": output}))


def test_a_campaign_that_a_full_disk_keeps_from_beginning_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, value: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("assay.campaign.state.write_json", full)
    with pytest.raises(OSError, match="No space left"):
        begun(config(tmp_path))
    assert list((tmp_path / "results").iterdir()) == []


def test_a_changed_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    folder = begun(config(tmp_path))
    changed = config(tmp_path, dataset={"samples": 9}, campaign={"repeats": 2})
    with pytest.raises(UserError) as error:
        resumed_config(folder, changed)
    assert "dataset.samples: 8 → 9" in str(error.value)
    assert "campaign.repeats: null → 2" in str(error.value)
    assert "engine" not in str(error.value)


def test_differences_name_each_setting() -> None:
    old = {"a": {"b": 1, "c": [1, 2]}, "gone": "x"}
    new = {"a": {"b": 1, "c": [1, 3]}, "new": True}
    assert differences(old, new) == ["a.c: [1, 2] → [1, 3]", "gone: x → null", "new: null → true"]


def test_a_changed_user_conf_is_refused(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text("*.Server.target_qps = 3\n")
    settings = config(tmp_path, loadgen={"user_conf": str(conf)})
    state = read_campaign(begun(settings))
    check_user_conf(state, settings)
    conf.write_text("*.Server.target_qps = 4\n")
    with pytest.raises(UserError, match="changed since the campaign began"):
        check_user_conf(state, settings)
    conf.unlink()
    with pytest.raises(UserError, match="can't be read"):
        check_user_conf(state, settings)
    check_user_conf(read_campaign(begun(config(tmp_path))), config(tmp_path))


def test_a_changed_data_set_is_refused(tmp_path: Path) -> None:
    state = read_campaign(begun(config(tmp_path)))
    check_dataset(state, "abc")
    with pytest.raises(UserError, match="data set changed"):
        check_dataset(state, "abd")


def test_the_latest_unfinished_campaign_is_found(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no campaign"):
        find("latest", tmp_path / "results")
    folder = begun(config(tmp_path))
    assert find("latest", tmp_path / "results") == folder
    state = read_campaign(folder)
    for entry in state.runs:
        entry.status = RunStatus.COMPLETED
    with session(folder, state):
        pass
    assert find("latest", tmp_path / "results") == folder, "its report isn't made yet"
    folder.report.touch()
    with pytest.raises(UserError, match="is unfinished"):
        find("latest", tmp_path / "results")
    assert find(str(folder.path), Path("anywhere")) == folder


def test_a_file_in_place_of_a_campaign_is_explained(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").touch()
    with pytest.raises(UserError, match=r"write `assay run .*assay.yaml --resume`"):
        find(str(tmp_path / "assay.yaml"), tmp_path)
    with pytest.raises(UserError, match="not a campaign folder"):
        resumed_config(find(str(tmp_path), tmp_path), None)


def hold(path: Path) -> str:
    try:
        with held(CampaignFolder(path)):
            return "held"
    except UserError as error:
        return str(error)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with held(CampaignFolder(tmp_path)):
            assert "another assay process" in pool.apply(hold, (tmp_path,))
        assert pool.apply(hold, (tmp_path,)) == "held"


def break_off(folder: CampaignFolder) -> None:
    with session(folder, read_campaign(folder)):
        assert read_campaign(folder).sessions[0].ended_utc is None
        raise ZeroDivisionError


def test_a_session_is_noted_and_closed(tmp_path: Path) -> None:
    folder = begun(config(tmp_path))
    with pytest.raises(ZeroDivisionError):
        break_off(folder)
    state = read_campaign(folder)
    assert state.sessions[0].ended_utc is not None
    assert state.ended_utc is None


def test_what_is_left_to_do(tmp_path: Path) -> None:
    settings = config(tmp_path, campaign={"kind": "scaling", "repeats": 1})
    state = read_campaign(begun(settings))
    alone_a, alone_b, both = (
        state.runs if state.runs[0].nodes == ["node-a"] else [state.runs[1], state.runs[0], state.runs[2]]
    )
    alone_a.status, alone_b.status, both.status = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.SKIPPED
    assert unfinished(state) == [both]
    state.left_out = {"node-b": "no answer"}
    assert unfinished(state) == []
    alone_a.status = RunStatus.INTERRUPTED
    assert unfinished(state) == [alone_a]


def test_a_damaged_state_is_told_in_one_line(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)
    folder.state.write_text('{"version": 1, "id": "2026')
    with pytest.raises(UserError, match=r"can.t be read as a campaign: not JSON: .*; restore the file") as error:
        read_campaign(folder)
    assert "\n" not in str(error.value)
    assert "http" not in str(error.value)


@pytest.mark.parametrize(
    "engine", [{"kind": "simulated"}, {"kind": "embedded"}, {"kind": "vllm", "model": "a/b", "tensor_parallel": 1}]
)
def test_settings_are_recorded_the_same_before_and_after_resuming(tmp_path: Path, engine: dict[str, Any]) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text(yaml.safe_dump({"scenarios": ["Offline"], "engine": engine}))
    first = load_config(path)
    path.write_text(dump_config(first))
    resumed = load_config(path)
    written = [json.dumps(build_engine(config.engine).settings("local")) for config in (first, resumed)]
    assert written[0] == written[1]  # as text: 0 isn't 0.0
