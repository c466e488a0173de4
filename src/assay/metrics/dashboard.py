"""The Grafana dashboard of a campaign: in Grafana's own form, so that it can be changed there and put back here."""

from __future__ import annotations

from importlib.resources import files


def dashboard() -> str:
    return files("assay.metrics").joinpath("dashboard.json").read_text(encoding="utf-8")
