"""Headless Chromium for tests of pages, and axe-core."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENS = {"desktop": (1280, 900), "phone": (390, 844)}
_AXE = Path(__file__).parents[1] / ".test-tools"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


def violations(page: Any) -> list[tuple[str, str, str]]:
    """What axe-core finds on a page that was opened without its Content-Security-Policy: how grave, rule, where."""
    (axe,) = list(_AXE.glob("axe-*.min.js")) or [None]
    if axe is None:
        pytest.skip(f"no axe-core in {_AXE} (make test-setup fetches it)")
    page.evaluate(axe.read_text())
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [(each["impact"], each["id"], each["nodes"][0]["html"]) for each in found]
