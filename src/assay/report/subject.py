"""What a picture is of, in words that stand on it: run or campaign, model, system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.campaign_compare import CampaignMeasured
from assay.analysis.listing import names
from assay.report import format as fmt
from assay.report.machines import Node, hardware_words
from assay.report.names import engine_words
from assay.runs.record import EndpointFacts, RunRecord


def run_subject(record: RunRecord) -> str:
    """Such as "20260101T000000Z-…: llama-8b on node-a, node-b (2 x H100)"."""
    return f"{record.id}: {_served([record])} on {_system(record.endpoints)}"


def campaign_subject(analysis: CampaignAnalysis) -> str:
    """The same of a campaign's system."""
    records = [line.record for line in analysis.lines]
    return f"campaign {analysis.state.id}: {_served(records)} on {_system(analysis.system)}"


def comparison_subject(records: Sequence[RunRecord]) -> str:
    """The runs by name, the baseline last, and what was served in them."""
    base, *others = (record.id for record in records)
    return f"{names(others)} against {base}: {_served(records)} on {_system(records[0].endpoints)}"


def campaigns_subject(campaigns: Sequence[CampaignMeasured]) -> str:
    """The same of whole campaigns."""
    base, *others = (campaign.state.id for campaign in campaigns)
    records = [load.record for campaign in campaigns for load in campaign.loads]
    return f"{names(others)} against {base}: {_served(records)} on {_system(records[0].endpoints)}"


def served_on(endpoints: Sequence[EndpointFacts], models: Sequence[str], hardware: Sequence[Node]) -> str:
    """Such as "llama-8b served by vllm 0.9 on 2 nodes (node-a, node-b), 16 accelerators (H100)"; of servers that were
    there before, that they were. `hardware`: the nodes as they were recorded."""
    engines = sorted({engine_words(endpoint) for endpoint in endpoints})
    nodes = sorted({node for endpoint in endpoints for node in endpoint.machines})
    by = f" served by {', '.join(engines)}" if engines else ""
    kinds = {endpoint.engine for endpoint in endpoints}
    if kinds and kinds <= {"external", "simulated"}:  # where a model's name says less than that it is one
        models = [f"Model {model}" for model in models]
    if kinds == {"external"}:
        server = "OpenAI-compatible server"
        which = f"an {server}" if len(endpoints) == 1 else fmt.count(len(endpoints), server)
        versions = sorted({endpoint.engine_version for endpoint in endpoints if endpoint.engine_version})
        by = f" at {which} that Assay didn't start" + (f" (version {', '.join(versions)})" if versions else "")
    on = f" on {fmt.count(len(nodes), 'node')} ({names(nodes)})" if nodes else ""
    return f"{', '.join(models) or 'Nothing'}{by}{on}, {hardware_words(endpoints, hardware)}"


def served_words(records: Sequence[RunRecord]) -> str:
    """What compared runs were of: the models, and the data, each once."""
    data = dict.fromkeys(drawn_from(record) for record in records)
    return f"Model {_served(records)}; data: {'; '.join(data)}."


def samples_of(records: Sequence[RunRecord]) -> str:
    """What runs of one data set drew their samples from, and how many each issued at most where that is fewer."""
    issued = max(record.issued for record in records)
    few = (
        f"at most {fmt.number(issued)} in a run, of " if 0 < issued < min(record.samples for record in records) else ""
    )
    return f"{few}{drawn_from(records[0])}"


def drawn_from(record: RunRecord) -> str:
    """Such as "the first 12 of 68 samples (articles)"; prompts that were made for it are told to be that."""
    count = fmt.count(record.dataset_samples, "made-up prompt" if record.dataset_generated else "sample")
    part = f"the first {fmt.number(record.samples)} of " if record.samples < record.dataset_samples else ""
    return f"{part}{count} ({record.dataset_name})"


def _served(records: Iterable[RunRecord]) -> str:
    return ", ".join(sorted({model for record in records for model in record.served_models})) or "nothing served"


def _system(endpoints: Sequence[EndpointFacts]) -> str:
    nodes = names(sorted({node for endpoint in endpoints for node in endpoint.machines}))
    cards = Counter(name for endpoint in endpoints for name in endpoint.accelerators)
    hardware = ", ".join(f"{count:,} x {name}" for name, count in sorted(cards.items()))
    return f"{nodes} ({hardware})" if hardware else nodes
