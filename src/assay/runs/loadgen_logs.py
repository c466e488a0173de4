"""Readers of LoadGen's own logs, versions 3 to 6: `mlperf_log_summary.txt` and `mlperf_log_detail.txt`.

Both read what is there: a truncated or damaged file gives the lines that can be read and says what couldn't.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.loadgen_lines import read_entries

_KEPT_MESSAGES = 1000
_DIGITS_OF_64_BITS = 21
_POWER_TIME = "%m-%d-%Y %H:%M:%S.%f"

_COUNTS_ERRORS = (5, 1, 0)
_PADS_OFFLINE, _LOGS_PADDING = (4, 0, 0), (5, 0, 11)

Number = int | float


@dataclass
class LatencyStats:
    """Min, max, mean and percentiles of one quantity as LoadGen printed them, ns; None where it printed none."""

    min_ns: int | None = None
    max_ns: int | None = None
    mean_ns: int | None = None
    percentiles_ns: dict[float, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.percentiles_ns) or self.min_ns is not None


@dataclass
class LoadgenSummary:
    """What `mlperf_log_summary.txt` says.

    `metrics` holds every line of the first two sections that ends in a number, under the line's own words
    (spaces collapsed): "Samples per second", "99.00 percentile latency (ns)". `errors` and `warnings` are None
    where the file ends before LoadGen's closing words.
    """

    path: Path
    scenario: str | None = None
    mode: str | None = None
    sut: str | None = None
    result: str | None = None
    conditions: dict[str, bool] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    early_stopping: list[str] = field(default_factory=list)
    metrics: dict[str, Number] = field(default_factory=dict)
    parameters: dict[str, Number | str] = field(default_factory=dict)
    latency: LatencyStats = field(default_factory=LatencyStats)
    ttft: LatencyStats = field(default_factory=LatencyStats)
    tpot: LatencyStats = field(default_factory=LatencyStats)
    errors: int | None = None
    warnings: int | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """LoadGen wrote its closing words."""
        return self.errors is not None and self.warnings is not None

    @property
    def samples_per_s(self) -> Number | None:
        """Completed samples a second, in whichever words the scenario and version have for it."""
        return self._first("Completed samples per second", "Samples per second", "QPS w/ loadgen overhead")

    @property
    def tokens_per_s(self) -> Number | None:
        return self._first("Completed tokens per second", "Tokens per second", "TPS w/ loadgen overhead")

    @property
    def scheduled_samples_per_s(self) -> Number | None:
        """Server only: samples in LoadGen's schedule a second."""
        return self._first("Scheduled samples per second")

    def _first(self, *names: str) -> Number | None:
        return next((self.metrics[name] for name in names if name in self.metrics), None)


@dataclass
class LogMessage:
    """One error or warning of the detail log."""

    key: str
    value: str
    time_ms: float | None


