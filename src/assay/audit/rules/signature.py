"""Who stands by a campaign's manifest."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported


@evidence_rule(
    "signature",
    explain="""
With --allowed-signers, manifest.json.sig must be a signature of manifest.json by a key of that file. A manifest that
changed after it was signed, and a key that isn't in the file, contradict it; a campaign that nobody signed is
unsupported. The signature says who stands by the files, not that they are true.
""",
    source="manifest.json.sig; OpenSSH: ssh-keygen -Y verify",
)
def check(evidence: Evidence) -> Iterator[Check]:
    found = evidence.signature
    if found is None:
        return
    if found.false:
        yield contradicted("the manifest is signed by somebody who is allowed to", found.false)
    elif found.absent:
        yield unsupported("the manifest is signed", found.absent)
    else:
        yield supported("the manifest is signed", f"by {found.signer}")
