"""Scenarios and modes by name, and what a scenario means for the way that load is issued."""

from __future__ import annotations

from typing import Literal

LoadgenDriven = Literal["Offline", "Server", "Interactive", "SingleStream"]
PacerDriven = Literal["Concurrency", "Rate", "Trace", "Sessions"]
Scenario = Literal[LoadgenDriven, PacerDriven]
Mode = Literal["performance", "accuracy"]
DriverName = Literal["loadgen", "pacer"]
Compliance = Literal["TEST06", "TEST07", "TEST09"]  # MLPerf's compliance tests: runs with an audit.config of their own

_PACED: tuple[Scenario, ...] = ("Server", "Interactive", "Rate", "Trace")
_PACERS: tuple[Scenario, ...] = ("Concurrency", "Rate", "Trace", "Sessions")


def is_paced(scenario: Scenario) -> bool:
    """Whether samples are issued at the times of a schedule, so that a target rate and lateness mean something."""
    return scenario in _PACED


def drives(scenario: Scenario) -> DriverName:
    """What issues the samples of `scenario`: MLPerf's scenarios are LoadGen's alone, the others Assay's pacer's."""
    return "pacer" if scenario in _PACERS else "loadgen"
