"""A page's "how to repeat it", typed as it stands, in the folder that it names."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from assay.runs.campaign import find_campaigns

pytestmark = pytest.mark.engine  # the prompts are tokenised with the embedded model's tokenizer
ASSAY = [sys.executable, "-m", "assay.commands.main"]
CONFIG = """
scenarios: [Offline]
modes: [performance]
dataset: {path: data/prompts.jsonl}
engine: {kind: simulated, window: 4, ttft_ms: 5, itl_ms: 1, output_tokens: 8}
load: {warmup_prompts: 0}
output: results
"""


def test_the_command_of_each_page_measures_the_same_beside_its_campaign(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/prompts.jsonl").write_text('{"prompt": "One and two and three"}\n{"prompt": "Four and five"}\n')
    (tmp_path / "assay.yaml").write_text(CONFIG)
    subprocess.run([*ASSAY, "run", "assay.yaml", "--quiet"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (campaign,) = find_campaigns(tmp_path / "results")
    (run,) = campaign.runs.iterdir()
    for count, page in enumerate((campaign.path / "report.md", run / "report.md"), start=2):
        found = re.search(r"measure (?:all of )?it again, beside (?:this|its) campaign: `([^`]+)`", page.read_text())
        assert found is not None
        assert found[1].startswith("assay ")
        words = [*ASSAY, *shlex.split(found[1])[1:], "--quiet"]
        done = subprocess.run(words, cwd=page.parent, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert len(find_campaigns(tmp_path / "results")) == count
