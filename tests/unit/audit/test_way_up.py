"""A curve's points follow each other on the way up: one that was left out is missed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from tests.curves import curve_campaign

from assay.audit.readers.campaign import read_campaign_folder
from assay.audit.rules.campaign_runs import check
from assay.runs import read_campaign, write_json


@pytest.mark.parametrize(
    ("dropped", "told"),
    [
        (None, []),
        ("4-in-flight-r0", ["8 in flight follows 2"]),
        ("1-in-flight-r0", ["the curve begins at 2 in flight"]),
    ],
)
def test_a_point_that_was_left_out_is_missed(dropped: str | None, told: list[str], tmp_path: Path) -> None:
    folder = curve_campaign(tmp_path, [1, 2, 4, 8], offline=False)
    campaign = {"kind": "tune-curve", "curve": {"points": "log2", "least": 1, "most": 64}}
    folder.config.write_text(yaml.safe_dump({"campaign": campaign}))
    state = read_campaign(folder)
    if dropped is not None:
        shutil.rmtree(folder.run(dropped).path)
        state.runs = [run for run in state.runs if run.key != dropped]
        write_json(folder.state, state)
    found = [str(one) for one in check(read_campaign_folder(folder.path))]
    gaps = [words for words in ("8 in flight follows 2", "the curve begins at 2 in flight") if words in "".join(found)]
    assert gaps == told
