"""The documentation builds as a site without a warning, tells of each command and key, loads nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click
import pytest
from mkdocs.exceptions import PluginError
from scripts.docs_site.hooks import _on_site
from tests.recipes import ROOT

from assay.commands.main import COMMANDS, main
from assay.commands.schema import config_schema


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """What a browser fetches by itself when it shows a page: all but where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.places += [value for name, value in attributes if name in ("src", "href", "srcset") and value]


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        assert loaded.places
        assert [place for place in loaded.places if "//" in place] == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_every_command_is_in_the_reference(site: Path) -> None:
    page = (site / "reference/commands.html").read_text(encoding="utf-8")
    context = click.Context(main)
    for name in COMMANDS:
        assert f'id="assay-{name}"' in page
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            assert all(f'id="assay-{name}-{inner}"' in page for inner in command.list_commands(context))
        for option in (each for each in command.params if isinstance(each, click.Option)):
            assert f"<code>{option.opts[0]}" in page


def test_every_key_is_in_the_reference_and_every_section_is_led_to(site: Path) -> None:
    page = (site / "reference/configuration.html").read_text(encoding="utf-8")
    schema = config_schema()
    sections: list[dict[str, Any]] = [schema, *schema["$defs"].values()]
    keys = {key for section in sections for key in section.get("properties", {})}
    assert len(keys) > 150
    assert {key for key in keys if f"<td><code>{key}</code></td>" not in page} == set()
    anchors = re.findall(r'<h2 id="([^"]+)"', page)
    led_to = set(re.findall(r'<td>.*?href="#([^"]+)"', page))
    assert led_to <= set(anchors)
    assert {anchor for anchor in anchors if re.search(r"_\d+$", anchor)} == set(), "two sections of one name"


def test_editors_can_have_the_schema_from_the_site(site: Path) -> None:
    assert json.loads((site / "assay.schema.json").read_text(encoding="utf-8")) == config_schema()


@pytest.mark.parametrize(
    ("link", "document", "page", "place"),
    [
        ("data.md", "docs/clusters.md", "clusters.md", "data.md"),
        ("../SECURITY.md", "docs/reliability.md", "reliability.md", "security.md"),
        ("docs/bench.md", "README.md", "index.md", "bench.md"),
        ("../clusters.md", "docs/tutorials/slurm.md", "tutorials/slurm.md", "../clusters.md"),
        ("../src/assay/examples/first-run.yaml", "docs/a.md", "a.md", "examples/first-run.yaml"),
    ],
)
def test_links_between_files_become_links_between_pages(link: str, document: str, page: str, place: str) -> None:
    assert _on_site(link, document, page) == place


def test_a_link_that_leads_out_of_the_site_ends_the_build() -> None:
    with pytest.raises(PluginError, match=r"docs/a\.md: the link to \.\./pyproject\.toml leads out"):
        _on_site("../pyproject.toml", "docs/a.md", "a.md")
