"""The run directory: its paths, the schemas of its files, and the only code that reads or writes them."""

from assay.runs.atomic import write_bytes, write_json, write_text
from assay.runs.campaign import CampaignFolder, CampaignState, RunEntry, read_campaign
from assay.runs.folder import MANIFEST, RunFolder, new_id
from assay.runs.ledger import EndpointLedger, Ledger, read_ledger
from assay.runs.loadgen_logs import LatencyStats, LoadgenDetail, LoadgenSummary, LogMessage, read_detail, read_summary
from assay.runs.manifest import check_run, sha256_of, write_run_manifest
from assay.runs.outcome import LoadOutcome, read_outcome
from assay.runs.reading import read_record, read_result
from assay.runs.record import ClientAudit, EndpointFacts, RunRecord, RunStatus
from assay.runs.requests import (
    REQUESTS_SCHEMA,
    RequestWriter,
    answered,
    read_request_batches,
    read_request_columns,
    read_requests,
)
from assay.runs.result import Distribution, Figure, Result, result_json_schema
from assay.runs.stored import Stored, read_model, read_object, require_model
from assay.runs.system import SystemRecord
from assay.runs.telemetry import TELEMETRY_SCHEMA, TelemetryJournal, TelemetryReader, read_telemetry, write_telemetry
from assay.runs.warmup import WarmupFacts

__all__ = [
    "MANIFEST",
    "REQUESTS_SCHEMA",
    "TELEMETRY_SCHEMA",
    "CampaignFolder",
    "CampaignState",
    "ClientAudit",
    "Distribution",
    "EndpointFacts",
    "EndpointLedger",
    "Figure",
    "LatencyStats",
    "Ledger",
    "LoadOutcome",
    "LoadgenDetail",
    "LoadgenSummary",
    "LogMessage",
    "RequestWriter",
    "Result",
    "RunEntry",
    "RunFolder",
    "RunRecord",
    "RunStatus",
    "Stored",
    "SystemRecord",
    "TelemetryJournal",
    "TelemetryReader",
    "WarmupFacts",
    "answered",
    "check_run",
    "new_id",
    "read_campaign",
    "read_detail",
    "read_ledger",
    "read_model",
    "read_object",
    "read_outcome",
    "read_record",
    "read_request_batches",
    "read_request_columns",
    "read_requests",
    "read_result",
    "read_summary",
    "read_telemetry",
    "require_model",
    "result_json_schema",
    "sha256_of",
    "write_bytes",
    "write_json",
    "write_run_manifest",
    "write_telemetry",
    "write_text",
]
