"""What docs/page-style.md promises of every page: no raw field names in sight, no verdict without a why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.number_style import numbers_without_style
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.report import render_campaign, render_campaign_comparison, render_comparison, render_index, render_run
from assay.report.terms import TERMS
from assay.runs import RunFolder, RunStatus, read_campaign, write_json
from assay.runs.index import Filter, index

BOTH = (Node("node-a"), Node("node-b", speed=0.6, clock_mhz=1200))
PLAN = Plan(samples=150, nodes=BOTH)
SMALL = replace(PLAN, samples=40, chunks=False, telemetry=False)
ALONE = replace(SMALL, nodes=(Node("node-a"),))


def _run(folder: Path) -> Path:
    run = write_run(folder, PLAN)
    write_json(run.result, summarise(run))
    return render_run(run)


def _server(folder: Path) -> Path:
    return render_run(write_run(folder, replace(PLAN, scenario="Server", qps=5.0)))


def _official(folder: Path) -> Path:
    return render_run(write_run(folder, replace(PLAN, official=True, loadgen_result="INVALID")))


def _accuracy(folder: Path) -> Path:
    return render_run(write_run(folder, replace(PLAN, mode="accuracy")))


def _failed(folder: Path) -> Path:
    return render_run(write_run(folder, replace(PLAN, lost=5, status=RunStatus.FAILED)))


def _campaign(folder: Path) -> Path:
    plans = {f"alone-{node.name}-r0": replace(SMALL, nodes=(node,)) for node in BOTH} | {"together-2-r0": SMALL}
    page = render_campaign(write_campaign(folder, plans))
    assert page is not None
    return page


def _comparison(folder: Path) -> Path:
    runs = [write_run(folder, replace(SMALL, run_id=name, seed=place)) for place, name in enumerate("ab")]
    render_comparison(runs, out=folder)
    return folder / "report.html"


def _campaigns_compared(folder: Path) -> Path:
    campaigns = []
    for place, name in enumerate(("base", "other")):
        server = replace(SMALL, scenario="Server", seed=place)
        plans = {f"server{qps}-r0": replace(server, qps=float(qps)) for qps in (1, 2, 2 + place)}
        campaigns.append(write_campaign(folder, plans, "sweep", name))
        for run in campaigns[-1].runs.iterdir():
            write_json(RunFolder(run).result, summarise(RunFolder(run)))
    render_campaign_comparison(campaigns, out=folder)
    return folder / "report.html"


def _tune_engine(folder: Path) -> Path:
    """The default and one try, short and on three server starts; another try didn't start."""
    faster = replace(SMALL, nodes=(Node("node-a", speed=2),))
    plans = {f"{name}-{stage}-r{repeat}": plan for name, plan in (("default", ALONE), ("faster", faster))
             for stage, repeat in (("short", 0), *(("final", n) for n in range(3)))}  # fmt: skip
    campaign = write_campaign(folder, plans, "tune-engine")
    state = read_campaign(campaign)
    for start, entry in enumerate(state.runs):
        name, stage, _ = entry.key.split("-")
        entry.stage, entry.start = ("short" if stage == "short" else "final"), start
        entry.settings = {"max_num_seqs": 256} if name == "faster" else {}
    lost = {"settings": {"max_num_seqs": 512}, "run": None, "key": "lost", "reason": "out of memory"}
    state.runs.append(state.runs[0].model_copy(update={**lost, "start": 99, "status": RunStatus.FAILED}))
    write_json(campaign.state, state.model_copy(update={"memory_target": 0.8}))
    for run in campaign.runs.iterdir():
        write_json(RunFolder(run).result, summarise(RunFolder(run)))
    page = render_campaign(campaign)
    assert page is not None
    return page


def _index(folder: Path) -> Path:
    write_campaign(folder, {"a-r0": SMALL})
    render_index(index(folder, Filter())[0], folder / "index.html")
    return folder / "index.html"


class Sight(HTMLParser):
    """A page's text as it is seen first: without scripts, and without what is folded. `verdict` is its box's."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.verdict, self._open = "", "", list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag not in ("meta", "link", "br"):
            self._open.append("verdict" if "verdict" in classes else tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        self.text += " " if tag in ("td", "th") else ""

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "details"} & set(self._open):
            self.text += data
            self.verdict += data if "verdict" in self._open else ""


KINDS = [
    _run,
    _server,
    _official,
    _accuracy,
    _failed,
    _campaign,
    _comparison,
    _campaigns_compared,
    _tune_engine,
    _index,
]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__.strip("_"))
def test_a_page_reads_as_words(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    sight = Sight(make(tmp_path).read_text())
    assert re.findall(r"\w+_ns\b", sight.text) == []
    assert re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*", sight.text) == []
    assert re.findall(r"\b(?:nan|None|inf)\b", sight.text) == []
    assert re.findall(r"\b[0-9a-f]{64}\b", sight.text.replace("0" * 64, "")) == []
    assert numbers_without_style(sight.text) == []
    if sight.verdict:
        words, *reasons = [line.strip() for line in sight.verdict.strip().splitlines() if line.strip()]
        assert words.startswith("Verdict")
        assert reasons, f"no reason beside {words!r}"


def test_a_searchs_page_says_first_what_is_best_and_lists_what_failed(tmp_path: Path) -> None:
    page = _tune_engine(tmp_path).with_name("report.md").read_text()
    first = next(line for line in page.splitlines() if line.startswith("**max_num_seqs 256 gives "))
    assert "over 3 server starts of each" in first
    assert "max_num_seqs 512 can't be measured: out of memory." in page
    assert "| max_num_seqs 512 |  |  |  |  |  | out of memory |" in page
    assert "error: " not in page, "a try that fails is a result"


def test_why_requests_failed_is_told_in_words(tmp_path: Path) -> None:
    sight = Sight(render_run(write_run(tmp_path, replace(PLAN, failed=5))).read_text())
    assert "5 failed, 0 lost of 150; reasons: HTTP error 5." in sight.text
    assert "http_error" not in sight.text
    assert "Tokens were counted by: token ids (145)." in sight.text


def test_a_load_that_counts_from_sending_has_no_second_column_for_it(tmp_path: Path) -> None:
    def columns(name: str, plan: Plan) -> str:
        page = render_campaign(write_campaign(tmp_path / name, {"load-r0": plan}, kind="bench"))
        assert page is not None
        return next(
            line for line in page.with_name("report.md").read_text().splitlines() if "Latency p50 / p99" in line
        )

    assert "TTFT from sending" in columns("offline", SMALL)
    assert "TTFT from sending" not in columns("concurrency", replace(SMALL, scenario="Concurrency"))


def test_what_a_reader_may_not_know_is_explained_on_the_page(tmp_path: Path) -> None:
    html = _server(tmp_path).read_text()
    for term in ("TTFT", "TPOT", "p99", "short run", "ledger"):
        (anchor,) = set(re.findall(rf'<a class="term" href="#([\w-]+)"[^>]*>{term}</a>', html, re.IGNORECASE))
        assert f'<div id="{anchor}"><dt>{term}</dt>' in html
        assert TERMS[term].split("'")[0] in html
