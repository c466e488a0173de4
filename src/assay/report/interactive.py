"""Turns a panel of a chart description into Plotly's data and layout; colours of the page are set in the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from assay.report.chart import NEUTRAL, Mark, Panel, Series, text_color

_TEXT_POSITIONS = {"above": "top center", "left": "middle left", "right": "middle right"}


def plotly_script() -> str:
    """Plotly's own JavaScript, from the installed package."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")


def plotly_figure(panel: Panel) -> dict[str, Any]:
    """Data and layout of one panel, as plain data for `Plotly.newPlot`."""
    traces = [trace for series in panel.series for trace in _traces(series, panel)]
    shapes, annotations = [], []
    for mark in panel.marks:
        shapes.append(_shape(mark))
        annotations.append(_annotation(mark, panel))
    bars = any(series.kind == "bars" for series in panel.series)
    y_axis: dict[str, Any] = {"title": {"text": panel.y_label}, "automargin": True}
    if panel.y_share:
        y_axis |= {"tickformat": ".0%", "range": [0, 1.02]}
    elif panel.y_zero or bars:
        y_axis["rangemode"] = "tozero"
    layout = {
        "xaxis": {"title": {"text": panel.x_label}, "type": _x_type(panel), "automargin": True},
        "yaxis": y_axis,
        "barmode": "group",
        "hovermode": "closest" if bars or panel.categorical else "x unified",
        "showlegend": len([s for s in panel.series if s.name]) > 1,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "margin": {"l": 56, "r": 12, "t": 28, "b": 48},
        "shapes": shapes,
        "annotations": annotations,
    }
    figure = {"data": traces, "layout": layout}
    return _sideways(figure) if panel.sideways else figure


def _sideways(figure: dict[str, Any]) -> dict[str, Any]:
    """Exchange the axes of a figure of points; the first category comes on top."""
    layout = figure["layout"]
    layout["xaxis"], layout["yaxis"] = layout["yaxis"], layout["xaxis"] | {"autorange": "reversed"}
    for trace in figure["data"]:
        trace["x"], trace["y"] = trace["y"], trace["x"]
        trace["error_x"] = trace.pop("error_y")
        trace["hovertemplate"] = "%{y}<br>%{x:.4~g}" + trace["hovertemplate"].partition("}<br>")[2].partition("}")[2]
    for shape in layout["shapes"]:
        shape |= {"xref": "x", "yref": "paper", "x0": shape["y0"], "x1": shape["y1"], "y0": 0, "y1": 1}
    layout["annotations"] = []
    return figure


def _x_type(panel: Panel) -> str:
    if panel.categorical:
        return "category"
    return "log" if panel.x_log else "linear"


def _traces(series: Series, panel: Panel) -> list[dict[str, Any]]:
    share = ":.1%" if panel.y_share else ":.4s" if _huge(series.y) else ":.4~g"
    hover = "%{x}<br>%{y" + share + "}" if panel.categorical else "%{y" + share + "}"
    if series.names is not None:
        hover = "%{hovertext}: " + hover
    trace: dict[str, Any] = {
        "name": series.name,
        "x": [_plain(v) for v in series.x],
        "y": [_plain(v) for v in series.y],
        "hovertemplate": hover
        + _interval_text(series)
        + ("" if panel.categorical else "<extra>%{fullData.name}</extra>"),
    }
    if series.names is not None:
        trace["hovertext"] = list(series.names)
    if series.kind == "bars":
        trace |= {
            "type": "bar",
            "marker": {"color": list(series.colors or [series.color] * len(series.x))},
            "error_y": _errors(series),
        }
        if series.labels:
            colors = series.colors or [series.color] * len(series.x)
            trace |= {"text": list(series.labels), "textposition": "auto", "insidetextanchor": "start", "textangle": 0}
            trace |= {"insidetextfont": {"color": [text_color(color) for color in colors]}}
    elif series.kind == "points":
        mode = "markers+text" if series.labels else "markers"
        trace |= {"type": "scatter", "mode": mode, "marker": {"color": series.color, "size": 8}}
        trace |= {"error_y": _errors(series), "text": list(series.labels or [])}
        trace |= {"textposition": _TEXT_POSITIONS[series.label_side], "cliponaxis": False}
    else:
        dash = "dash" if series.dashed else "solid"
        shape = "hvh" if series.kind == "steps" else "linear"
        trace |= {"type": "scatter", "mode": "lines"}
        trace |= {"line": {"color": series.color, "width": 2, "dash": dash, "shape": shape}}
    if series.low is not None and series.high is not None:
        trace["customdata"] = [[_plain(a), _plain(b)] for a, b in zip(series.low, series.high, strict=True)]
        if series.kind in ("line", "steps"):
            return [*_band(series), trace]
    return [trace]


def _band(series: Series) -> list[dict[str, Any]]:
    """The band of a line: its lower edge unseen, its upper edge filled down to it."""
    edge = {
        "type": "scatter", "mode": "lines", "line": {"width": 0, "color": series.color}, "hoverinfo": "skip",
        "showlegend": False, "x": [_plain(v) for v in series.x],
    }  # fmt: skip
    red, green, blue = (int(series.color[i : i + 2], 16) for i in (1, 3, 5))
    fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.2)"}
    low, high = series.low or (), series.high or ()
    return [edge | {"y": [_plain(v) for v in low]}, edge | {"y": [_plain(v) for v in high]} | fill]


def _interval_text(series: Series) -> str:
    if series.low is None or series.high is None:
        return ""
    return f" ({series.bounds}: " + "%{customdata[0]:.4~g} to %{customdata[1]:.4~g})"


def _errors(series: Series) -> dict[str, Any]:
    if series.low is None or series.high is None:
        return {"visible": False}
    above = [_gap(high, y) for y, high in zip(series.y, series.high, strict=True)]
    below = [_gap(y, low) for y, low in zip(series.y, series.low, strict=True)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5, "width": 4}


def _gap(top: float | None, bottom: float | None) -> float:
    return 0.0 if top is None or bottom is None else max(0.0, float(top) - float(bottom))


def _shape(mark: Mark) -> dict[str, Any]:
    across = {"xref": "paper", "x0": 0, "x1": 1, "y0": mark.at, "y1": mark.at}
    upright = {"yref": "paper", "y0": 0, "y1": 1, "x0": mark.at, "x1": mark.at if mark.until is None else mark.until}
    place = across if mark.axis == "y" else upright
    if mark.until is not None:
        return place | {"type": "rect", "fillcolor": NEUTRAL, "opacity": 0.15, "line": {"width": 0}, "layer": "below"}
    return place | {"type": "line", "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}


def _annotation(mark: Mark, panel: Panel) -> dict[str, Any]:
    at = math.log10(mark.at) if mark.axis == "x" and panel.x_log and mark.at > 0 else mark.at
    common = {"text": mark.label, "showarrow": False, "font": {"size": 11}}
    if mark.axis == "y":
        return common | {"xref": "paper", "x": 1, "xanchor": "right", "y": at, "yanchor": "bottom"}
    return common | {"yref": "paper", "y": 1, "yanchor": "top", "x": at, "xanchor": "left"}


def _huge(values: Sequence[float | None]) -> bool:
    return max((abs(v) for v in values if v is not None), default=0) >= 1e5


def _plain(value: Any) -> Any:
    """Rounded to six significant digits, so that the page stays small; None for what isn't finite."""
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None
