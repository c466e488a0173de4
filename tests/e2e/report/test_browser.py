"""Report pages in headless Chromium: no errors, no requests but for the charts' script beside them, values on hover and
in tables, nothing wider than the screen, and nothing that axe-core finds to keep anyone out.

Screenshots are kept in the folder that ASSAY_SCREENSHOTS names, if it is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.browsing import SCREENS, chromium, violations
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.report import render_campaign, render_comparison, render_index, render_run
from assay.report.chart import NEUTRAL, Chart, Panel, Series
from assay.report.page import Page, Section, Table
from assay.report.writer import write_page
from assay.runs import RunStatus, read_campaign, read_record, write_json
from assay.runs.index import Filter, index
from assay.runs.manifest import write_run_manifest
from assay.runs.shapes import ConcurrencyShape

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each kind of page, by name."""
    folder = tmp_path_factory.mktemp("pages")
    both = (Node("node-a"), Node("node-b", throttle_from=0.5))
    plan = Plan(samples=600, nodes=both)
    run = write_run(folder, replace(plan, run_id="run"))
    other = write_run(folder, replace(plan, run_id="other", seed=2))
    write_json(run.result, summarise(run))
    write_run_manifest(run, "0" * 64)  # its hash is a word of 64 letters
    alone = replace(plan, samples=200, chunks=False, telemetry=False)
    plans = {f"alone-{n.name}-r0": replace(alone, nodes=(n,)) for n in both} | {"together-2-r0": alone}
    campaign = write_campaign(folder / "campaigns", plans)
    report = render_campaign(campaign)
    assert report is not None
    render_comparison([run, other], out=folder / "comparison")
    render_index(index(folder / "campaigns", Filter())[0], folder / "campaigns" / "index.html")
    return {
        "run": render_run(run),
        "campaign": report,
        "comparison": folder / "comparison" / "report.html",
        "index": folder / "campaigns" / "index.html",
        "bench": _bench(folder, alone),
        "sweep": _campaign(folder, "sweep", {f"server-{rate}-r0": _server(alone, rate) for rate in (2, 8)}),
        "failed": _failed(folder, alone),
        "official": _campaign(folder, "official", _official(alone)),
    }


def _campaign(folder: Path, kind: str, plans: dict[str, Plan]) -> Path:
    report = render_campaign(write_campaign(folder / kind, plans, kind))
    assert report is not None
    return report


def _official(plan: Plan) -> dict[str, Plan]:
    """As the rules ask, but for an accuracy run that no reference is known for."""
    ruled = replace(plan, official=True)
    return {"offline-r0": ruled, "accuracy-r0": replace(ruled, mode="accuracy")}


def _server(plan: Plan, rate: float) -> Plan:
    return replace(plan, scenario="Server", qps=rate, nodes=plan.nodes[:1])


def _bench(folder: Path, plan: Plan) -> Path:
    """Loads of so many in flight, as the pacer would have recorded them."""
    loads = {f"load-{count}-r0": ConcurrencyShape(concurrency=count) for count in (4, 16)}
    plans = {key: replace(plan, scenario="Concurrency", nodes=plan.nodes[:1]) for key in loads}
    campaign = write_campaign(folder / "bench", plans, "bench")
    state = read_campaign(campaign)
    for entry in state.runs:
        entry.shape = loads[entry.key]
        run = campaign.run(entry.run or "")
        write_json(run.record, read_record(run).model_copy(update={"shape": entry.shape, "driver": "pacer"}))
    write_json(campaign.state, state)
    report = render_campaign(campaign)
    assert report is not None
    return report


def _failed(folder: Path, plan: Plan) -> Path:
    """A run of which only its logs can say why."""
    campaign = write_campaign(
        folder / "failed", {"offline-r0": replace(plan, lost=5, status=RunStatus.FAILED)}, "single"
    )
    run = campaign.run("offline-r0")
    reason = "every endpoint failed: node-a: HTTP 500\nlast lines of driver.log:\n  out of memory"
    write_json(run.record, read_record(run).model_copy(update={"reason": reason}))
    run.driver_log.write_text("out of memory\n" + "/a/path/that/has/no/place/where/a/line/may/end" * 4)
    return render_run(run)


