"""The search for the highest rate that keeps its limits: when a probe is sure, and which rate comes next.

Functions of what was measured: no files, no clock.
"""

from assay.search.criteria import Criterion, Verdict
from assay.search.curve import Line, Point, Spread, line, points
from assay.search.history import Found, Probe, Role, Run, Settings, Step, Stopped
from assay.search.rate import decide, narrowest
from assay.search.sides import surely_over
from assay.search.trial import Confirmation, Request, Trial, came, confirmation, outgrown, queue_grows

__all__ = [
    "Confirmation",
    "Criterion",
    "Found",
    "Line",
    "Point",
    "Probe",
    "Request",
    "Role",
    "Run",
    "Settings",
    "Spread",
    "Step",
    "Stopped",
    "Trial",
    "Verdict",
    "came",
    "confirmation",
    "decide",
    "line",
    "narrowest",
    "outgrown",
    "points",
    "queue_grows",
    "surely_over",
]
