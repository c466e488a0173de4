"""Assay's own source of load, for what MLPerf's scenarios don't ask: fixed concurrency, rates, traces, sessions."""

from assay.load.pacer.source import Pacer
from assay.load.pacer.timetable import Timetable

__all__ = ["Pacer", "Timetable"]