NAMES = ("run", "campaign", "comparison", "index", "bench", "sweep", "failed", "official")


class Visit:
    """A page opened offline, with everything that it complained about or asked for."""

    def __init__(
        self, browser: Any, path: Path, screen: str = "desktop", scheme: str = "light", *, bypass_csp: bool = False
    ) -> None:
        width, height = SCREENS[screen]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, reduced_motion="reduce",
            bypass_csp=bypass_csp,
        )  # fmt: skip
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.resolve().as_uri())

    def draw_all(self) -> None:
        """Bring every chart into view."""
        for plot in self.page.locator(".plot").all():
            plot.scroll_into_view_if_needed()
            plot.locator(".main-svg").first.wait_for(timeout=120_000)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_pages_open_without_error_or_request(
    browser: Any, pages: dict[str, Path], name: str, screen: str, scheme: str
) -> None:
    with Visit(browser, pages[name], screen, scheme) as visit:
        asked = [request.rsplit("/", 2)[-2:] for request in visit.requests[1:] if not request.startswith("blob:")]
        assert visit.requests[0] == pages[name].resolve().as_uri()
        assert all(folder == "charts" and script.startswith("plotly-") for folder, script in asked), asked
        assert len(asked) == (name not in ("index", "failed"))  # which have no charts
        visit.page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SCREENS[screen][0]  # tables scroll inside their own region, the page doesn't
        assert visit.page.locator("h1").count() == 1
        assert visit.page.locator("main").count() == 1
        for landmark in ("header", "main", "footer"):
            assert visit.page.locator(landmark).first.is_visible()
        visit.draw_all()
        assert visit.complaints == []
        picture = visit.page.screenshot(full_page=True)
        assert picture.startswith(b"\x89PNG")
        if folder := os.environ.get("ASSAY_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{name}-{screen}-{scheme}.png").write_bytes(picture)


def test_charts_are_drawn_as_they_come_into_view_and_all_of_them_for_paper(
    browser: Any, pages: dict[str, Path]
) -> None:
    drawn = "() => [...document.querySelectorAll('.plot')].map(p => p.querySelector('.main-svg') !== null)"
    with Visit(browser, pages["run"], scheme="dark") as visit:
        visit.page.locator(".plot .main-svg").first.wait_for(timeout=120_000)
        last = visit.page.locator(".plot").last
        assert visit.page.evaluate(drawn)[-1] is False
        last.scroll_into_view_if_needed()
        last.locator(".main-svg").first.wait_for(timeout=120_000)
        between = visit.page.evaluate(drawn)
        assert between.count(False) > 5  # what was only passed isn't drawn
        visit.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        assert all(visit.page.evaluate(drawn))
        ink = "p => getComputedStyle(p.querySelector('.xtick text')).fill"
        assert set(visit.page.evaluate(f"() => [...document.querySelectorAll('.plot')].map({ink})")) == {"rgb(0, 0, 0)"}
        visit.page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
        light = "() => getComputedStyle(document.documentElement).getPropertyValue('--fg').trim()"
        fills = set(visit.page.evaluate(f"() => [...document.querySelectorAll('.plot')].map({ink})"))
        assert fills == {_rgb(visit.page.evaluate(light))}


_BROKEN = """([cells, words]) => {
    const found = [];
    for (const cell of document.querySelectorAll(cells)) {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            for (const word of walker.currentNode.data.matchAll(new RegExp(words, "g"))) {
                const range = document.createRange();
                range.setStart(walker.currentNode, word.index);
                range.setEnd(walker.currentNode, word.index + word[0].length);
                if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) { found.push(word[0]); }
            }
        }
    }
    return found;
}"""


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_table_is_broken(browser: Any, pages: dict[str, Path], name: str) -> None:
    with Visit(browser, pages[name]) as visit:
        assert visit.page.evaluate(_BROKEN, ["td, tbody th", "[A-Za-z]{2,20}"]) == []


