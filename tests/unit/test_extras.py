"""Each extra's absence is told with the command that installs it, and no import of anybody's library is forgotten."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assay.errors import UserError
from assay.extras import DISTRIBUTION, EXTRAS, INSTALLED_MARK, bundle_bringing, how_to_add, require
from assay.install import installer

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_DEPENDENCIES = {
    "click", "httptools", "jinja2", "markupsafe", "matplotlib", "mlperf_loadgen", "nltk", "numpy", "orjson",
    "packaging", "plotly", "prometheus_client", "psutil", "pyarrow", "pydantic", "pydantic_core", "yaml", "rich",
    "rouge_score_rs", "scipy", "tokenizers", "uvloop",
}  # fmt: skip
"""What Assay's own dependencies bring: always there."""
BESIDE = {"openvino": "openvino_genai", "requests": "docker", "urllib3": "kubernetes"}
"""Modules that come with one that is asked for."""


@cache
def sources() -> dict[Path, ast.Module]:
    paths = (ROOT / "src" / "assay").rglob("*.py")
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def extra_of(module: str) -> str | None:
    top = BESIDE.get(module.partition(".")[0], module).partition(".")[0]
    return next((name for name, brings in EXTRAS.items() if top in {each.partition(".")[0] for each in brings}), None)


def required() -> set[str]:
    """The extras that some code asks for by `require`."""
    calls = (node for tree in sources().values() for node in ast.walk(tree) if isinstance(node, ast.Call))
    asked = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "require")
    return {str(call.args[0].value) for call in asked if isinstance(call.args[0], ast.Constant)}


def test_the_extras_are_those_of_the_package() -> None:
    assert set(EXTRAS) == set(PROJECT["optional-dependencies"])
    assert PROJECT["name"] == DISTRIBUTION


def test_every_library_is_a_dependency_or_an_extras() -> None:
    own = {*sys.stdlib_module_names, *OF_DEPENDENCIES, "assay"}
    others = {module for tree in sources().values() for module in imported(tree) if module.split(".")[0] not in own}
    assert {module for module in others if extra_of(module) is None} == set()
    assert {extra_of(module) for module in others} == required(), "an extra is imported and never asked for"


def test_no_place_but_this_one_says_how_an_extra_is_installed() -> None:
    texts = (path.read_text(encoding="utf-8") for path in sources() if path.name != "extras.py")
    assert [found for text in texts for found in re.findall(r"pip install '?assay.*", text)] == []
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    told = [found for page in pages for found in re.findall(r"pip install '?(assay[\w-]*)", page.read_text())]
    assert set(told) == {DISTRIBUTION}


def test_the_page_on_installing_tells_of_every_extra() -> None:
    page = (ROOT / "docs/package.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(EXTRAS)
    assert "| `tune` | `assay tune engine` |" in page, "other searches go without"


def test_the_bundle_that_brings_a_module() -> None:
    assert bundle_bringing("openvino_genai") == "assay bundle --with embedded"
    assert bundle_bringing("assay") == "assay bundle"
    assert bundle_bringing("vllm") is None


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that this might run in, with a pip."""
    folder = tmp_path / "en v"
    folder.mkdir()
    monkeypatch.setattr(sys, "prefix", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "bin/python"))
    monkeypatch.setitem(sys.modules, "pip", sys)
    return folder


def test_an_extra_is_added_where_this_runs_by_what_made_that(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = f"'{environment}/bin/python'"
    assert how_to_add("web") == f"run `{python} -m pip install 'assay-llm[web]'`"
    monkeypatch.setitem(sys.modules, "pip", None)
    assert how_to_add("web") == f"run `uv pip install --python {python} 'assay-llm[web]'`"
    (environment / "pipx_metadata.json").touch()
    assert how_to_add("web") == "run `pipx inject 'en v' 'assay-llm[web]'`"


@pytest.mark.parametrize(
    ("mark", "names"),
    [
        ('{"extras": ["ssh", "embedded"]}', "embedded,ssh,web"),
        ('{"extras": ["web", "../x"]}', "web"),
        ('{"extras": 1}', "web"),
        ("[]", "web"),
        ("{", "web"),
    ],
)
def test_what_a_bundle_installed_takes_another_bundle(mark: str, names: str, environment: Path) -> None:
    (environment / INSTALLED_MARK).write_text(mark)
    assert f"`assay bundle --with {names}`" in how_to_add("web")
    assert INSTALLED_MARK == installer.MARK


def test_all_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("starlette", "uvicorn"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError) as raised:
        require("web", "watch --web", "Or read the files.")
    assert str(raised.value) == f"watch --web needs starlette and uvicorn: {how_to_add('web')}. Or read the files."


def _embedded(folder: Path) -> None:
    from assay.engines.embedded.server import main

    raise UserError(main([], ready=lambda url: None))


def _ssh(folder: Path) -> None:
    from assay.cluster.options import SshNode, SshOptions
    from assay.cluster.ssh.connection import connect

    node = SshNode(name="a")
    asyncio.run(connect(node, SshOptions(launcher="ssh", nodes=(node,))))


def _docker(folder: Path) -> None:
    _launch({"launcher": "docker", "image": "i"}, folder)


def _kubernetes(folder: Path) -> None:
    _launch({"launcher": "kubernetes", "image": "i"}, folder)


def _torchx(folder: Path) -> None:
    _launch({"launcher": "torchx", "scheduler": "local_cwd", "nodes": [{"name": "a"}]}, folder)


def _launch(cluster: dict[str, Any], folder: Path) -> None:
    from assay.cluster.build import build_launcher
    from assay.config import config_of
    from assay.serving.servers import ServerSpec

    launcher = build_launcher(config_of({"cluster": cluster}, "here").cluster, "label", folder)
    node = cluster["nodes"][0]["name"] if "nodes" in cluster else "local"
    asyncio.run(launcher.prepare([ServerSpec(name="a", node=node, argv=("server",))]))


def _huggingface(folder: Path) -> None:
    from assay.benchmarks import get_benchmark
    from assay.datasets.fetch import _download

    _download(get_benchmark("llama3.1-8b"))


def _web(folder: Path) -> None:
    from assay.commands.watch import _serve

    _serve(None, folder, "127.0.0.1", 0)


def _alerts(folder: Path) -> None:
    from assay.alerts.options import Secret
    from assay.alerts.post import _apprise

    _apprise(Secret(env="URLS"))


def _opentelemetry(folder: Path) -> None:
    from assay.metrics.otlp import _exporter

    _exporter("http://collector:4318")


def _mlflow(folder: Path) -> None:
    from assay.results.mlflow_server import tell_mlflow

    tell_mlflow(None, "http://tracking:5000", None)  # type: ignore[arg-type]


USES: dict[str, Callable[[Path], None]] = {
    "embedded": _embedded, "ssh": _ssh, "docker": _docker, "kubernetes": _kubernetes, "torchx": _torchx,
    "huggingface": _huggingface, "web": _web, "alerts": _alerts, "opentelemetry": _opentelemetry, "mlflow": _mlflow,
}  # fmt: skip


@pytest.mark.parametrize("extra", USES)
def test_without_an_extra_the_command_that_installs_it_is_told(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in EXTRAS[extra]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path))
    with pytest.raises(UserError) as raised:
        USES[extra](tmp_path)
    told = f"{raised.value} {capsys.readouterr().err}"
    assert f"needs {' and '.join(EXTRAS[extra])}: {how_to_add(extra)}" in told
