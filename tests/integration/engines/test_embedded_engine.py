"""The engine process's two promises: it serves only a model that answers rightly, and it reports to nobody."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.engines.embedded import ensure_model
from assay.engines.embedded.cpu import has_bf16
from assay.errors import UserError

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _installed() -> None:
    if importlib.util.find_spec("openvino_genai") is None:
        pytest.skip("openvino-genai isn't installed")


@pytest.fixture
def gguf() -> Path:
    try:
        return ensure_model().gguf_f16
    except UserError as error:
        pytest.skip(f"no model: {error}")


def _python(code: str, home: Path, *arguments: str) -> str:
    """What `code` prints; in a process of its own, for it imports openvino."""
    environment = {**os.environ, "HOME": str(home)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


_WRONG_RECORD = """
import os
import sys
from pathlib import Path
from assay.engines.embedded import engine
from assay.engines.embedded.cpu import has_bf16
from assay.engines.embedded.options import ComputeOptions

options = ComputeOptions(cache_gb=1).settled(cores=len(os.sched_getaffinity(0)), bf16=has_bf16())
loop = engine.EngineLoop(engine.load_pipeline(Path(sys.argv[1]), options), None)
loop.check_golden()
engine.GOLDEN[-1].token_ids[-1] += 1
try:
    loop.check_golden()
except RuntimeError as error:
    print(error)
"""


def test_one_wrong_token_is_refused(gguf: Path, tmp_path: Path) -> None:
    assert "the model answers a recorded prompt with" in _python(_WRONG_RECORD, tmp_path, str(gguf))


_BF16 = """
import sys
from pathlib import Path
from assay.engines.embedded import engine
from assay.engines.embedded.options import ComputeOptions

try:
    engine.load_pipeline(Path(sys.argv[1]), ComputeOptions("bf16", cache_gb=1))
    print("loaded")
except RuntimeError as error:
    print(error)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="with one core OpenVINO dies in bf16 on any CPU")
def test_openvino_takes_bf16_where_it_is_chosen_and_only_there(gguf: Path, tmp_path: Path) -> None:
    told = _python(_BF16, tmp_path, str(gguf))
    assert told == "loaded" if has_bf16() else "expect kvcache type f32" in told


_RECORD_NETWORK = """
import sys
events = []
sys.addaudithook(lambda name, _: events.append(name) if name in ("socket.connect", "socket.getaddrinfo") else None)
from assay.engines.embedded.engine import import_openvino_genai
import_openvino_genai()
from openvino.tools.ovc import telemetry_utils
print(telemetry_utils.tm.__name__, events)
"""


def test_importing_openvino_reports_nothing(tmp_path: Path) -> None:
    assert _python(_RECORD_NETWORK, tmp_path) == "openvino.tools.ovc.telemetry_stub []"
    assert not list(tmp_path.iterdir())  # where the telemetry package leaves a client id