def test_no_number_of_a_card_is_broken(browser: Any, tmp_path: Path) -> None:
    """Beside a name that takes more than the line: on a phone rows are cards."""
    name = f"CPU seconds a second of its {'busiest ' * 3}process"
    wide = Table("Wide", ("Run", name, *"abcd"), [("4 in flight", "0.0412", *"1234")], numeric=frozenset({1}))
    page = Page("t", "w", [], "", "none", [], [], [], [Section("s", "Section", [wide])])
    write_page(page, tmp_path)
    with Visit(browser, tmp_path / "report.html", "phone") as visit:
        assert visit.page.locator(".cards td.n").count() == 1
        assert visit.page.evaluate(_BROKEN, [".cards td.n", "[0-9.]+"]) == []


def test_labels_that_narrow_bars_do_not_hold_are_left_to_the_table(browser: Any, tmp_path: Path) -> None:
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    bars = [Series(name, "bars", names, [38.8] * 4, NEUTRAL, labels=["38.80"] * 4) for name in ("run", "reference")]
    chart = Chart("scores", "Scores", [Panel("Scores", "", "%", bars)], "Scores.", "")
    write_page(Page("t", "w", [], "", "none", [], [], [], [Section("s", "Section", [chart])]), tmp_path)
    shown = {}
    for screen in SCREENS:
        with Visit(browser, tmp_path / "report.html", screen) as visit:
            visit.draw_all()
            shown[screen] = visit.page.locator(".bartext").count()
    assert shown == {"desktop": 8, "phone": 0}


@pytest.mark.parametrize("loads", [3, 9])
def test_names_of_loads_leave_bars_room_on_a_phone_and_are_whole(browser: Any, tmp_path: Path, loads: int) -> None:
    names = [f"{load}.25 samples/s asked for (Poisson)" for load in range(loads)]
    panel = Panel("TTFT", "", "ms", [Series("", "bars", names, [38.8] * loads, NEUTRAL)])
    page = Page("t", "w", [], "", "none", [], [], [], [Section("s", "Section", [Chart("c", "C", [panel], "C.", "")])])
    write_page(page, tmp_path)
    with Visit(browser, tmp_path / "report.html", "phone") as visit:
        visit.draw_all()
        plot = visit.page.locator(".plot")
        box, marks = plot.bounding_box(), plot.locator(".nsewdrag").first.bounding_box()
        assert marks["height"] > 120
        for name in plot.locator(".xtick text").all():
            assert name.bounding_box()["y"] + name.bounding_box()["height"] <= box["y"] + box["height"]


def test_hovering_shows_values(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["run"]) as visit:
        plot = visit.page.locator("#throughput_timeline-1")
        plot.scroll_into_view_if_needed()
        box = plot.locator(".nsewdrag").first.bounding_box()
        visit.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
        visit.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
        plot.locator(".hoverlayer text").first.wait_for(timeout=10_000)
        words = " ".join(plot.locator(".hoverlayer text").all_text_contents())
        assert "node-a" in words
        assert any(character.isdigit() for character in words)


def test_rows_of_a_comparison_leave_its_marks_room_on_a_phone(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["comparison"], "phone") as visit:
        visit.draw_all()
        plot = visit.page.locator("#comparison-1")
        marks = plot.locator(".nsewdrag").first.bounding_box()
        assert marks["width"] > 0.4 * plot.bounding_box()["width"]


def test_first_screen_answers_the_four_questions(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["run"]) as visit:
        height = SCREENS["desktop"][1]
        for selector in (".what", ".verdict", ".headlines", "#problems"):
            box = visit.page.locator(selector).bounding_box()
            assert box["y"] + box["height"] <= height, selector


