"""The `alerts:` section: defaults changed in part, switched off, mistaken; secrets that are shown nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.alerts.options import Rules, Secret, webhook_url
from assay.config import Config, dump_config, load_config
from assay.errors import UserError


def loaded(folder: Path, alerts: Any) -> Config:
    path = folder / "assay.yaml"
    path.write_text(yaml.safe_dump({"alerts": alerts}))
    return load_config(path)


def test_a_rule_given_in_part_keeps_the_rest(tmp_path: Path) -> None:
    rules = loaded(tmp_path, {"rules": {"temperature": {"limit": 80}}}).alerts.rules
    assert rules.temperature is not None
    assert (rules.temperature.limit, rules.temperature.margin, rules.temperature.for_s) == (80, 5, 10)
    assert rules.errors == Rules().errors


def test_a_rule_is_switched_off_by_off(tmp_path: Path) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text("alerts:\n  rules:\n    kv_cache: off\n    errors: {stop: true}\n")
    config = load_config(path)
    assert config.alerts.rules.kv_cache is None
    assert config.alerts.rules.errors is not None
    assert config.alerts.rules.errors.stop
    path.write_text(dump_config(config))
    assert load_config(path) == config


def test_a_deadline_is_a_time_with_its_zone(tmp_path: Path) -> None:
    assert loaded(tmp_path, {}).alerts.rules.deadline is None
    rules = loaded(tmp_path, {"rules": {"deadline": {"at": "2026-07-01T08:00:00+02:00"}}}).alerts.rules
    assert rules.deadline is not None
    assert rules.deadline.at == datetime(2026, 7, 1, 6, tzinfo=UTC)
    with pytest.raises(UserError, match=r"alerts\.rules\.deadline\.at: .*timezone"):
        loaded(tmp_path, {"rules": {"deadline": {"at": "2026-07-01T08:00:00"}}})


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ({"rules": {"temprature": {"limit": 80}}}, r":3: alerts\.rules\.temprature: .*did you mean 'temperature'\?"),
        ({"rules": {"temperature": {"limits": 80}}}, r"alerts\.rules\.temperature\.limits: .*did you mean 'limit'\?"),
        ({"rules": {"temperature": 80}}, r"alerts\.rules\.temperature: .*\(found 80\)"),
        ({"rules": {"errors": {"limit": 5}}}, r"alerts\.rules\.errors\.limit: .*less than or equal to 1 \(found 5\)"),
        ({"rules": {"errors": {"for_s": -1}}}, r"alerts\.rules\.errors\.for_s: .*\(found -1\)"),
        ({"webhook": {"url": "http://x/?key=sesame"}}, r"alerts\.webhook\.url: unknown key"),
        ({"webhook": "http://x/?key=sesame"}, r"alerts\.webhook: give either env.*; not the URL itself"),
        ({"rules": {"disk": "on"}}, r"alerts\.rules\.disk: must be a section with keys of its own \(found 'on'\)"),
        ({"rules": None}, r"alerts\.rules: must be a section with keys of its own \(found None\)"),
        ({"command": "notify-send Assay"}, r"alerts\.command: must be a list, such as \[a, b\] \(found 'notify"),
        ({"webhook": {}}, r"alerts\.webhook: give either env"),
        ({"webhook": {"env": "https://x/sesame"}}, r"alerts\.webhook\.env: this is no variable's name"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, alerts: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        loaded(tmp_path, alerts)
    assert "sesame" not in str(error.value)


@pytest.mark.parametrize(
    "held", ["", "ftp://host/sesame", "sesame", "http://a/sesame http://b/sesame", "http://[sesame"]
)
def test_what_is_no_webhook_is_told_without_showing_it(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", held)
    with pytest.raises(UserError, match="alerts: the variable HOOK") as error:
        webhook_url(Secret(env="HOOK"))
    assert "sesame" not in str(error.value)


def test_a_secret_comes_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    with pytest.raises(UserError, match=r"alerts: the file .*hook can't be read"):
        webhook_url(Secret(file=file))
    file.write_text("https://host/hook\n")
    assert webhook_url(Secret(file=file)) == "https://host/hook"
