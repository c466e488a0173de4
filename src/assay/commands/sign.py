"""`assay sign`, and whether a signature holds: both by OpenSSH's own ssh-keygen."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH
from assay.errors import UserError

if TYPE_CHECKING:
    from assay.audit.evidence import Signature
    from assay.runs import CampaignFolder

NAMESPACE = "assay-manifest"
"""What a signature is for: one that was given for mail or a commit is none of a manifest."""
_SSH_KEYGEN = "ssh-keygen"
_SHOWN = 5


@click.command()
@click.argument("campaign", type=PATH)
@click.option("--key", type=PATH, required=True, help="Your private key, or the public half of one in your agent.")
def sign(campaign: Path, key: Path) -> None:
    """Sign a campaign's manifest with an SSH key; `assay audit --allowed-signers` checks it.

    Signs only what is as it was closed.
    """
    from assay.runs import write_bytes

    folder = _campaign(campaign)
    _require_closed(folder)
    key = key.expanduser()
    if not key.is_file():
        raise UserError(f"--key: there is no file {key}; `ssh-keygen -t ed25519` makes a key")
    done = _ssh_keygen(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], folder.manifest.read_bytes())
    if done.returncode != 0:
        raise UserError(f"{key} signs nothing: {_words(done)}")
    write_bytes(folder.signature, done.stdout)
    click.echo(folder.signature)


def signature_of(campaign: Path, allowed: Path) -> Signature:
    """What `allowed` says of a campaign's signature. Raises UserError where that can't be asked."""
    from assay.audit.evidence import Signature

    folder = _campaign(campaign)
    if not allowed.is_file():
        raise UserError(f"--allowed-signers: there is no file {allowed}; its form is in `man ssh-keygen`")
    if not folder.manifest.is_file():
        return Signature(absent=f"there is no {folder.manifest.name} that could be signed")
    if not folder.signature.is_file():
        return Signature(absent=f"there is no {folder.signature.name}: nobody signed it with `assay sign`")
    manifest = folder.manifest.read_bytes()
    of = ["-n", NAMESPACE, "-s", str(folder.signature)]
    if (done := _ssh_keygen(["-Y", "check-novalidate", *of], manifest)).returncode != 0:
        why = f"{folder.signature.name} is no signature of this {folder.manifest.name} ({_words(done)})"
        return Signature(false=why)
    key = done.stdout.decode(errors="replace").strip().partition(" signature ")[2]
    found = _ssh_keygen(["-Y", "find-principals", "-s", str(folder.signature), "-f", str(allowed)])
    for identity in found.stdout.decode(errors="replace").splitlines():
        done = _ssh_keygen(["-Y", "verify", "-f", str(allowed), "-I", identity, *of], manifest)
        if done.returncode == 0:
            return Signature(signer=f"{identity} {key}")
        found = done
    return Signature(false=f"signed {key}, which {allowed} doesn't allow ({_words(found)})")


def _campaign(path: Path) -> CampaignFolder:
    from assay.runs import CampaignFolder

    folder = CampaignFolder(path)
    if not folder.state.is_file():
        raise UserError(f"{path}: not a campaign's folder (no {folder.state.name}), and campaigns are what is signed")
    return folder


def _require_closed(folder: CampaignFolder) -> None:
    from assay.runs.campaign_manifest import check_all, read_campaign_manifest

    manifest = read_campaign_manifest(folder)
    if manifest is None:
        raise UserError(f"{folder.path}: has no {folder.manifest.name}: it was made before assay wrote manifests")
    if not manifest.closed:
        raise UserError(f"{folder.path}: isn't over: `assay run --resume {folder.path}` carries it to its end")
    if others := check_all(folder):
        more = f", and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise UserError(f"{folder.path}: isn't as it was closed: {', '.join(others[:_SHOWN])}{more}")


def _ssh_keygen(arguments: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Its end, whatever it was; it asks for a passphrase at the terminal. Raises UserError where there is none."""
    try:
        return subprocess.run([_SSH_KEYGEN, *arguments], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError(
            f"{_SSH_KEYGEN} isn't on this machine's PATH: install OpenSSH 8.2 or later (Debian: openssh-client)"
        ) from None


def _words(done: subprocess.CompletedProcess[bytes]) -> str:
    """What it said last, on either stream."""
    said = (done.stderr + done.stdout).decode(errors="replace").splitlines()
    told = [line for line in map(str.strip, said) if line and not line.startswith("Signing ")]
    return told[0] if told else f"ssh-keygen ended with {done.returncode}"
