"""`assay watch --web` in headless Chromium, on a live load whose endpoint dies and comes back.

Nothing here depends on how fast anything is: the test waits for what the page shows before it does the next thing.
Screenshots are kept in the folder that ASSAY_SCREENSHOTS names, if it is set.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.browsing import SCREENS, chromium, violations
from tests.following import begin, campaign, entry, progress, sample, sketch
from tests.simulated import make_plan, simulators
from tests.synthetic import Node, Plan, write_campaign

from assay.campaign.load_process import run_load
from assay.load.plan import LoadPlan
from assay.report import CampaignPages
from assay.runs import RunFolder, RunStatus

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

NAME = "20260101T000000Z-live"
PATIENCE_MS = 120_000
SEEN_POINTS = """() => document.getElementById("timeline").data
    .filter(trace => trace.mode.includes("markers"))
    .map(trace => trace.y.map((value, place) => trace.marker.size[place] ? Math.round(value / 5) * 5 : null))"""
"""The values that are drawn as points, of each line that has any; latencies are known within 2 %."""
SLOW = ("--ttft-ms", "50", "--itl-ms", "5", "--output-tokens", "8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@contextmanager
def watching(results: Path, *options: str) -> Iterator[str]:
    """The pages' address, as `assay watch --web` prints it; Ctrl-C ends it well, and it says nothing more."""
    command = [sys.executable, "-m", "assay.commands.main", "watch", "--web", "--output", str(results), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert address.startswith("http"), address
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    said = process.stdout.read()
    assert (code, said) == (0, "Ctrl-C ends the pages; the campaign goes on.\n")


@contextmanager
def load(plan: LoadPlan, folder: RunFolder) -> Iterator[None]:
    """Under way until the test has seen enough."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(run_load(plan, folder, 280, lambda event: None))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(60)


@contextmanager
def opened(browser: Any, address: str, screen: str = "desktop", scheme: str = "light", **context: Any) -> Iterator[Any]:
    width, height = SCREENS[screen]
    own = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **context
    )
    page = own.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.complaints = []
    page.requests = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(address)
    yield page
    own.close()


def live(page: Any) -> None:
    page.locator("#state", has_text="Live").wait_for(timeout=PATIENCE_MS)


def happened(page: Any) -> list[tuple[int, str]]:
    """When by the run's own clock, ns, and what; the oldest first."""
    rows = page.locator('table[data-rows="happened"] tbody tr').all()
    found = [(int(row.get_attribute("data-key").partition(" ")[0]), row.locator("td").inner_text()) for row in rows]
    return sorted(found)


def seen(page: Any, words: str) -> str:
    """Waits until the page tells it; how long after the run's own line of it."""
    page.locator('table[data-rows="happened"] td', has_text=words).first.wait_for(timeout=PATIENCE_MS)
    told_ns = next(when for when, what in reversed(happened(page)) if words in what)
    return f"{words}: seen {time.time() - told_ns / 1e9:.1f} s after the run told it"


def test_a_page_sees_an_endpoint_die_and_come_back(browser: Any, tmp_path: Path) -> None:
    folder = campaign(tmp_path / "results" / NAME, [entry(0, "run-0"), entry(1)])
    run, port = folder.run("run-0"), free_port()
    mortal = tmp_path / "mortal"
    mortal.mkdir()
    with ExitStack() as stack:
        (stays,) = stack.enter_context(simulators(tmp_path, [SLOW]))
        urls = [stays, f"http://127.0.0.1:{port}"]
        plan = make_plan(run.path, urls, samples=20_000, window=4, max_attempts=10)
        address = stack.enter_context(watching(tmp_path / "results", "--port", "0"))
        early = stack.enter_context(opened(browser, f"{address}campaigns/{NAME}/"))
        state = early.locator('table[data-rows="endpoints"] tbody tr', has_text="sim1").locator("td").first
        with simulators(mortal, [(*SLOW, "--port", str(port))]):
            stack.enter_context(load(plan, run))
            expect(state).to_have_text("in service", timeout=PATIENCE_MS)
            live(early)
            assert happened(early) == []
        expect(state).to_have_text("out of service", timeout=PATIENCE_MS)
        print(seen(early, "sim1 out of service"))
        late = stack.enter_context(opened(browser, f"{address}campaigns/{NAME}/runs/run-0/"))
        print(seen(late, "sim1 out of service"))
        (mortal / "port-0").unlink()
        stack.enter_context(simulators(mortal, [(*SLOW, "--port", str(port))]))
        expect(state).to_have_text("in service", timeout=PATIENCE_MS)
        for page in (early, late):
            print(seen(page, "sim1 back after"))
            first, second = happened(page)[:2]
            assert first[1] == "sim1 out of service"
            assert second[1].startswith("sim1 back after ")
            assert first[0] < second[0]
            page.locator("html[data-charts=drawn]").wait_for(timeout=PATIENCE_MS)
            assert page.complaints == []
            assert all(asked.startswith(address) for asked in page.requests)
            keep(page, f"live-{'early' if page is early else 'late'}")


def test_a_page_says_that_it_is_not_live_and_finds_back(browser: Any, tmp_path: Path) -> None:
    folder = campaign(tmp_path / NAME, [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    port = str(free_port())
    with ExitStack() as stack:
        with watching(tmp_path, "--port", port) as address:
            page = stack.enter_context(opened(browser, f"{address}campaigns/{NAME}/"))
            live(page)
        page.locator("#state", has_text="Not live since").wait_for(timeout=PATIENCE_MS)
        expect(page.locator("[data-progress] .text")).to_have_text("40/1,000 samples", timeout=PATIENCE_MS)  # as it was
        begin(folder, "run-0", progress(3, 100))
        with watching(tmp_path, "--port", port):
            live(page)
            expect(page.locator("[data-progress] .text")).to_have_text("100/1,000 samples", timeout=PATIENCE_MS)


def test_who_has_the_token_looks_and_nobody_else(browser: Any, tmp_path: Path) -> None:
    campaign(tmp_path / NAME, [entry(0)])
    with watching(tmp_path, "--port", "0", "--host", "0.0.0.0") as address:
        parts = urlsplit(address)
        token = parse_qs(parts.query)["token"][0]
        here = f"http://127.0.0.1:{parts.port}/"
        with opened(browser, here) as page:
            assert "with its token" in page.inner_text("body")
        with opened(browser, f"{here}?token={token}") as page:
            live(page)
            assert page.url == here
            assert token not in page.content()
            assert page.evaluate("document.cookie") == ""
            page.get_by_role("link", name="two nodes").click()
            live(page)
        listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert "--host 0.0.0.0" in listed
        assert token not in listed


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with a campaign that is over, its reports, and one that goes on with nodes that tell of themselves."""
    results = tmp_path_factory.mktemp("results")
    alone = {f"alone-{name}-r0": Plan(nodes=(Node(f"node-{name}"),), samples=200) for name in "ab"}
    over = write_campaign(results, alone)
    pages = CampaignPages(over)
    for started in pages.started:
        pages.render_run(started)
    pages.render()
    folder = campaign(results / NAME, [entry(0, "run-0", RunStatus.FAILED), entry(1, "run-1"), entry(2)])
    told = [progress(second, 40 * second, out=("node-b",) * (second == 3)) for second in range(1, 9)]
    begin(folder, "run-1", *told)
    nodes = [(node, f"gpu0_{metric}", at_s, 90.0 + at_s) for node in ("node-a", "node-b") for at_s in range(9)
             for metric in ("power_w", "utilization_percent")]  # fmt: skip
    sample(folder, "run-1", *nodes)
    folder.run("run-1").driver_log.write_text("<img src=x onerror=alert(1)> " + "long " * 60 + "\n")
    return results


@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_pages_fit_their_screen_and_keep_nobody_out(browser: Any, finished: Path, screen: str, scheme: str) -> None:
    with watching(finished, "--port", "0") as address:
        for place in ("", f"campaigns/{NAME}/"):
            with opened(browser, address + place, screen, scheme, bypass_csp=True) as page:
                live(page)
                if place:
                    page.locator("html[data-charts=drawn]").wait_for(timeout=PATIENCE_MS)
                assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen][0]
                assert violations(page) == []
                keep(page, f"{'campaign' if place else 'index'}-{screen}-{scheme}")


def test_reports_are_reached_by_the_keyboard_and_drawn(browser: Any, finished: Path) -> None:
    with watching(finished, "--port", "0") as address, opened(browser, f"{address}campaigns/campaign/") as page:
        live(page)
        page.get_by_role("link", name="report", exact=True).first.focus()
        page.keyboard.press("Enter")
        page.locator(".plot").first.scroll_into_view_if_needed(timeout=PATIENCE_MS)
        page.locator(".plot .main-svg").first.wait_for(timeout=PATIENCE_MS)
        assert "Another version" not in page.inner_text("body")
        assert page.complaints == []
        assert page.url == f"{address}campaigns/campaign/runs/alone-a-r0/report.html"


def test_a_saved_page_stands_alone(browser: Any, finished: Path, tmp_path: Path) -> None:
    with watching(finished, "--port", "0") as address, opened(browser, f"{address}campaigns/{NAME}/") as page:
        live(page)
        with page.expect_download() as download:
            page.get_by_role("link", name="Save this page").click()
        download.value.save_as(tmp_path / "saved.html")
    with opened(browser, (tmp_path / "saved.html").as_uri(), offline=True) as page:
        page.locator("html[data-charts=drawn]").wait_for(timeout=PATIENCE_MS)
        assert "Saved" in page.locator("#state").inner_text()
        assert "node-b out of service" in page.locator("main").inner_text()
        assert "<img src=x" in page.locator(".log").inner_text()
        assert page.locator("img").count() == 0
        assert page.complaints == []
        assert len(page.requests) == 1


def test_an_answer_between_seconds_without_any_is_seen(browser: Any, tmp_path: Path) -> None:
    """No line leads to its latency or from it."""
    folder = campaign(tmp_path / "results" / NAME, [entry(0, "run-0")])
    told = [progress(at_s, at_s // 30, ttft=sketch(*[20_000_000] * (at_s // 30))) for at_s in (1, 15, 30, 45)]
    begin(folder, "run-0", *told)
    page_of = f"campaigns/{NAME}/"
    with watching(folder.path.parent, "--port", "0") as address, opened(browser, f"{address}{page_of}") as page:
        page.locator("html[data-charts=drawn]").wait_for(timeout=PATIENCE_MS)
        assert page.evaluate(SEEN_POINTS) == [[None, 20, None]]


def free_port() -> int:
    """One that stays free while nobody listens there: Linux gives outgoing connections those from 32768 on."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


def keep(page: Any, name: str) -> None:
    if folder := os.environ.get("ASSAY_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"watch-{name}.png", full_page=True)
