"""What the best settings may give on more nodes: a prediction, by the law that a scaling campaign nearby fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.analysis.loads import Value
from assay.analysis.scaling import ScalingFit
from assay.errors import AssayError
from assay.runs.campaign import CampaignFolder, find_campaigns
from assay.runs.reading import read_record
from assay.runs.record import RunRecord
from assay.runs.stored import read_object


class Ahead(BaseModel):
    """Predicted, not measured: the law was fitted to other settings' rates."""

    model_config = ConfigDict(extra="forbid")

    campaign: str = Field(description="whose law it is")
    law: str
    measured_nodes: int = Field(description="that the rate was measured on")
    nodes: list[int]
    rates: list[Value] = Field(
        description="of what is searched for; bounds are the ends of the rate's and the law's together"
    )


def ahead(folder: CampaignFolder, record: RunRecord, nodes: int, rate: Value) -> Ahead | None:
    """Of `rate` on `nodes` nodes; None where no such campaign of the same benchmark and model is beside `folder`."""
    for campaign, fit in _laws(folder, record):
        more = [number for number in fit.predicted_nodes if number > nodes]
        if more:
            return Ahead(
                campaign=campaign,
                law=fit.law,
                measured_nodes=nodes,
                nodes=more,
                rates=[_predicted(fit, rate, nodes, number) for number in more],
            )
    return None


def _predicted(fit: ScalingFit, rate: Value, nodes: int, number: int) -> Value:
    def grown(contention: float, coherency: float) -> float:
        """How much more so many nodes give than those that were measured."""
        own, more = (n / (1 + contention * (n - 1) + coherency * n * (n - 1)) for n in (nodes, number))
        return more / own

    best = grown(fit.contention_low, fit.coherency_low or 0.0)
    worst = grown(fit.contention_high, fit.coherency_high or 0.0)
    return Value(
        value=rate.value * grown(fit.contention, fit.coherency or 0.0),
        low=None if rate.low is None else rate.low * worst,
        high=None if rate.high is None else rate.high * best,
    )


def _laws(folder: CampaignFolder, record: RunRecord) -> Iterator[tuple[str, ScalingFit]]:
    """The laws of scaling campaigns in the same folder of results, the newest first."""
    for candidate in reversed(find_campaigns(folder.path.resolve().parent)):
        try:
            if (read_object(candidate.state) or {}).get("kind") != "scaling":
                continue
            report = read_object(candidate.report_json) or {}
            if _same_system(candidate, [result["run"] for result in report["results"]], record):
                yield candidate.path.name, ScalingFit.model_validate(report["scaling"]["fit"])
        except (AssayError, KeyError, TypeError, ValidationError):  # what can't be read predicts nothing
            continue


def _same_system(candidate: CampaignFolder, runs: Sequence[str], record: RunRecord) -> bool:
    known = [read_record(candidate.run(run)) for run in runs[:1]]
    return any(
        (other.benchmark, other.served_models, other.simulated)
        == (record.benchmark, record.served_models, record.simulated)
        for other in known
    )
