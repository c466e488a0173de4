"""The exported playbooks on hosts: Assay put there, left alone, a campaign run and collected, all taken away again.

The bundle's packages are those of this environment, which the hosts see.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ansible import ansible, require_ansible
from tests.bundles import assay_alone
from tests.rig.hosts import Hosts, gone
from tests.small_campaigns import CAMPAIGN, write_campaign

from assay.cluster.options import SshOptions
from assay.deploy.export import write_files
from assay.install import BundleContents, Target, write_bundle
from assay.install.playbooks import ansible_files

pytestmark = pytest.mark.ssh
PLACE = "/opt/ansible-site"
LIMITS = "/etc/security/limits.d/assay.conf"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeKeyOfNobody nobody"


@pytest.fixture
def site(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> Iterator[Path]:
    """The exported folder, whose variables ask for a bundle, a user, a limit and a model."""
    require_ansible()
    cluster = ssh_options.model_copy(update={"python": f"{PLACE}/assay/bin/python", "user": "root"})
    write_campaign(tmp_path / "campaign")
    config = tmp_path / "campaign" / "assay.yaml"
    config.write_text(f"{CAMPAIGN}cluster: {cluster.model_dump_json(exclude_none=True)}\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        links = assay_alone(tmp_path / "links", patch)
        bundle = write_bundle(BundleContents(Target.here(), find_links=links), tmp_path / "b.tar").path
    write_files(ansible_files(cluster, config, Path("results")), tmp_path / "site")
    wanted = {
        "assay_command": str(Path(sys.executable).with_name("assay")),
        "assay_node_bundle": str(bundle),
        "assay_node_python": str(Path(sys.executable).resolve()),
        "assay_node_user": "root",
        "assay_node_authorized_keys": [KEY],
        "assay_node_as_root": True,
        "assay_node_data": [{"src": f"{tmp_path}/model/", "dest": f"{PLACE}/models/m"}],
        "assay_node_nofile": 4096,
        "assay_node_clock_checked": False,  # no systemd there
        "assay_node_remove_data": True,
    }
    (tmp_path / "site" / "wanted.json").write_text(json.dumps(wanted))
    yield tmp_path / "site"
    for number in (2, 3):
        hosts.run(number, "rm", "-rf", PLACE, LIMITS)


def play(site: Path, name: str, *words: str) -> list[int]:
    """How much was changed, on each host."""
    home = site.parent / "home"
    said = ansible("ansible-playbook", name, "-e", "@wanted.json", *words, folder=site, home=home)
    return [int(count) for count in re.findall(r"changed=(\d+)", said)]


def there(hosts: Hosts, number: int) -> list[str]:
    return hosts.run(number, "find", PLACE, LIMITS, "-type", "f", check=False).splitlines()


@pytest.mark.timeout(600)  # six plays of many short programs: minutes where others share the processor
def test_a_site_twice_a_campaign_and_away(hosts: Hosts, site: Path) -> None:
    first = play(site, "site.yml")
    assert len(first) == 2
    assert min(first) > 0
    assert hosts.run(2, "cat", LIMITS) == "root - nofile 4096\n"
    assert hosts.run(3, "cat", f"{PLACE}/models/m/config.json") == "{}"
    assert hosts.run(3, "grep", "-c", KEY, "/root/.ssh/authorized_keys") == "1\n"
    assert play(site, "site.yml") == [0, 0]

    assert play(site, "check.yml") == [0]
    play(site, "run.yml")
    play(site, "collect.yml")
    (ledger,) = (site / "collected" / "localhost").glob("*/runs/*/ledger.json")
    counts = json.loads(ledger.read_text())
    assert (counts["issued"], counts["completed"], counts["problems"]) == (8, 8, [])
    assert all(gone(hosts, number) for number in (2, 3))

    assert min(play(site, "remove.yml")) > 0
    assert there(hosts, 2) == there(hosts, 3) == []


def test_a_user_is_created_once_with_its_key(hosts: Hosts, site: Path) -> None:
    include = {"ansible.builtin.include_role": {"name": "assay_node", "tasks_from": "user"}}
    (site / "user.yml").write_text(json.dumps([{"hosts": "node3", "gather_facts": False, "tasks": [include]}]))
    asked = ("-e", "assay_node_user=assaybench")
    try:
        assert play(site, "user.yml", *asked) == [3]
        keys = hosts.run(3, "stat", "-c", "%U %a", "/home/assaybench/.ssh", "/home/assaybench/.ssh/authorized_keys")
        assert keys == "assaybench 700\nassaybench 600\n"
        assert hosts.run(3, "cat", "/home/assaybench/.ssh/authorized_keys") == f"{KEY}\n"
        assert play(site, "user.yml", *asked) == [0]
    finally:
        hosts.run(3, "userdel", "--remove", "assaybench", check=False)
