"""The pages' HTML: places for what their script shows, and nothing of any campaign but its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files

import orjson
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from assay import __version__
from assay.report.plotly_file import compressed_plotly, packed_plotly
from assay.report.writer import page_style
from assay.watch.web.channel import whole_of
from assay.watch.web.parts import View

_SCRIPTS = ("live.js", "timeline.js")
_PLOTLY = f"plotly-{version('plotly')}.js"


@dataclass(frozen=True)
class Asset:
    """A file that pages load."""

    content: Callable[[], bytes]
    media_type: str
    headers: Mapping[str, str]


def index_page(results: str) -> str:
    """The page of all campaigns in a folder of this name."""
    return _render("index.html.j2", title=f"Campaigns in {results}")


def campaign_page(campaign: str, run: str | None) -> str:
    """The page of a campaign, or of one run of it."""
    return _render("campaign.html.j2", title=run or campaign, run=run)


def saved_page(campaign: str, run: str | None, view: View) -> str:
    """A campaign's page as one file that shows what there was to see at one moment, and loads nothing."""
    # In a script element only "</" and "<!--" could end it early; inside JSON strings "<" may be written escaped.
    data = orjson.dumps(whole_of(view)).decode().replace("<", "\\u003c")
    return _render("campaign.html.j2", title=run or campaign, run=run, saved=Markup(data))  # noqa: S704 - escaped above


def _render(template: str, title: str, run: str | None = None, saved: Markup | None = None) -> str:
    return _environment().get_template(template).render(
        title=title, run=run, saved=saved, version=__version__, plotly=_PLOTLY, scripts=_SCRIPTS,
        root="../../../../" if run else "../../", asset=lambda name: Markup(_text(name)),  # noqa: S704 - our own files
        packed_plotly=lambda: Markup(packed_plotly()),  # noqa: S704
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _text(name: str) -> str:
    if name == "page.css":
        return page_style()
    return files("assay.watch.web").joinpath("templates", name).read_text(encoding="utf-8")


def _own(name: str, media_type: str) -> Asset:
    return Asset(lambda: _text(name).encode(), media_type, {"cache-control": "no-cache"})


ASSETS = {
    **{name: _own(name, "text/javascript") for name in _SCRIPTS},
    **{name: _own(name, "text/css") for name in ("page.css", "watch.css")},
    _PLOTLY: Asset(
        compressed_plotly, "text/javascript",
        {"content-encoding": "gzip", "cache-control": "private, max-age=31536000, immutable"},
    ),
}  # fmt: skip