@dataclass
class LoadgenDetail:
    """What `mlperf_log_detail.txt` says. `values` has the last value of each key but the errors' and warnings'."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    errors: list[LogMessage] = field(default_factory=list)
    warnings: list[LogMessage] = field(default_factory=list)
    error_count: int = 0
    warning_count: int = 0
    lines: int = 0
    damaged_lines: int = 0
    problems: list[str] = field(default_factory=list)
    loaded_samples: int | None = None

    @property
    def complete(self) -> bool:
        """LoadGen reached its end: `power_end` closes an accuracy log, the counts of errors any other.

        Versions before 5.1 count none; there the figures close it, which are written together.
        """
        last: tuple[str, ...] = ("num_errors", "num_warnings")
        if self.effective_mode == "AccuracyOnly":
            last = ("power_end",)
        elif self.version is not None and self.version < _COUNTS_ERRORS:
            last += ("result_99.90_percentile_latency_ns",)
        return any(key in self.values for key in last)

    @property
    def version(self) -> tuple[int, int, int] | None:
        """LoadGen's version, as far as it tells the logs' form."""
        found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", self.loadgen_version or "")
        return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None

    @property
    def effective_mode(self) -> str | None:
        return self.values.get("effective_test_mode")

    @property
    def window_s(self) -> float | None:
        """Wall-clock time from the first query to the last answer, which LoadGen keeps for power meters, s."""
        try:
            begin, end = (datetime.strptime(str(self.values[f"power_{k}"]), _POWER_TIME) for k in ("begin", "end"))
        except (KeyError, ValueError):
            return None
        return (end - begin).total_seconds()

    @property
    def loadgen_version(self) -> str | None:
        """Such as "5.1.0"; LoadGen adds the commit after an @."""
        text = self.values.get("loadgen_version")
        return str(text).split("@")[0].strip() if text is not None else None

    @property
    def result(self) -> str | None:
        value = self.values.get("result_validity")
        return str(value) if value is not None else None

    @property
    def requested(self) -> dict[str, Any]:
        return _with_prefix(self.values, "requested_")

    @property
    def effective(self) -> dict[str, Any]:
        return _with_prefix(self.values, "effective_")

    @property
    def results(self) -> dict[str, Any]:
        return {key: value for key, value in self.values.items() if key.startswith(("result_", "early_stopping"))}

    @property
    def query_count(self) -> int | None:
        """Queries that were answered."""
        return _integer(self.values.get("result_query_count"))

    @property
    def generated_query_count(self) -> int | None:
        return _integer(self.values.get("generated_query_count"))

    @property
    def generated_samples_per_query(self) -> int | None:
        return _integer(self.values.get("generated_samples_per_query"))

    @property
    def sample_count(self) -> int | None:
        """Samples answered: queries times samples per query as generated.

        Equal issue fills an Offline query up to whole passes over the data; 4.0 to 5.0.10 log its size before that.
        """
        queries, each = self.query_count, self.generated_samples_per_query
        if queries is None or each is None:
            return None
        whole = self.effective.get("performance_sample_count")
        padded = self.version is not None and _PADS_OFFLINE <= self.version < _LOGS_PADDING and self._in_passes
        return queries * (-(-each // whole) * whole if padded and isinstance(whole, int) and whole > 0 else each)

    @property
    def _in_passes(self) -> bool:
        concatenated = self.requested.get("sample_concatenate_permutation")
        return concatenated is True and self.values.get("effective_scenario") == "Offline"


def read_summary(path: Path) -> LoadgenSummary:
    """Read a summary file. Raises UserError only where the file can't be opened."""
    summary = LoadgenSummary(path)
    section = 0
    header = False
    try:
        with plain(path).open(encoding="utf-8", errors="replace") as file:
            for raw in file:
                line = raw.rstrip("\r\n")
                if line.startswith("====="):
                    header = not header
                    continue
                if header:
                    section = _SECTIONS.get(line.strip(), section)
                    continue
                _summary_line(summary, section, line)
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    if not summary.complete:
        summary.problems.append("the summary ends before LoadGen's closing words: truncated, or the run was cut short")
    return summary


_SECTIONS = {"MLPerf Results Summary": 1, "Additional Stats": 2, "Test Parameters Used": 3}
_NAMED = {"SUT name": "sut", "Scenario": "scenario", "Mode": "mode", "Result is": "result"}
_FIGURE = re.compile(r"per second$|\(ns\)$|overhead$", re.IGNORECASE)
_CLOSING = re.compile(r"^(No|\d+) (warnings?|errors?) encountered", re.IGNORECASE)
_STAT = re.compile(
    r"^(?P<what>Min|Max|Mean|(?P<p>\d+(?:\.\d+)?) percentile) "
    r"(?P<of>latency|first token latency|time (?:to|per) output token) \(ns\)$",
    re.IGNORECASE,
)
_STATS = {
    "latency": "latency",
    "first token latency": "ttft",
    "time to output token": "tpot",
    "time per output token": "tpot",
}