def test_dark_and_light_differ_and_text_has_contrast(browser: Any, pages: dict[str, Path]) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        with Visit(browser, pages["run"], scheme=scheme) as visit:
            colors[scheme] = visit.page.evaluate(
                "() => ['--bg', '--fg', '--dim', '--bad', '--warn', '--good', '--link', '--soft'].map("
                "n => getComputedStyle(document.documentElement).getPropertyValue(n).trim())"
            )
            visit.draw_all()
            text = visit.page.evaluate("() => getComputedStyle(document.querySelector('.plot .xtick text')).fill")
            assert text == _rgb(colors[scheme][1])  # the charts follow the page
    assert colors["light"][0] != colors["dark"][0]
    for background, *rest in colors.values():
        soft = rest.pop()
        for color in rest:
            assert _contrast(color, background) >= 4.5
            assert _contrast(color, soft) >= 4.5


def test_keyboard_reaches_the_summary_and_the_tables(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["run"]) as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.getAttribute('href')") == "#summary"
        tables = visit.page.locator(".scroll")
        assert tables.count() >= 5
        assert tables.count() == visit.page.locator(".scroll[role='group'][aria-label]").count()
        wide = "[...document.querySelectorAll('.scroll')].filter(r => r.scrollWidth > r.clientWidth)"
        assert visit.page.evaluate(f"() => {wide}.every(r => r.tabIndex === 0)")
        assert visit.page.locator("table").count() == visit.page.locator("table > caption").count()
        assert visit.page.locator("th:not([scope])").count() == 0


def test_a_charts_values_are_a_click_away(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["campaign"]) as visit:
        details = visit.page.locator("#summary details.values").first
        details.locator("summary").click()
        rows = details.locator("tbody tr").all_inner_texts()
        assert [row.split("\t")[1] for row in rows[:3]] == ["node-a", "node-b", "node-a + node-b"]
        assert all(" to " in row for row in rows[:3])


def test_a_term_explains_itself_to_the_keyboard(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["run"]) as visit:
        term = visit.page.locator("a.term", has_text="TPOT").first
        term.focus()
        tip = visit.page.locator(".tip")
        assert "time per output token" in tip.inner_text()
        visit.page.keyboard.press("Escape")
        assert tip.is_hidden()


def test_a_table_is_sorted_by_the_column_that_was_asked_for(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["campaign"]) as visit:
        table = visit.page.locator("#throughput table").first
        column = table.locator("thead th").all_inner_texts().index("Samples/s")

        def rates() -> list[float]:
            cells = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
            return [float(text.split(" ")[0].replace(",", "")) for text in cells]

        upwards = sorted(rates())
        for order in (upwards, upwards[::-1]):
            table.get_by_role("button", name="Sort by Samples/s").click()
            assert rates() == order


def test_a_page_without_its_script_says_what_is_missing(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    alone = tmp_path / "report.html"
    alone.write_bytes(pages["comparison"].read_bytes())
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(alone.as_uri())
    page.locator(".plot", has_text="--single-file").first.wait_for(timeout=10_000)
    context.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_axe_finds_nothing(browser: Any, pages: dict[str, Path], name: str, screen: str, scheme: str) -> None:
    with Visit(browser, pages[name], screen, scheme, bypass_csp=True) as visit:
        visit.draw_all()
        visit.page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert violations(visit.page) == []


def test_print_is_light_and_every_page_has_the_banner(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["run"], scheme="dark") as visit:
        visit.page.emulate_media(media="print")
        style = visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert style == "rgb(255, 255, 255)"
        margins = visit.page.evaluate(
            "() => [...document.styleSheets[0].cssRules].filter(r => r.type === CSSRule.PAGE_RULE).map(r => r.cssText)"
        )
        assert any("@top-left" in text and "short run: not valid for MLPerf" in text for text in margins)
        visit.page.locator(".plot .main-svg").first.wait_for(timeout=120_000)
        assert len(visit.page.pdf()) > 20_000


def _rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))})"


def _contrast(one: str, two: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
