"""A page says how the same is measured again, and what is typed for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.run import analyse_run
from assay.config import load_config
from assay.report.campaign_page import campaign_page
from assay.report.page import Page, Text
from assay.report.run_page import run_page
from assay.runs.campaign import find_campaigns

PLAN = Plan(samples=200, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)


def test_a_page_says_how_to_measure_it_again_and_with_which_versions(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40)}, kind="single")
    analysis = analysed(folder)
    run = analyse_run(folder.run("offline-r0"))
    versions = "It was measured with Assay 0.1.0 and LoadGen 6.0.17"
    command, measured_with = again(run_page(run))
    assert "`assay run config.yaml --output ../../..`" in command
    assert measured_with.startswith(versions)
    (measured_with,) = again(campaign_page(analysis))  # its folder has no configuration
    assert measured_with.startswith(versions)
    folder.config.write_text("benchmark: smollm2-135m\n")
    assert "`assay run config.yaml --output ..`" in again(campaign_page(analysis))[0]


def test_what_is_repeated_by_a_pages_command_lands_beside_its_campaign(tmp_path: Path) -> None:
    """Where plans and later campaigns look for earlier ones, whatever the file's relative `output` says."""
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40)}, kind="single")
    folder.config.write_text("scenarios: [Offline]\noutput: results\n")
    run = folder.run("offline-r0")
    run.config.write_bytes(folder.config.read_bytes())
    for page, here in ((campaign_page(analysed(folder)), folder.path), (run_page(analyse_run(run)), run.path)):
        _, command, _ = again(page)[0].split("`")
        words = command.split()
        assert words[:4] == ["assay", "run", "config.yaml", "--output"]
        config = load_config(here / words[2], [f"output={here / words[4]}"])
        assert [found.path.resolve() for found in find_campaigns(config.output)] == [folder.path.resolve()]


def again(page: Page) -> list[str]:
    (section,) = [section for section in page.sections if section.id == "again"]
    return [block.text for block in section.blocks if isinstance(block, Text)]
