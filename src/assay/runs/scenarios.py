"""Scenarios and modes by name, and what a scenario means for the way that load is issued."""

from __future__ import annotations

from typing import Literal

Scenario = Literal["Offline", "Server", "Interactive", "SingleStream"]
Mode = Literal["performance", "accuracy"]

_PACED: tuple[Scenario, ...] = ("Server", "Interactive")


def is_paced(scenario: Scenario) -> bool:
    """Whether samples are issued at the times of a schedule, so that a target rate and lateness mean something."""
    return scenario in _PACED
