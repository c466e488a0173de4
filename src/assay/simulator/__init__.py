"""An OpenAI-compatible server with a chosen speed, latency and set of faults; it waits instead of computing.

With delays, each token is written when it is due on the request's own absolute schedule. With no delays, each
token is still a server-sent event and an HTTP chunk of its own, but a reply is one write.
"""

from assay.simulator.config import Fault, FaultKind, SimulatorConfig
from assay.simulator.main import main, serve

__all__ = ["Fault", "FaultKind", "SimulatorConfig", "main", "serve"]
