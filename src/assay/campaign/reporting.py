"""Reports of a campaign's runs and of the whole, made once its servers are down: pictures cost seconds of CPU each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from assay.campaign.work import note_traceback
from assay.digits import number_text, percent_text
from assay.errors import AssayError, system_words
from assay.runs import CampaignFolder, read_campaign, read_object


class Told(Protocol):
    """Who is told what is being made, and what couldn't be."""

    def say(self, text: str) -> None: ...
    def doing(self, text: str) -> None: ...


def render_reports(folder: CampaignFolder, told: Told) -> list[str]:
    """Write the report of every run that has none yet, and the campaign's; names those that couldn't be made.

    The others are made, and what was measured stays.
    """
    from assay.analysis.names import titles_of
    from assay.report import CampaignPages

    missing = []
    pages, titles = CampaignPages(folder), titles_of(read_campaign(folder).runs)
    for entry in pages.started:
        run = folder.run(entry.run or "")
        if not run.result.exists() or run.report.exists():
            continue
        told.doing(f"report of {titles[entry.key]}")
        if problem := _problem(partial(pages.render_run, entry), run.report_log):
            missing.append(run.id)
            told.say(f"no report of {run.id}: {problem}")
    told.doing("report of the campaign")
    if problem := _problem(pages.render, folder.report_log):
        missing.append(folder.path.name)
        told.say(f"no report of the campaign: {problem}")
    return missing


def _problem(render: Callable[[], object], log: Path) -> str:
    """Why a report couldn't be made; empty where it was."""
    try:
        render()
    except AssayError as error:
        return str(error)
    except OSError as error:
        return system_words(error) if error.filename else f"{log.parent}: {system_words(error)}"
    except Exception as error:  # the campaign is over and measured: a page more or less must not hide that
        note_traceback(log)
        return f"{type(error).__name__}: {error}; traceback in {log}"
    return ""


def answer_lines(folder: CampaignFolder) -> list[str]:
    """The sentences of the campaign report's answer, and whether the endpoints gave the same answers to the same
    prompts; none where there is no report."""
    report = read_object(folder.report_json) or {}
    lines = list(report.get("answer", []))
    if answers := report.get("answers"):
        least = min(part["equal"] for part in answers["endpoints"] if part["prompts"])
        share = "all of them" if least == 1 else f"at least {percent_text(least)}"
        lines.append(
            f"answers: {number_text(answers['prompts'])} prompts were answered by two or more endpoints; each gave the "
            f"same tokens as most of the others in {share}"
        )
    return lines
