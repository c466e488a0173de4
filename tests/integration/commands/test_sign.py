"""Signing a campaign's manifest and checking it, with the real ssh-keygen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.synthetic import Plan, write_campaign

from assay.analysis.summary import summarise
from assay.commands.main import main
from assay.runs import CampaignFolder, read_campaign, write_json, write_run_manifest
from assay.runs.campaign_manifest import close_manifest, open_manifest, read_campaign_manifest

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "audit.md").read_text()
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (Debian: openssh-client)")


@pytest.fixture
def campaign(tmp_path: Path) -> CampaignFolder:
    folder = write_campaign(tmp_path, {"offline-r0": Plan(samples=60)})
    open_manifest(folder)
    run = folder.run("offline-r0")
    write_json(run.result, summarise(run))
    write_run_manifest(run, read_campaign(folder).plan_sha256)
    close_manifest(folder, read_campaign(folder))
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys, and a file that allows the first for alice and one that allows the second for bob."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("alice", "bob"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        public = (folder / f"{name}.pub").read_text()
        (folder / f"allow-{name}").write_text(f'{name}@example.org namespaces="assay-manifest" {public}')
    return folder


def assay(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def sign(campaign: CampaignFolder, key: Path) -> None:
    done = assay("sign", campaign.path, "--key", key)
    assert done.exit_code == 0, done.output
    assert done.output == f"{campaign.signature}\n"


def signature(campaign: CampaignFolder, allowed: Path) -> tuple[str, str]:
    """The verdict and the arithmetic of the rule `signature`."""
    done = assay("audit", campaign.path, "--allowed-signers", allowed, "--json")
    ((verdict, words),) = [
        (f["verdict"], f["arithmetic"]) for f in json.loads(done.stdout)["findings"] if f["rule"] == "signature"
    ]
    assert done.exit_code == (0 if verdict == "supported" else 3)
    return verdict, words


def test_a_signature_by_an_allowed_key_names_who_signed(campaign: CampaignFolder, keys: Path) -> None:
    sign(campaign, keys / "alice")
    verdict, words = signature(campaign, keys / "allow-alice")
    assert verdict == "supported"
    assert words.startswith("by alice@example.org with ED25519 key SHA256:")
    report = json.loads(assay("audit", campaign.path, "--allowed-signers", keys / "allow-alice", "--json").stdout)
    assert report["manifest"].endswith(f"; signed {words}")
    assert assay("audit", campaign.path).exit_code == 0, "the signature isn't a file that was added"


def test_a_key_that_isnt_allowed_is_said_with_its_fingerprint(campaign: CampaignFolder, keys: Path) -> None:
    sign(campaign, keys / "alice")
    verdict, words = signature(campaign, keys / "allow-bob")
    assert verdict == "contradicted"
    assert words.startswith("signed with ED25519 key SHA256:")
    assert "doesn't allow (No principal matched.)" in words


def test_a_key_that_is_allowed_for_something_else_isnt_for_this(campaign: CampaignFolder, keys: Path) -> None:
    sign(campaign, keys / "alice")
    other = keys / "for-git"
    other.write_text(f'alice@example.org namespaces="git" {(keys / "alice.pub").read_text()}')
    verdict, words = signature(campaign, other)
    assert verdict == "contradicted"
    assert "namespace" in words


def test_a_manifest_that_changed_after_it_was_signed(campaign: CampaignFolder, keys: Path) -> None:
    sign(campaign, keys / "alice")
    manifest = read_campaign_manifest(campaign)
    assert manifest is not None
    write_json(campaign.manifest, manifest.model_copy(update={"assay_version": "another"}))
    verdict, words = signature(campaign, keys / "allow-alice")
    assert verdict == "contradicted"
    assert words.startswith("manifest.json.sig is no signature of this manifest.json (Signature verification failed")


def test_a_file_that_changed_after_it_was_signed_is_the_manifests_matter(campaign: CampaignFolder, keys: Path) -> None:
    sign(campaign, keys / "alice")
    campaign.run("offline-r0").ledger.write_text("{}")
    done = assay("audit", campaign.path, "--allowed-signers", keys / "allow-alice", "--json")
    verdicts = {(f["rule"], f["verdict"]) for f in json.loads(done.stdout)["findings"]}
    assert {("signature", "supported"), ("manifest", "contradicted")} <= verdicts
    assert done.exit_code == 3


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_a_signature_that_is_gone_or_none(campaign: CampaignFolder, keys: Path, damage: str) -> None:
    verdict = "unsupported"
    if damage == "garbage":
        campaign.signature.write_text("no signature")
        verdict = "contradicted"
    assert signature(campaign, keys / "allow-alice")[0] == verdict


def test_only_what_is_as_it_was_closed_is_signed(campaign: CampaignFolder, keys: Path) -> None:
    run = campaign.run("offline-r0")
    run.ledger.write_text("{}")
    done = assay("sign", campaign.path, "--key", keys / "alice")
    assert done.exit_code == 2
    assert "isn't as it was closed: runs/offline-r0/ledger.json: changed" in done.output
    assert not campaign.signature.exists()


def test_a_campaign_that_isnt_over_is_not_signed(campaign: CampaignFolder, keys: Path) -> None:
    open_manifest(campaign)
    done = assay("sign", campaign.path, "--key", keys / "alice")
    assert done.exit_code == 2
    assert "isn't over: `assay run --resume" in done.output


def test_a_campaign_without_a_manifest(campaign: CampaignFolder, keys: Path) -> None:
    campaign.manifest.unlink()
    done = assay("sign", campaign.path, "--key", keys / "alice")
    assert done.exit_code == 2
    assert "made before assay wrote manifests" in done.output
    assert signature(campaign, keys / "allow-alice") == (
        "unsupported",
        "there is no manifest.json that could be signed",
    )


def test_what_the_user_got_wrong_is_one_message(
    campaign: CampaignFolder, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, words in {
        ("sign", campaign.path, "--key", keys / "none"): "--key: there is no file",
        ("sign", campaign.path, "--key", keys / "allow-bob"): "signs nothing",
        ("sign", campaign.run("offline-r0").path, "--key", keys / "alice"): "not a campaign's folder",
        ("audit", campaign.path, "--allowed-signers", keys / "none"): "--allowed-signers: there is no file",
        ("audit", campaign.run("offline-r0").path, "--allowed-signers", keys / "allow-bob"): "not a campaign's folder",
    }.items():
        done = assay(*arguments)
        assert (done.exit_code, words in done.output) == (2, True), done.output
    sign(campaign, keys / "alice")
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments in (
        ("sign", campaign.path, "--key", keys / "alice"),
        ("audit", campaign.path, "--allowed-signers", keys / "allow-alice"),
    ):
        done = assay(*arguments)
        assert (done.exit_code, "install OpenSSH" in done.output) == (2, True), done.output


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_the_guides_commands_check_a_signed_campaign_without_assay(campaign: CampaignFolder, keys: Path) -> None:
    sign(campaign, keys / "alice")
    (block,) = re.findall(r"    cd CAMPAIGN\n((?:    .*\n)+)", GUIDE)
    commands = block.replace("-f allowed ", f"-f {keys / 'allow-alice'} ")

    def checked() -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-ec", commands],
            cwd=campaign.path,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = checked()
    assert code == 0, said
    assert 'Good "assay-manifest" signature for alice@example.org' in said
    assert "runs/offline-r0/manifest.json: OK" in said
    campaign.run("offline-r0").ledger.write_text("{}")
    code, said = checked()
    assert code != 0
    assert "ledger.json: FAILED" in said
