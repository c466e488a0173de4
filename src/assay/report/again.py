"""The part of a page that says how the same is measured again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.listing import names
from assay.analysis.run import RunAnalysis
from assay.report.page import Block, Text
from assay.runs.record import EndpointFacts, RunRecord

_SECRETS = "Secrets are not in it: they are read from the environment again."
_CHANGES = "What changed between two runs, with intervals: `assay compare RUN RUN`, with their folders."
_CAMPAIGNS_CHANGES = (
    "What changed between two campaigns, load by load, with intervals: `assay compare CAMPAIGN CAMPAIGN`, with their "
    "folders."
)


def again_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """The command, the configuration's file and the versions, of one run."""
    config = analysis.folder.config
    if config.exists():
        yield Text(
            f"To measure it again, beside its campaign: `assay run {config.name} --output ../../..` in the run's "
            f"folder. The file is the configuration of the whole campaign, resolved. {_SECRETS}"
            f"{_servers(analysis.record.endpoints)}"
        )
    yield Text(f"{_versions([analysis.record])} {_CHANGES}")


def campaign_again_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """The same of a campaign, in the order that it had."""
    config: Path = analysis.folder.config
    if config.exists():
        yield Text(
            f"To measure all of it again, beside this campaign: `assay run {config.name} --output ..` in the "
            "campaign's folder. The file is the configuration, resolved; prompts and the order of the runs come from "
            f"the same seeds. {_SECRETS}{_servers(analysis.endpoints)}"
        )
    yield Text(f"{_versions([line.record for line in analysis.lines])} {_CAMPAIGNS_CHANGES}")


def _servers(endpoints: Sequence[EndpointFacts]) -> str:
    """Those that must be there again, since Assay doesn't start them."""
    urls = [endpoint.url for endpoint in endpoints if endpoint.engine == "external"]
    return f" Assay doesn't start the server: it must answer at {names(urls)}." if urls else ""


def _versions(records: Sequence[RunRecord]) -> str:
    """What it was measured with; engines' versions stand with the endpoints."""
    assay = sorted({record.assay_version for record in records})
    loadgen = sorted({record.loadgen_version for record in records if record.loadgen_version})
    driver = f" and LoadGen {', '.join(loadgen)}" if loadgen else ""
    return f"It was measured with Assay {', '.join(assay)}{driver}; the engines' versions are below."
