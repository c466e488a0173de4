"""The dashboard asks for what the metrics tell, and is one that Grafana takes."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

from click.testing import CliRunner
from jsonschema import validate
from tests.grafana import Query, panels, queries

from assay.commands.main import main
from assay.metrics.dashboard import dashboard
from assay.metrics.table import METRICS, Metric

# Grafana's JSON model, as far as it is used here:
# https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
_SOURCE = {
    "type": "object",
    "properties": {"type": {"const": "prometheus"}, "uid": {"const": "${datasource}"}},
    "required": ["type", "uid"],
}
_TARGET = {
    "type": "object",
    "properties": {
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
        "expr": {"type": "string", "minLength": 1},
        "legendFormat": {"type": "string"},
        "datasource": _SOURCE,
        "instant": {"type": "boolean"},
        "format": {"enum": ["time_series", "table", "heatmap"]},
    },
    "required": ["refId", "expr", "legendFormat", "datasource"],
    "additionalProperties": False,
}
_PANEL = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["row", "stat", "timeseries", "heatmap", "table"]},
        "title": {"type": "string", "minLength": 1},
        "gridPos": {
            "type": "object",
            "properties": {
                "x": {"type": "integer", "minimum": 0, "maximum": 23},
                "y": {"type": "integer", "minimum": 0},
                "w": {"type": "integer", "minimum": 1, "maximum": 24},
                "h": {"type": "integer", "minimum": 1},
            },
            "required": ["x", "y", "w", "h"],
        },
        "targets": {"type": "array", "items": _TARGET, "minItems": 1},
        "datasource": _SOURCE,
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
    },
    "required": ["id", "type", "title", "gridPos"],
    "if": {"properties": {"type": {"not": {"const": "row"}}}},
    "then": {"required": ["targets", "datasource", "fieldConfig"]},
}
_DASHBOARD = {
    "type": "object",
    "properties": {
        "uid": {"type": "string", "maxLength": 40},
        "title": {"type": "string", "minLength": 1},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "items": _PANEL},
        "templating": {"type": "object", "required": ["list"]},
        "time": {"type": "object", "required": ["from", "to"]},
    },
    "required": ["uid", "title", "schemaVersion", "panels", "templating", "time"],
}


def told() -> dict[str, frozenset[str]]:
    """Each name that a Prometheus gets, with its labels."""
    return {name: frozenset(labels) for metric in METRICS for name, labels in _series(metric)}


def _series(metric: Metric) -> list[tuple[str, tuple[str, ...]]]:
    if metric.kind == "counter":
        return [(f"{metric.name}_total", metric.labels)]
    if metric.kind == "gauge":
        return [(metric.name, metric.labels)]
    bucket = (f"{metric.name}_bucket", (*metric.labels, "le"))
    return [bucket, *((f"{metric.name}_{end}", metric.labels) for end in ("sum", "count"))]


def test_every_metric_and_label_that_it_asks_for_is_told() -> None:
    asked = queries()
    assert len(asked) > 30
    assert [words for query in asked for words in query.lacks(told())] == []


def test_what_is_asked_for_in_vain_is_found() -> None:
    bad = Query(
        "x", 'sum by (node) (rate(assay_nothing{run="$run"}[1m])) / assay_endpoints{rack="1"}', frozenset({"gpu"})
    )
    assert bad.lacks(told()) == [
        "x: no assay_nothing",
        "x: assay_endpoints has no node",
        "x: assay_endpoints has no rack",
        "x: gpu is grouped away",
    ]


def test_it_is_a_dashboard_that_grafana_takes() -> None:
    validate(json.loads(dashboard()), _DASHBOARD)
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        names = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(names)) == len(names)
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_no_panel_lies_over_another() -> None:
    places = {}
    for panel in panels():
        at = panel["gridPos"]
        places[panel["id"]] = {
            (column, line) for column in range(at["x"], at["x"] + at["w"]) for line in range(at["y"], at["y"] + at["h"])
        }
    assert [(a, b) for a, b in combinations(places, 2) if places[a] & places[b]] == []


def test_a_command_writes_it_and_nothing_over(tmp_path: Path) -> None:
    command = ["export", "grafana", "--output", str(tmp_path)]
    done = CliRunner().invoke(main, command)
    assert done.output == f"{tmp_path / 'assay-dashboard.json'}\n"
    assert (tmp_path / "assay-dashboard.json").read_text(encoding="utf-8") == dashboard()
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2
    assert "exists already" in again.output
