"""Turns a panel of a chart description into Plotly's data and layout; colours of the page are set in the page."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from assay.report.chart import NEUTRAL, Axis, Edge, Mark, Panel, Series, Side
from assay.report.colors import text_color
from assay.report.free_labels import free_labels
from assay.report.spots import spots

_BAR_GAP = 0.28
_ROW = 14
_STANDOFF = 8
_LINES = {"x": 28, "y": 20}
"""Characters of an axis' title beside each other: four panels of a page 1,280 px wide hold so many, and its height."""
_TEXT_POSITIONS = {"above": "top center", "below": "bottom center", "left": "middle left", "right": "middle right"}
_BESIDE: dict[Side, dict[str, Any]] = {
    "above": {"xanchor": "center", "yanchor": "bottom", "yshift": 4},
    "below": {"xanchor": "center", "yanchor": "top", "yshift": -4},
    "left": {"xanchor": "right", "yanchor": "middle", "xshift": -6},
    "right": {"xanchor": "left", "yanchor": "middle", "xshift": 6},
}


def plotly_figure(panel: Panel) -> dict[str, Any]:
    """Data and layout of one panel, as plain data for `Plotly.newPlot`."""
    traces = [trace for series in panel.series for trace in _traces(series, panel)]
    shapes, annotations = [], []
    for mark in panel.marks:
        edge = panel.edge(mark)
        if edge is not None:
            traces.append(_beyond(mark, panel, edge))
            continue
        shapes.append(_shape(mark, panel))
        if mark.axis == "x":
            annotations.append(_annotation(mark, panel))
    bars = any(series.kind == "bars" for series in panel.series)
    annotations += [*_bar_labels(panel), *_free_labels(panel), *_arrows(panel)]
    number: dict[str, Any] = {"automargin": True, "separatethousands": True}
    x_axis = number | {"title": _axis_title("x", panel.x_label), "type": _x_type(panel)}
    if panel.x_range is not None:
        x_axis["range"] = [_plain(end) for end in panel.x_range]
    if panel.ticks:
        x_axis |= {"tickmode": "array", "tickvals": [at for at, _ in panel.ticks]}
        x_axis["ticktext"] = [text for _, text in panel.ticks]
    y_axis = number | {"title": _axis_title("y", panel.y_label)}
    if panel.y_share:
        y_axis |= {"tickformat": ".0%", "range": [0, 1.02]}
    elif panel.from_zero:
        y_axis["range"] = [0, _plain(panel.top)]
    layout = {
        "xaxis": x_axis,
        "yaxis": y_axis,
        "barmode": "group",
        "bargap": _BAR_GAP,
        "bargroupgap": 0.06,
        "hovermode": "closest" if bars or panel.categorical else "x unified",
        "showlegend": panel.several
        or any(mark.label and (mark.axis == "y" or panel.edge(mark) is not None) for mark in panel.marks),
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
            "font": {"size": 11},
        },
        "margin": {"l": 56, "r": 12, "t": 28, "b": 48},
        "shapes": shapes,
        "annotations": annotations,
    }
    figure = {"data": traces, "layout": layout}
    return _sideways(figure) if panel.sideways else figure


