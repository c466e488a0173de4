"""Paths of this machine: a campaign's configuration means the same files from whatever folder it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.benchmarks import get_benchmark, write_benchmark
from assay.config import dump_config, load_config

LOCAL = """
benchmark: own.yaml
dataset: {path: data/prompts.jsonl}
tokenizer: models/tokenizer
load: {ca_file: ca.pem}
loadgen: {user_conf: user.conf, audit_config: audit.config}
cluster: {launcher: ssh, nodes: [{name: a}], key_file: keys/id, config_file: ~/.ssh/mine, known_hosts: /etc/known}
alerts: {webhook: {file: hook.txt}}
"""


def test_a_relative_path_is_kept_as_the_file_that_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "assay.yaml").write_text(LOCAL)
    write_benchmark(tmp_path / "own.yaml", get_benchmark("smollm2-135m"))
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("assay.yaml"))
    kept = tmp_path / "elsewhere" / "config.yaml"
    kept.write_text(dump_config(config))
    monkeypatch.chdir(kept.parent)
    again = load_config(kept)
    assert again == config
    assert again.dataset.path == tmp_path / "data/prompts.jsonl"
    assert again.benchmark == str(tmp_path / "own.yaml")
    cluster = again.cluster.model_dump()
    assert [cluster[name] for name in ("key_file", "config_file", "known_hosts")] == [
        str(tmp_path / "keys/id"),
        "~/.ssh/mine",
        "/etc/known",
    ]
    ours = [again.tokenizer, again.load.ca_file, again.loadgen.user_conf, again.loadgen.audit_config]
    assert [path and path.relative_to(tmp_path) for path in ours] == [
        *map(Path, ("models/tokenizer", "ca.pem", "user.conf", "audit.config"))
    ]
    assert again.alerts.webhook is not None
    assert again.alerts.webhook.file == tmp_path / "hook.txt"


def test_a_built_in_benchmark_is_no_file() -> None:
    assert load_config(None, ["benchmark=llama2-70b"]).benchmark == "llama2-70b"
