"""A real Prometheus that scrapes one page every second."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.cluster.local import free_port

_READY_S = 60.0
_PORTS = 5  # a free one may be taken before it listens

Ask = Callable[[str], list[Any]]


@contextmanager
def prometheus(folder: Path, page: str) -> Iterator[Ask]:
    """Gives what puts a query to it and returns the series of its answer; skips the test where there is none."""
    if shutil.which("prometheus") is None:
        pytest.skip("needs Debian's package prometheus (`make test-setup`)")
    target = urllib.parse.urlsplit(page)
    job = {"job_name": "assay", "metrics_path": target.path, "static_configs": [{"targets": [target.netloc]}]}
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})
    )
    process, address = _started(folder)
    try:
        yield lambda expression: _ask(address, expression)
    finally:
        process.terminate()
        process.wait(30)


def _started(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    log = folder / "prometheus.log"
    for _ in range(_PORTS):
        address = f"127.0.0.1:{free_port()}"
        command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={address}"]
        with log.open("ab") as file:
            process = subprocess.Popen([*command, f"--storage.tsdb.path={folder / 'data'}"], stdout=file, stderr=file)
        give_up_s = time.monotonic() + _READY_S
        while process.poll() is None and time.monotonic() < give_up_s:
            try:
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=10).close()
            except OSError:
                time.sleep(0.1)
            else:
                return process, f"http://{address}"
        process.kill()
        process.wait(30)
    raise AssertionError(log.read_text())


def _ask(address: str, expression: str) -> list[Any]:
    try:
        with urllib.request.urlopen(
            f"{address}/api/v1/query?{urllib.parse.urlencode({'query': expression})}", timeout=30
        ) as answer:
            found: list[Any] = json.loads(answer.read())["data"]["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{expression}: {error.read().decode()}") from None
    return found