def _summary_line(summary: LoadgenSummary, section: int, line: str) -> None:
    closing = _CLOSING.match(line)
    if closing:
        count = 0 if closing[1].lower() == "no" else int(closing[1])
        if closing[2].lower().startswith("warning"):
            summary.warnings = count
        else:
            summary.errors = count
        return
    name, colon, value = (part.strip() for part in line.rpartition(":"))
    name = " ".join(name.split())
    if (section == 1 and line.startswith((" *", "Recommendations"))) or "Early Stopping Result" in line:
        _advice(summary, line)
    elif not colon or not value:
        return
    elif section == 1 and name in _NAMED:
        setattr(summary, _NAMED[name], value)
    elif section == 1 and value.lower() in ("yes", "no", "skipped"):
        summary.conditions[name] = value.lower() != "no"
        if value.lower() == "no":
            summary.reasons.append(f"{name}: no")
    elif section in (1, 2):
        number = _number(value)
        if number is not None:
            summary.metrics[name] = number
            _stat(summary, name, number)
        elif _FIGURE.search(name):
            summary.problems.append(f"no number in {line.strip()!r}")
    elif section == 3 and not name.lower().startswith("warning"):
        number = _number(value)
        summary.parameters[name] = value if number is None else number


def _advice(summary: LoadgenSummary, line: str) -> None:
    """Bullets before the early-stopping headings explain an INVALID; those after them are estimates."""
    heading = not line.startswith(" *")
    text = line.strip(" *")
    if "Early Stopping Result" in line or (not heading and summary.early_stopping):
        summary.early_stopping.append(text)
    elif not heading:
        summary.reasons.append(text)


def _stat(summary: LoadgenSummary, name: str, number: Number) -> None:
    match = _STAT.match(name)
    if not match or not math.isfinite(number):
        return
    stats: LatencyStats = getattr(summary, _STATS[match["of"].lower()])
    if match["p"]:
        stats.percentiles_ns[float(match["p"])] = int(number)
    else:
        setattr(stats, f"{match['what'].lower()}_ns", int(number))


def read_detail(path: Path) -> LoadgenDetail:
    """Read a detail log line by line, in constant memory. Raises UserError only where the file can't be opened."""
    detail = LoadgenDetail(path)
    try:
        for entry in read_entries(path):
            detail.lines += 1
            if entry is None:
                detail.damaged_lines += 1
            else:
                _detail_entry(detail, entry)
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    if detail.damaged_lines:
        detail.problems.append(f"{detail.damaged_lines} damaged lines of {detail.lines}")
    if not detail.complete:
        detail.problems.append("the log ends before LoadGen's closing lines: truncated, or the run was cut short")
    return detail


def _detail_entry(detail: LoadgenDetail, entry: dict[str, Any]) -> None:
    key, value = entry["key"], entry.get("value")
    metadata = entry.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if metadata.get("is_error"):
        detail.error_count += 1
        _keep(detail.errors, entry)
    elif metadata.get("is_warning"):
        detail.warning_count += 1
        _keep(detail.warnings, entry)
    elif key == "generic_message":
        if len(detail.messages) < _KEPT_MESSAGES:
            detail.messages.append(str(value))
    elif key == "loaded_qsl_set":
        detail.loaded_samples = len(value) if isinstance(value, list) else None
    else:
        detail.values[key] = value


def _keep(messages: list[LogMessage], entry: dict[str, Any]) -> None:
    if len(messages) < _KEPT_MESSAGES:
        time = entry.get("time_ms")
        time_ms = float(time) if isinstance(time, int | float) else None
        messages.append(LogMessage(str(entry["key"]), str(entry.get("value")), time_ms))


def _with_prefix(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _integer(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _number(text: str) -> Number | None:
    """An int where the text is one that 64 bits hold, else a float (nan and inf included), else None."""
    try:
        return int(text) if len(text) < _DIGITS_OF_64_BITS else float(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None
