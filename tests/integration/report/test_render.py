"""Report files from run folders: complete, reproducible, self-contained, and safe whatever a run's texts hold."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.analysis.run import analyse_run
from assay.errors import UserError
from assay.report import CampaignPages, render, render_campaign, render_comparison, render_index, render_run
from assay.report import format as fmt
from assay.report.index_page import index_page
from assay.report.page import Table
from assay.report.plausibility import audit_of
from assay.report.run_page import run_page
from assay.report.writer import page_html, page_markdown
from assay.runs import RunFolder, RunStatus, read_record, write_json
from assay.runs.index import Filter, index
from assay.runs.stored import read_object

PLAN = Plan(samples=400)
NASTY = '<script>alert("x")</script>|`'
RUN_PNGS = {
    "performance_analysis", "latency_distribution", "throughput_timeline", "node_comparison", "throughput_comparison",
}  # fmt: skip


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = write_run(tmp_path_factory.mktemp("run"), PLAN)
    render_run(folder)
    return folder


def test_a_run_gets_all_files(run: RunFolder) -> None:
    names = set(files_of(run.path))
    assert {"report.html", "report.md", "report.json", "findings.json"} <= names
    assert {f"charts/{name}.png" for name in RUN_PNGS} <= names


def test_the_same_run_gives_the_same_bytes_and_is_not_touched(run: RunFolder, tmp_path: Path) -> None:
    before = files_of(run.path)
    render_run(run, out=tmp_path / "again")
    assert files_of(run.path) == before
    again = files_of(tmp_path / "again")
    assert again
    assert all(before[name] == data for name, data in again.items())


def addresses(html: str) -> list[str]:
    """What a page asks for beside itself."""
    own = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert "url(" not in own
    assert "@import" not in own
    return re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', own)


def test_html_is_small_and_needs_its_charts_script_alone(run: RunFolder) -> None:
    html = (run.path / "report.html").read_text()
    assert len(html.encode()) < 400_000
    (script,) = addresses(html)
    assert re.fullmatch(r"charts/plotly-[\d.]+\.js", script)
    assert (run.path / script).stat().st_size < 2_200_000


def test_a_single_file_needs_nothing(run: RunFolder, tmp_path: Path) -> None:
    page = render_run(run, out=tmp_path / "alone", single_file=True)
    assert addresses(page.read_text()) == []
    assert page.stat().st_size < 2_600_000
    assert list(page.parent.rglob("*.js")) == []


def test_a_campaigns_pages_share_one_script(tmp_path: Path) -> None:
    plans = {f"alone-{name}-r0": Plan(nodes=(Node(f"node-{name}"),), samples=60) for name in "ab"}
    folder = write_campaign(tmp_path, plans, kind="single")
    pages = CampaignPages(folder)
    written = [pages.render_run(entry) for entry in pages.started]
    written += [page for page in [pages.render()] if page is not None]
    (script,) = folder.path.rglob("*.js")
    assert len(written) == 3
    for page in written:
        html = page.read_text()
        for link in (' href="runs/', ' href="../../report.html"'):  # the pages lead to each other
            html = html.replace(link, f" data-link={link[6:]}")
        (address,) = addresses(html)
        assert (page.parent / address).resolve() == script.resolve()
    render_run(folder.run("alone-a-r0"))  # by itself, in its place: the same page
    assert list(folder.path.rglob("*.js")) == [script]


def test_first_screen_has_what_verdict_numbers_and_problems(run: RunFolder) -> None:
    html = (run.path / "report.html").read_text()
    summary = html[html.index('id="summary"') : html.index("<nav")]
    assert "synthetic-8b served by simulator" in summary
    assert "short run: not valid for MLPerf" in re.sub(r"<[^>]+>", "", summary)
    assert summary.count("<dt>") == 3
    assert summary.count('<dd class="interval">95\N{NO-BREAK SPACE}%:') == 3
    assert summary.index('class="answer"') < summary.index("<dl") < summary.index("<figure")
    assert summary.index("<figure") < summary.index('class="verdict') < summary.index("What limits belief")
    assert "no figure here is a measurement" in summary


def test_report_json_is_the_analysis(run: RunFolder) -> None:
    data = orjson.loads((run.path / "report.json").read_bytes())
    assert data["kind"] == "run"
    assert data["result"]["verdict"]["words"] == "short run: not valid for MLPerf"
    assert data["ledger"]["completed"] == 400
    assert {entry["file"] for entry in data["provenance"]} >= {"run.json", "requests.parquet", "ledger.json"}


def test_texts_of_a_run_are_never_markup(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=100))
    record = orjson.loads(folder.record.read_bytes())
    record["model"] = record["dataset_name"] = NASTY
    record["endpoints"][0]["settings"] = {NASTY: NASTY}
    write_json(folder.record, record)
    system = orjson.loads(folder.system.read_bytes())
    write_json(folder.system, system | {"versions": {"python": NASTY}})
    render_run(folder)
    assert NASTY not in (folder.path / "report.html").read_text()
    markdown = (folder.path / "report.md").read_text()
    assert "<script>" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| &lt;script>")]
    assert rows == ['| &lt;script>alert("x")&lt;/script>\\|` | &lt;script>alert("x")&lt;/script>\\|` | not set |']


def test_few_samples_are_drawn_one_by_one_over_time(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=20))
    analysis = analyse_run(folder)
    (chart,) = [chart for chart in run_page(analysis).charts if chart.name == "latency_over_time"]
    assert [sum(len(series.y) for series in panel.series) for panel in chart.panels] == [20, 20]
    assert all(value is not None for panel in chart.panels for series in panel.series for value in series.y)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.INCOMPLETE])
def test_a_run_without_an_end_has_a_page_without_numbers(tmp_path: Path, status: RunStatus) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=100, lost=10, status=status))
    page = run_page(analyse_run(folder))
    assert page.charts == ()
    markdown = page_markdown(page)
    assert f"**Verdict: {status}: no result**" in markdown
    assert "lost 10" in markdown
    assert "Samples/s" not in markdown


@pytest.mark.parametrize("gone", ["ledger", "requests", "telemetry", "system", "loadgen_summary", "loadgen_detail"])
def test_a_missing_file_still_gives_a_page(tmp_path: Path, gone: str) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=100))
    getattr(folder, gone).unlink()
    assert "Verdict" in page_html(run_page(analyse_run(folder)))


def test_few_samples_give_a_page_without_intervals(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=3, nodes=(Node("node-a"),)))
    page = run_page(analyse_run(folder))
    assert "no interval: too few samples" in page_markdown(page)


def test_many_nodes_give_a_page(tmp_path: Path) -> None:
    nodes = tuple(Node(f"node-{number:03d}", slots=2) for number in range(100))
    folder = write_run(tmp_path, replace(PLAN, samples=3000, nodes=nodes, chunks=False))
    assert render_run(folder).stat().st_size < 6_000_000


@pytest.mark.parametrize(("simulated", "gate"), [
    (False, "pass"), (True, "pass"), (False, "not comparable: 400 samples of 13368"),
])  # fmt: skip
def test_an_accuracy_run_gets_its_chart_where_the_reference_says_anything_of_it(
    tmp_path: Path, simulated: bool, gate: str
) -> None:
    folder = write_run(tmp_path, replace(PLAN, mode="accuracy", simulated=simulated))
    accuracy = orjson.loads(folder.accuracy.read_bytes())
    folder.accuracy.write_bytes(orjson.dumps(accuracy | {"gate": gate}))
    render_run(folder)
    drawn = gate == "pass" and not simulated
    assert (folder.path / "charts" / "accuracy_comparison.png").exists() == drawn
    page, markdown = folder.report.read_text(), (folder.path / "report.md").read_text()
    assert "Scores by endpoint" in page
    assert "38.6000 to 39.0000" in page  # the interval of the whole run's rouge1
    assert f"Quality gate: {gate}." in markdown
    assert ("Not drawn beside the reference: this run, not comparable" in markdown) == (not drawn and not simulated)


def test_a_campaign_states_efficiency_only_from_its_baselines(tmp_path: Path) -> None:
    slow, fast = Node("node-a", slots=4), Node("node-b", slots=4, speed=2.1)
    base = Plan(samples=300, chunks=False, telemetry=False)
    plans = {}
    for repeat in range(3):
        plans[f"alone-a-r{repeat}"] = replace(base, nodes=(slow,), seed=10 + repeat)
        plans[f"alone-b-r{repeat}"] = replace(base, nodes=(fast,), seed=20 + repeat)
        plans[f"together-2-r{repeat}"] = replace(base, nodes=(slow, fast), samples=600, seed=30 + repeat)
    folder = write_campaign(tmp_path, plans)
    assert render_campaign(folder) == folder.path / "report.html"
    data = orjson.loads((folder.path / "report.json").read_bytes())
    group = data["scaling"]["groups"][0]
    assert group["low"] < 1.0 < group["high"] or group["efficiency"] == pytest.approx(1.0, abs=0.05)
    assert group["speedup"] == pytest.approx(3.1 / 2.1, rel=0.05)
    assert (folder.path / "charts" / "scaling_analysis.png").exists()
    assert (folder.path / "charts" / "throughput_comparison.png").exists()
    lonely = write_campaign(tmp_path, {k: v for k, v in plans.items() if "alone-b" not in k}, identity="lonely")
    render_campaign(lonely)
    assert "not measured: no baseline of node-b" in (lonely.path / "report.md").read_text()


def test_a_campaign_of_unlike_runs_measures_no_scaling(tmp_path: Path) -> None:
    alone = Plan(samples=200, nodes=(Node("node-a"),), chunks=False, telemetry=False)
    both = replace(alone, nodes=(Node("node-a", slots=8), Node("node-b")))
    folder = write_campaign(tmp_path, {"alone-a-r0": alone, "together-2-r0": both})
    render_campaign(folder)
    assert (
        "not measured: the runs differ in an endpoint's settings, an endpoint's window"
        in (folder.path / "report.md").read_text()
    )


def test_a_campaign_that_never_started_has_no_report(tmp_path: Path) -> None:
    assert render_campaign(write_campaign(tmp_path, {})) is None


def test_comparison_page_and_index(tmp_path: Path) -> None:
    plans = {"a-r0": PLAN, "b-r0": replace(PLAN, seed=2), "c-r0": replace(PLAN, status=RunStatus.FAILED, lost=5)}
    folder = write_campaign(tmp_path, plans, kind="single", identity="first")
    _, comparisons = render_comparison([folder.run("a-r0"), folder.run("b-r0")], out=tmp_path / "out")
    assert len(comparisons) == 1
    assert "What changed" in (tmp_path / "out" / "report.md").read_text()
    with pytest.raises(UserError, match=r"/first: not a run folder"):
        render_comparison([folder.run("a-r0"), RunFolder(folder.path)])
    for name in plans:
        write_json(folder.run(name).result, summarise(folder.run(name)))
    rows, problems = index(tmp_path, Filter())
    assert problems == []
    assert [(row.run, row.status) for row in rows] == [("a-r0", "completed"), ("b-r0", "completed"), ("c-r0", "failed")]
    assert rows[0].samples_per_s is not None
    assert rows[2].samples_per_s is None
    render_campaign(folder)
    render_run(folder.run("a-r0"))
    rows[1].mode = "accuracy"
    page = index_page(rows, tmp_path / "pages")
    told, runs = (block for section in page.sections for block in section.blocks if isinstance(block, Table))
    report = read_object(folder.report_json) or {}
    answer = report["answer"][0]
    verdict = "short run: not valid for MLPerf; failed: no result; simulated endpoints"
    assert told.rows[0][2:6] == (answer, verdict, "synthetic-8b", "13,368 samples (synthetic articles)")
    assert str(told.rows[0][6]).startswith("error: ")
    assert told.rows[0][7] == report["next"].removeprefix("Next: ") != ""
    assert [section.title for section in page.sections] == ["Campaigns", "Runs"], "the way there isn't one a campaign"
    assert told.links == {"first": "../first/report.html"}
    assert runs.links["Offline, run 1 of 3"] == "../first/runs/a-r0/report.html"
    assert "Offline, run 2 of 3" not in runs.links, "it has no page"
    assert runs.rows[0][4] != runs.rows[1][4] == fmt.figure(None)
    render_index(rows, tmp_path / "pages" / "index.html")
    html = (tmp_path / "pages" / "index.html").read_text()
    assert "1 of 3 runs did not complete: 1 failed." in html
    assert "Offline, run 2 of 3" in html
    assert 'href="../first/report.html"' in html
    assert "Plotly" not in html


def test_the_index_says_of_a_campaign_without_a_report_what_is_left_and_leads_nowhere(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"a-r0": replace(PLAN, samples=20, status=RunStatus.FAILED)})
    page = index_page(index(tmp_path, Filter())[0], tmp_path)
    told, runs = (block for section in page.sections for block in section.blocks if isinstance(block, Table))
    assert (told.rows[0][2], told.links, runs.links) == ("there is no report of it", {}, {})
    assert "`assay run --resume . --retry-failed` in the campaign's folder." in told.rows[0][7]
    render_campaign(folder)
    told = index_page(index(tmp_path, Filter())[0], tmp_path).sections[0].blocks[0]
    assert isinstance(told, Table)
    assert told.links == {"campaign": "campaign/report.html"}


def test_a_run_with_a_result_is_audited_on_its_page(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=200))
    write_json(folder.result, summarise(folder))
    page = run_page(analyse_run(folder), audit_of(folder))
    assert len(page.headlines) == 3
    assert "ledger-balance" in page_markdown(page)


def test_a_result_that_its_records_contradict_has_no_headline(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=200))
    result = summarise(folder).model_dump(mode="json")
    result["figures"]["samples_per_s"]["value"] *= 10
    write_json(folder.result, result)
    page = run_page(analyse_run(folder), audit_of(folder))
    assert page.headlines == []
    assert page.verdict == "not reportable: its own records contradict it"
    assert page.banner.startswith(page.verdict)
    assert page.kind == "invalid"
    assert page.problems[0].severity == "error"
    assert page.problems[0].title.startswith(("IMPOSSIBLE: ", "Contradicted: "))


def test_a_failed_run_shows_its_logs_last_lines_escaped(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=100, lost=5, status=RunStatus.FAILED))
    folder.driver_log.write_text("".join(f"line {n}\n" for n in range(50)) + "<b>connection refused</b>\n")
    page = run_page(analyse_run(folder))
    html = page_html(page)
    assert "Last lines of driver.log, as written" in html
    assert "&lt;b&gt;connection refused&lt;/b&gt;" in html
    assert "line 49" in html
    assert "line 20\n" not in html


def test_damaged_telemetry_is_one_message(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=50))
    folder.telemetry.write_bytes(folder.telemetry.read_bytes()[:100])
    with pytest.raises(UserError, match=r"telemetry\.parquet: can't be read"):
        render_run(folder)


def test_a_run_is_analysed_once_for_its_own_page_and_the_campaigns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = {f"alone-a-r{repeat}": Plan(nodes=(Node("node-a"),), samples=60, seed=repeat) for repeat in range(3)}
    folder = write_campaign(tmp_path, plans, kind="single")
    analysed: list[str] = []
    analyse = render.analyse_run
    monkeypatch.setattr(render, "analyse_run", lambda run, *limits: analysed.append(run.id) or analyse(run, *limits))
    pages = CampaignPages(folder)
    for entry in pages.started:
        assert pages.render_run(entry) == folder.run(str(entry.run)).path / "report.html"
    assert pages.render() == folder.path / "report.html"
    assert sorted(analysed) == sorted(plans)
    alone = render_campaign(folder, out=tmp_path / "alone")
    assert alone is not None
    for name in ("report.html", "report.md", "report.json", "findings.json"):
        assert (tmp_path / "alone" / name).read_bytes() == (folder.path / name).read_bytes()
    again = render_run(folder.run("alone-a-r1"), out=tmp_path / "again")
    inside = (folder.run("alone-a-r1").path / "report.html").read_text()
    assert again.read_text() == inside.replace('src="../../charts/', 'src="charts/')


def test_pages_name_the_model_that_was_served(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, {"a-r0": PLAN})
    folder = campaign.run("a-r0")
    record = read_record(folder)
    record.model = "vendor/of-the-benchmark"
    for endpoint in record.endpoints:
        endpoint.model = "somebody/served-8b"
    write_json(folder.record, record)
    render_run(folder)
    render_campaign(campaign)
    page, whole = ((path / "report.md").read_text() for path in (folder.path, campaign.path))
    assert "somebody/served-8b served by" in page
    assert "somebody/served-8b served by" in whole
    assert "vendor/of-the-benchmark" not in whole
    mentions = [line for line in page.splitlines() if "vendor/of-the-benchmark" in line]
    assert mentions == ["| Benchmark | llama3.1-8b, which starts from vendor/of-the-benchmark |"]
