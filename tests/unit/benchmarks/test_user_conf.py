"""LoadGen's user.conf: what it takes, by precedence; what it would skip without a word is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.benchmarks.user_conf import UserConf, read_user_conf
from assay.errors import UserError


def conf(folder: Path, *lines: str) -> UserConf:
    file = folder / "user.conf"
    file.write_text("\n".join(lines) + "\n")
    return read_user_conf(file)


def test_the_most_particular_line_counts_and_of_equal_ones_the_last(tmp_path: Path) -> None:
    ours = conf(
        tmp_path,
        "# a comment",
        "",
        "*.*.min_duration = 1000",
        "llama3_1-8b.*.min_duration = 2000",
        "*.Server.min_duration = 3000",
        "llama3_1-8b.Offline.min_duration = 4000",
        "llama3_1-8b.Offline.min_duration = 5000",
        "wan-2.2-t2v-a14b.Offline.target_qps = 0.5",
    )
    found = {
        scenario: ours.setting("llama3_1-8b", scenario, "min_duration")
        for scenario in ("Server", "Offline", "SingleStream")
    }
    assert {name: setting.value for name, setting in found.items() if setting} == {
        "Server": 3000, "Offline": 5000, "SingleStream": 2000,
    }  # fmt: skip
    assert [key for key, _ in ours.applying("llama3_1-8b", "Offline")] == ["min_duration"]
    assert dict(ours.applying("wan-2.2-t2v-a14b", "Offline"))["target_qps"].value == 0.5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "llama3_1-8b.Server.target_qsp = 3",
            "knows no key 'target_qsp', and would skip this; did you mean target_qps",
        ),
        (
            "llama3.1-8b.Server.target_qps = 3",
            "knows no model 'llama3.1-8b', and would skip this; did you mean llama3_1",
        ),
        ("smollm2-135m.Server.target_qps = 3", "knows no model"),
        ("llama3_1-8b.Interactive.target_qps = 3", "Interactive is its Server"),
        ("llama3_1-8b.server.target_qps = 3", "knows no scenario 'server'"),
        ("llama3_1-8b.Offline.ttft_latency = 3", "takes ttft_latency for Server alone"),
        ("*.*.qsl_rng_seed = 3", "seeds from the rules' file alone"),
        ("*.*.mode = 1", "Assay sets the mode"),
        ("llama3_1-8b.Server.target_qps=3", "spaces around the ="),
        ("llama3_1-8b.Server.target_qps: 3", "spaces around the ="),
        ("llama3_1-8b.Server.target_qps = 3 # mine", "nothing after the value"),
        ("#mine", "where a space follows"),
        ("target_qps = 3", "model.scenario.key"),
        ("*.*.min_query_count = 1e4", "must be a whole number"),  # LoadGen reads 1
        ("*.Server.target_qps = fast", "must be a number"),
        ("*.Server.target_qps = 0", "target_qps can't be 0"),
        ("*.*.min_duration = -1", "0 or more"),
    ],
)
def test_what_loadgen_would_skip_or_misread_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        conf(tmp_path, "# first", line)
    assert words in str(caught.value)
    assert "user.conf:2: " in str(caught.value)


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.conf can't be read"):
        read_user_conf(tmp_path / "none.conf")