def _axis_title(axis: Axis, label: str) -> dict[str, Any]:
    """In lines that are short enough for the narrowest panel: Plotly cuts what is longer than its axis."""
    return {"text": "<br>".join(textwrap.wrap(label, _LINES[axis], break_on_hyphens=False)), "standoff": _STANDOFF}


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
        shape.pop("showlegend", None)
    layout["showlegend"] = any(trace.get("showlegend") for trace in figure["data"])
    layout["annotations"] = [
        {
            "text": label, "x": 1, "xref": "paper", "xanchor": "left", "xshift": 4, "y": name, "yref": "y",
            "showarrow": False,
        }
        for trace in figure["data"]
        for name, label in zip(trace["y"], trace.pop("text", ()), strict=False)
    ]  # fmt: skip
    layout["margin"] |= {"r": 64}
    for trace in figure["data"]:
        trace["mode"] = "markers"
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
        "showlegend": bool(series.name) and panel.several,
        "x": [_plain(v) for v in series.x],
        "y": [_plain(v) for v in series.y],
        "hovertemplate": hover
        + ("%{customdata}" if series.low is not None and series.high is not None else "")
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
        if series.labels and panel.labelled:
            colors = series.colors or [series.color] * len(series.x)
            # Labels on top stand above their error bars, which are those of one series only.
            alone = sum(one.kind == "bars" for one in panel.series) == 1
            above = "none" if alone else "outside"
            positions = ["none" if s.beside else "inside" if s.inside else above for s in spots(series)]
            trace |= {"text": list(series.labels), "textposition": positions}
            trace |= {"insidetextanchor": "start", "textangle": 0, "constraintext": "none"}
            trace |= {"insidetextfont": {"size": 11, "color": [text_color(color) for color in colors]}}
    elif series.kind == "points":
        marker = {"color": series.color, "size": 8} | (
            {"symbol": "circle-open", "line": {"width": 2}} if series.hollow else {}
        )
        trace |= {"type": "scatter", "mode": "markers", "marker": marker, "error_y": _errors(series)}
        if series.labels and series.label_side is not None:
            trace |= {"mode": "markers+text", "text": list(series.labels), "cliponaxis": False}
            trace |= {"textposition": _TEXT_POSITIONS[series.label_side]}
    else:
        dash = "dash" if series.dashed else "solid"
        shape = "hvh" if series.kind == "steps" else "linear"
        trace |= {"type": "scatter", "mode": "lines"}
        trace |= {"line": {"color": series.color, "width": 2, "dash": dash, "shape": shape}}
    if series.name and series.colors:
        trace["showlegend"] = False
    if series.low is not None and series.high is not None:
        trace["customdata"] = _interval_texts(series)
        if series.kind in ("line", "steps"):
            return [*_band(series), trace]
    return [_swatch(series), trace] if series.name and series.colors and panel.several else [trace]


def _swatch(series: Series) -> dict[str, Any]:
    """What the legend shows for bars of several colours: Plotly's own would be the first one's."""
    return {
        "type": "scatter", "mode": "markers", "name": series.name, "hoverinfo": "skip", "x": [series.x[0]], "y": [None],
        "marker": {"symbol": "square", "size": 12, "color": series.color},
    }  # fmt: skip


def _band(series: Series) -> list[dict[str, Any]]:
    """The band of a line: its lower edge unseen, its upper edge filled down to it."""
    edge = {
        "type": "scatter", "mode": "lines", "line": {"width": 0, "color": series.color}, "hoverinfo": "skip",
        "showlegend": False, "x": [_plain(v) for v in series.x],
    }  # fmt: skip
    red, green, blue = (int(series.color[i : i + 2], 16) for i in (1, 3, 5))
    fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.2)"}
    low, high = [_plain(v) for v, _ in series.band], [_plain(v) for _, v in series.band]
    return [edge | {"y": low}, edge | {"y": high} | fill]


def _interval_texts(series: Series) -> list[str]:
    """Each mark's interval in words, for who points at it; nothing where none is known."""
    return [
        "" if (low is None and high is None) else f" ({series.bounds}: {_bounds(low, high)})"
        for low, high in zip(series.low or (), series.high or (), strict=True)
    ]


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f"{low:.4g} or more"
    return f"{high:.4g} or less" if low is None else f"{low:.4g} to {high:.4g}"


def _errors(series: Series) -> dict[str, Any]:
    if series.low is None or series.high is None:
        return {"visible": False}
    reaches = [reach or (0.0, 0.0) for reach in series.reaches]
    above, below = [_plain(up) for _, up in reaches], [_plain(down) for down, _ in reaches]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5, "width": 4}


