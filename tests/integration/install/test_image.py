"""An image built of a bundle, on the rig's own image in place of one from a registry."""

from __future__ import annotations

import json
import shlex
import sys
import tarfile
from collections.abc import Iterator

import pytest
from tests.bundles import assay_alone
from tests.rig import image
from tests.rig.hosts import Hosts
from tests.small_campaigns import write_campaign

from assay.install import BundleContents, Target, write_bundle

pytestmark = [pytest.mark.docker, pytest.mark.ssh]
NAME = "assay-bundle:1"


@pytest.fixture
def built(hosts: Hosts, docker_host: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The host that has the image."""
    links = assay_alone(hosts.folder / "links", monkeypatch)
    bundle = write_bundle(BundleContents(Target.here(), find_links=links), hosts.folder / "bundle.tar")
    with tarfile.open(bundle.path) as archive:
        archive.extractall(hosts.folder / "bundle", filter="data")
    (context,) = (hosts.folder / "bundle").iterdir()
    command = ["docker", "build", "--build-arg", f"BASE={image.NAME}", "-t", NAME, str(context)]
    hosts.run(docker_host, "env", "DOCKER_BUILDKIT=0", *command, timeout_s=500)
    yield docker_host
    hosts.run(docker_host, "docker", "rmi", NAME)


@pytest.mark.timeout(900)
def test_its_user_is_no_root_and_carries_out_a_campaign(hosts: Hosts, built: int) -> None:
    """The packages beneath Assay are this machine's, which the container is lent."""
    folder = hosts.shared / "campaign"
    write_campaign(folder)
    folder.chmod(0o777)
    lent = ["-v", f"{sys.prefix}:{sys.prefix}:ro"]
    # The rig's image has an Assay of its own, on PYTHONPATH.
    docker = ["docker", "run", "--rm", "-e", "PYTHONPATH=", "-v", f"{folder}:/work", "-w", "/work", *lent, NAME]

    def told(*words: str) -> str:
        return hosts.run(built, *docker, *words, timeout_s=400)

    where = "import assay, os; print(os.getuid(), assay.__file__)"
    user, place = told("python3", "-c", where).split()
    assert user == "1000"
    assert place.startswith("/opt/assay/")
    outcome = json.loads(told("assay", "run", "assay.yaml", "--json"))
    assert [run["status"] for run in outcome["campaign"]["runs"]] == ["completed"], shlex.join(docker)
