"""Assay put on hosts that reach nothing but the controller: installed, run, left alone, gone on with, taken away."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.bundles import assay_alone
from tests.rig.hosts import Hosts
from tests.small_campaigns import write_campaign

from assay.cluster import LaunchError
from assay.cluster.options import SshOptions
from assay.commands.main import main
from assay.deploy.check import check_cluster
from assay.engines import SimulatedOptions
from assay.install import BundleContents, Target, write_bundle
from assay.install.link import BLOCK_BYTES
from assay.install.nodes import NodeRow, Nodes, remove, target_over_ssh
from assay.install.placing import Wanted, install

pytestmark = pytest.mark.ssh
SIMULATED = SimulatedOptions(kind="simulated")
PYTHON = str(Path(sys.executable).resolve())
PLACE = "/opt/site/assay"
WEIGHTS = bytes(range(256)) * 40


@pytest.fixture
def nodes(hosts: Hosts, ssh_options: SshOptions) -> Iterator[Nodes]:
    """Of node3 a place in the home folder."""
    first, second = ssh_options.nodes
    listed = (first, second.model_copy(update={"python": ".site/assay/bin/python"}))
    options = ssh_options.model_copy(update={"python": f"{PLACE}/bin/python", "nodes": listed})
    yield Nodes(options, PYTHON, as_root=True)
    for number in (2, 3):
        hosts.run(number, "rm", "-rf", "/opt/site", "/opt/models", "/root/.site")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    with pytest.MonkeyPatch.context() as patch:
        links = assay_alone(folder / "links", patch)
        return write_bundle(BundleContents(Target.here(), find_links=links), folder / "b.tar").path


@pytest.fixture
def wanted(bundle: Path, tmp_path: Path) -> Wanted:
    model = tmp_path / "model"
    (model / "part").mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "part" / "weights").write_bytes(WEIGHTS)
    return Wanted(bundle, model=model, model_folder="/opt/models/m")


async def put(nodes: Nodes, wanted: Wanted) -> list[NodeRow]:
    return await install(nodes, await nodes.look(), wanted, lambda *_: None)


def there(hosts: Hosts, number: int) -> str:
    """What lies where things are put, with the times of its files."""
    look = "find /opt/site /opt/models /root/.site -printf '%p %T@ %s\\n' 2>/dev/null"
    return hosts.run(number, "sh", "-c", look, check=False)


async def test_installed_without_a_route_run_left_alone_and_gone(hosts: Hosts, nodes: Nodes, wanted: Wanted) -> None:
    assert "default" not in hosts.run(2, "ip", "route")
    planned = await put(Nodes(nodes.options, PYTHON, as_root=True, plan=True), wanted)
    assert [row.done[0].startswith("send ") for row in planned] == [True, True]
    assert there(hosts, 2) == ""

    checked = await check_cluster(SIMULATED, nodes.options)
    assert ["run `assay node install`" in row.detail for row in checked.failed if row.check == "reachable"] == [
        True
    ] * 2

    rows = await put(nodes, wanted)
    assert [(row.node, row.before, row.problem) for row in rows] == [("node2", "nothing", ""), ("node3", "nothing", "")]
    checked = await check_cluster(SIMULATED, nodes.options)
    assert [row.outcome for row in checked.rows if row.check == "engine"] == ["passed", "passed"]
    weights = hosts.run(3, "sha256sum", "/opt/models/m/part/weights").split()[0]
    assert weights == hashlib.sha256(WEIGHTS).hexdigest()

    before = there(hosts, 2)
    assert [(row.done, row.problem) for row in await put(nodes, wanted)] == [((), "")] * 2
    assert there(hosts, 2) == before

    folder = hosts.folder / "campaign"
    write_campaign(folder)
    command = f"cd {shlex.quote(str(folder))} && {PLACE}/bin/assay run assay.yaml --quiet"
    hosts.run(2, "sh", "-c", command, timeout_s=120)
    (ledger,) = folder.glob("results/*/runs/*/ledger.json")
    counts = json.loads(ledger.read_text())
    assert (counts["issued"], counts["completed"], counts["problems"]) == (8, 8, [])

    rows = await remove(nodes, await nodes.look())
    assert [row.problem for row in rows] == ["", ""]
    assert there(hosts, 2) == there(hosts, 3) == ""


def test_the_commands_tell_each_node(hosts: Hosts, nodes: Nodes, bundle: Path, tmp_path: Path) -> None:
    text = {"engine": {"kind": "simulated"}, "cluster": nodes.options.model_dump(mode="json", exclude_none=True)}
    (tmp_path / "assay.yaml").write_text(json.dumps(text))
    words = [str(tmp_path / "assay.yaml"), "--python", PYTHON]
    status = CliRunner().invoke(main, ["node", "status", *words])
    assert status.exit_code == 0, status.output
    assert status.stdout.count(str(Target.here())) == 2
    assert "/root/.site/assay" in status.stdout
    plan = CliRunner().invoke(main, ["node", "install", *words, "--bundle", str(bundle), "--plan", "--as-root"])
    assert plan.exit_code == 0, plan.output
    assert [line.split(": send")[0] for line in plan.stdout.splitlines()] == ["node2 (nothing)", "node3 (nothing)"]
    refused = CliRunner().invoke(main, ["node", "install", *words, "--bundle", str(bundle), "--json"])
    assert refused.exit_code == 1
    assert ["--as-root" in row["problem"] for row in json.loads(refused.stdout)["nodes"]] == [True, True]
    assert there(hosts, 2) == there(hosts, 3) == ""


async def test_a_bundles_target_is_asked_of_a_host(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(hosts.ssh_config.read_text())
    monkeypatch.setenv("HOME", str(tmp_path))
    version = hosts.run(2, "python3", "-c", "import sys; print('cp%d%d' % sys.version_info[:2])").strip()
    here = Target.here()
    assert str(await target_over_ssh("node2")) == f"{version}-manylinux_2_{here.glibc}_{here.machine}"
    with pytest.raises(LaunchError, match="absent"):
        await target_over_ssh("absent.invalid")


async def test_a_cut_on_the_way_is_told_and_a_second_time_goes_on(hosts: Hosts, nodes: Nodes, wanted: Wanted) -> None:
    told: list[tuple[str, int]] = []

    def cut(node: str, file: str, done: int, of: int) -> None:
        told.append((node, done))
        hosts.cut(2)

    one = Nodes(nodes.options.only(["node2"]), PYTHON, as_root=True)
    try:
        (row,) = await install(one, await one.look(), wanted, cut)
    finally:
        hosts.heal(2)
    assert told == [("node2", BLOCK_BYTES)]
    assert "the link is lost" in row.problem
    assert "run this again" in row.problem

    told.clear()
    (view,) = await one.look()
    assert view.seen.incoming >= BLOCK_BYTES
    (row,) = await install(one, [view], wanted, lambda node, file, done, of: told.append((node, done)))
    assert row.problem == ""
    assert told[0][1] > BLOCK_BYTES, "what had come was sent again"
    assert "/opt/site/assay.incoming" not in there(hosts, 2)
    await remove(one, await one.look())
    assert there(hosts, 2) == ""


async def test_what_can_not_be_done_is_each_nodes_own_row(hosts: Hosts, nodes: Nodes, wanted: Wanted) -> None:
    hosts.run(2, "sh", "-c", f"mkdir -p {PLACE} && touch {PLACE}/theirs")
    absent = nodes.options.nodes[1].model_copy(update={"name": "absent", "address": hosts.address(9)})
    listed = (nodes.options.nodes[0], absent)
    options = nodes.options.model_copy(update={"nodes": listed})
    rows = await put(Nodes(options, PYTHON, as_root=True), wanted)
    taken = await remove(Nodes(options, PYTHON, as_root=True), await Nodes(options, PYTHON).look())
    root = await put(Nodes(options, PYTHON), wanted)
    left = hosts.run(2, "ls", PLACE)
    wrong = await Nodes(options.only(["node2"]), "/nowhere/python3").look()
    assert [row.before for row in rows] == ["something else", "not reached"]
    assert "with cluster.python" in rows[0].problem
    assert "node absent" in rows[1].problem
    assert "isn't an installation" in taken[0].problem
    assert "--as-root" in root[0].problem
    assert left == "theirs\n"
    assert "/nowhere/python3" in wrong[0].problem