def _bar_labels(panel: Panel) -> list[dict[str, Any]]:
    """The labels of bars that have no room at their foot: Plotly would write them across their error bars."""
    bars = [series for series in panel.series if series.kind == "bars"]
    if len(bars) != 1 or not panel.labelled:
        return []
    (series,) = bars
    colors = series.colors or [series.color] * len(series.x)
    found = []
    for x, label, spot, color in zip(series.x, series.labels or (), spots(series), colors, strict=False):
        if spot.inside and not spot.beside:
            continue  # Plotly writes it
        font = {"size": 11, "color": text_color(color)} if spot.inside else {"size": 11}
        side = {"xanchor": "right", "xshift": -4} if spot.beside else {}
        found.append(
            {"text": label, "x": x, "y": spot.at, "yanchor": "bottom", "showarrow": False, "font": font} | side
        )
    return found


def _free_labels(panel: Panel) -> list[dict[str, Any]]:
    """Labels of points that stand where there is room: Plotly would write them across error bars."""
    return [
        {"text": own.text, "x": _plain(panel.measure(own.x)), "y": _plain(own.y), "showarrow": False}
        | _BESIDE[own.side]
        for own in free_labels(panel)
    ]


def _arrows(panel: Panel) -> list[dict[str, Any]]:
    """The sides of error bars that have no bound; those of bars get the page's colour of text, as their error bars."""
    bars = [series for series in panel.series if series.kind == "bars"]
    categories = list(dict.fromkeys(x for s in panel.series for x in s.x)) if panel.categorical else []
    found = []
    for series in panel.series:
        if series.kind not in ("bars", "points"):
            continue
        of_bars = series.kind == "bars"
        width = 1 - _BAR_GAP
        aside = width * ((bars.index(series) + 0.5) / len(bars) - 0.5) if of_bars else 0.0
        for place, upwards in series.open_sides:
            x, y = series.x[place], series.y[place] or 0.0
            at = categories.index(x) + aside if isinstance(x, str) else panel.measure(x)
            tip = y + panel.arrow if upwards else max(0.0, y - panel.arrow)
            arrow = {
                "text": "", "showarrow": True, "arrowhead": 2, "arrowwidth": 1.5, "x": _plain(at), "y": _plain(tip),
                "axref": "x", "ayref": "y", "ax": _plain(at), "ay": _plain(y),
            }  # fmt: skip
            found.append(arrow if of_bars else arrow | {"arrowcolor": series.color})
    return found


def _shape(mark: Mark, panel: Panel) -> dict[str, Any]:
    across = {"xref": "paper", "x0": 0, "x1": 1, "y0": mark.at, "y1": mark.at}
    upright = {"yref": "paper", "y0": 0, "y1": 1, "x0": mark.at, "x1": _plain(panel.end(mark))}
    place = across if mark.axis == "y" else upright
    if mark.until is not None:
        return place | {"type": "rect", "fillcolor": NEUTRAL, "opacity": 0.15, "line": {"width": 0}, "layer": "below"}
    line = {"type": "line", "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}
    named = {"showlegend": True, "name": mark.label} if mark.axis == "y" and mark.label else {}
    return place | line | named


def _beyond(mark: Mark, panel: Panel, edge: Edge) -> dict[str, Any]:
    """What the legend shows of a limit that lies beyond an edge of the picture."""
    marker = {"symbol": f"triangle-{'up' if edge == 'above' else edge}", "size": 9, "color": NEUTRAL}
    return {
        "type": "scatter", "mode": "markers", "name": panel.label(mark), "hoverinfo": "skip", "x": [None], "y": [None],
        "marker": marker,
    }  # fmt: skip


def _annotation(mark: Mark, panel: Panel) -> dict[str, Any]:
    right = panel.in_right_half(mark)
    at = panel.end(mark) if right else mark.at
    place = {"y": 0, "yanchor": "bottom"} if mark.until is None else {"y": 1, "yanchor": "top"}
    return place | {
        "text": mark.label, "showarrow": False, "font": {"size": 11}, "yref": "paper", "yshift": _ROW * mark.row,
        "x": _plain(panel.measure(at)) if at > 0 else at, "xanchor": "right" if right else "left",
    }  # fmt: skip


def _huge(values: Sequence[float | None]) -> bool:
    return max((abs(v) for v in values if v is not None), default=0) >= 1e5


def _plain(value: Any) -> Any:
    """Rounded to six significant digits, so that the page stays small; None for what isn't finite."""
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None
