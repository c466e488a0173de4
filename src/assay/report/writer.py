"""Writes a page: `report.html`, `report.md` and the PNGs of its charts. The same page gives the same bytes."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import orjson
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from assay import __version__
from assay.report.interactive import plotly_figure
from assay.report.page import Page
from assay.report.plotly_file import packed_plotly, write_plotly
from assay.report.png import Pictures
from assay.report.terms import Terms
from assay.runs.atomic import write_bytes, write_text
from assay.runs.folder import ReportFolder


def write_page(page: Page, folder: Path, *, single_file: bool = False) -> list[Path]:
    """Write the page into `folder`, with a PNG of each of its charts. Returns what it wrote.

    The HTML file comes last: where it is, the report is whole. Its charts are drawn by a script that a campaign's pages
    share, or, with `single_file`, by one within it.
    """
    files = ReportFolder(folder)
    files.charts.mkdir(parents=True, exist_ok=True)
    every = {chart.name: chart for chart in (*page.charts, *page.pictures)}.values()
    pictures, written = Pictures(list(every), "; ".join(words for words in (page.subject, page.banner) if words)), []
    for chart in every:
        path = files.charts / f"{chart.name}.png"
        write_bytes(path, pictures.draw(chart))
        written.append(path)
    write_text(files.markdown, page_markdown(page))
    address = write_plotly(folder) if page.charts and not single_file else ""
    write_text(files.html, page_html(page, address))
    return [*written, files.markdown, files.html]


def page_html(page: Page, plotly: str = "") -> str:
    """The page as HTML. `plotly` is the address of the charts' script; where there is none, it is within the page."""
    figures = {
        f"{chart.name}-{place}": plotly_figure(panel)
        for chart in page.charts
        for place, panel in enumerate(chart.panels, start=1)
    }
    # In a script element only "</" and "<!--" could end it early; inside JSON strings "<" may be written escaped.
    data = orjson.dumps(figures).decode().replace("<", "\\u003c")
    return (
        _environment(escape=True)
        .get_template("page.html.j2")
        .render(
            page=page,
            version=__version__,
            style=Markup(_asset("page.css")),  # noqa: S704 - the package's own files
            script=Markup(_asset("page.js")),  # noqa: S704
            charts_script=Markup(_asset("charts.js")),  # noqa: S704
            words=Terms(),
            plotly=plotly,
            packed_plotly=Markup(packed_plotly()) if figures and not plotly else "",  # noqa: S704
            figures=Markup(data) if figures else "",  # noqa: S704 - escaped above
        )
    )


def page_style() -> str:
    """The style sheet of all pages."""
    return _asset("page.css")


def page_scripts() -> list[str]:
    """The scripts of a page, as they stand in their elements; the last one holds another, which is run from a blob."""
    return [_asset("page.js"), _asset("charts.js"), packed_plotly()]


def page_markdown(page: Page) -> str:
    """The page as Markdown."""
    text = _environment(escape=False).get_template("page.md.j2").render(page=page)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment(escape: bool) -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=escape,  # noqa: S701 - Markdown's own escaping is `finalize`
        finalize=None if escape else _plain,
        undefined=StrictUndefined,
        trim_blocks=escape,
    )
    environment.filters["css_string"] = _css_string
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    environment.filters["typed"] = _typed
    environment.filters["quote"] = lambda text: "\n".join(f"> {line}" for line in text.splitlines())
    return environment


def _css_string(text: str) -> Markup:
    """Text inside a quoted CSS string: everything but letters, digits and plain marks as an escape."""
    return Markup("".join(c if c.isalnum() or c in " .,;:-()" else f"\\{ord(c):x} " for c in text))  # noqa: S704


def _plain(value: object) -> object:
    """No text of a run may become HTML in a Markdown viewer."""
    return value.replace("<", "&lt;") if isinstance(value, str) and not isinstance(value, Markup) else value


def _typed(text: str) -> str:
    """Between the only two backticks of a paragraph Markdown takes every sign as it is, and a command is as typed."""
    parts = text.split("`")
    if len(parts) != 3:
        return text
    before, after = (part.replace("<", "&lt;") for part in (parts[0], parts[2]))
    return Markup(f"{before}`{parts[1]}`{after}")  # noqa: S704 - escaped as `_plain` does


def _asset(name: str) -> str:
    return files("assay.report").joinpath("templates", name).read_text(encoding="utf-8")
