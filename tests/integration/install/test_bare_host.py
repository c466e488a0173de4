"""A host that has neither Assay nor a network: a bundle is unpacked there, and the plain scripts do their work."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.bundles import assay_alone
from tests.rig.hosts import Hosts
from tests.small_campaigns import write_campaign

from assay.commands.main import main
from assay.install import BundleContents, Target, write_bundle

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(900)]  # many short programs: long where others share the processor
PLACE = "/opt/site/assay"
PACKAGE = "assay-test-tool"


@dataclass(frozen=True)
class Host:
    """node2, with what was carried to it."""

    hosts: Hosts
    unpacked: str
    """The bundle's folder there."""

    def run(self, words: str) -> tuple[int, str]:
        """A shell's line there, in an environment that holds nothing: its exit code, and all that it said."""
        line = f'env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin {words} 2>&1; echo "ended $?"'
        said, _, code = self.hosts.run(2, "sh", "-c", line, timeout_s=800).rpartition("ended ")
        return int(code), said


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A real package of one file, where they can be made."""
    if shutil.which("dpkg-deb") is None or shutil.which("apt-get") is None:
        return ()
    folder = tmp_path_factory.mktemp("debian")
    tree = folder / PACKAGE
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share" / PACKAGE).touch()
    lines = [f"Package: {PACKAGE}", "Version: 1.0", "Architecture: all", "Maintainer: tests <tests@localhost>"]
    (tree / "DEBIAN/control").write_text("\n".join([*lines, "Description: of a test", ""]))
    subprocess.run(["dpkg-deb", "--build", tree, folder / "tool.deb"], check=True, capture_output=True)
    return (folder / "tool.deb",)


@pytest.fixture(scope="module")
def host(hosts: Hosts, debian: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("bundle")
    with pytest.MonkeyPatch.context() as patch:
        contents = BundleContents(Target.here(), debian=debian, find_links=assay_alone(folder / "links", patch))
        bundle = write_bundle(contents, folder / "b.tar")
    shutil.copyfile(bundle.path, hosts.shared / "b.tar")
    hosts.run(2, "mkdir", "/opt/carried")
    hosts.run(2, "tar", "-C", "/opt/carried", "-xf", str(hosts.shared / "b.tar"))
    yield Host(hosts, f"/opt/carried/assay-{bundle.manifest.assay}-{bundle.manifest.target}")
    hosts.run(2, "rm", "-rf", "/opt/carried", "/opt/site")


def test_the_plain_scripts_run_and_look_there(host: Host) -> None:
    campaign = host.hosts.folder / "bare"
    write_campaign(campaign)
    words = ["export", "scripts", str(campaign / "assay.yaml"), "--output", str(campaign / "scripts")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    for name in ("prompts.jsonl", "tokenizer"):
        (campaign / name).rename(campaign / "scripts" / name)
    scripts = shlex.quote(str(campaign / "scripts"))

    code, said = host.run(f"{scripts}/run_benchmarks.sh")
    assert (code, "`assay bundle`" in said) == (127, True), said
    code, said = host.run(f"PYTHON={sys.executable} sh {host.unpacked}/install.sh --as-root --folder {PLACE}")
    assert code == 0, said
    code, said = host.run(f"ASSAY={PLACE}/bin/assay {scripts}/run_benchmarks.sh --quiet")
    assert code == 0, said
    (run,) = (campaign / "scripts").glob("results/*/runs/*")
    counts = json.loads((run / "ledger.json").read_text())
    assert (counts["issued"], counts["completed"], counts["problems"]) == (8, 8, [])
    assert (campaign / "scripts" / "run_benchmarks.log").stat().st_size > 0

    code, said = host.run(f"{scripts}/monitor_benchmarks.sh once")
    assert run.name in said, "without an assay on its PATH it reads the campaign's files"
    assert '"phase":' in said
    _, told = host.run(f"ASSAY={PLACE}/bin/assay {scripts}/monitor_benchmarks.sh once")
    assert "offline" in told
    assert '"phase":' not in told


def test_its_debian_packages_are_roots_to_add_and_to_take_away(host: Host, debian: tuple[Path, ...]) -> None:
    if not debian:
        pytest.skip("needs apt-get and dpkg-deb")
    script = f"PYTHON={sys.executable} sh {host.unpacked}/install.sh --debian"
    looked = f"test -e /usr/share/{PACKAGE}"
    assert host.run(f"{script} --plan") == (0, f"would install {PACKAGE}\n")
    assert host.run(looked)[0] == 1
    assert host.run(script) == (0, f"installed {PACKAGE}\n")
    assert host.run(looked)[0] == 0
    assert host.run(f"{script} --remove") == (0, f"removed {PACKAGE}\n")
    assert host.run(looked)[0] == 1
