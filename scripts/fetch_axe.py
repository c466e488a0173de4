#!/usr/bin/env python3
"""Fetch axe-core (MPL-2.0), which tests hold pages' accessibility against, into .test-tools/; without it they skip."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

VERSION = "4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
URL = f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz"
TARGET = Path(__file__).resolve().parents[1] / ".test-tools" / f"axe-{VERSION}.min.js"


def main() -> None:
    """Leave the file where it is; a registry that can't be reached is no error, another file than expected is."""
    if TARGET.exists():
        return
    try:
        with urllib.request.urlopen(URL, timeout=60) as reply:
            archive = reply.read()
    except OSError as error:
        print(f"axe-core wasn't fetched ({error}); the tests that need it will skip", file=sys.stderr)
        return
    found = hashlib.sha256(archive).hexdigest()
    if found != SHA256:
        sys.exit(f"{URL} has SHA-256 {found}, not {SHA256}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        member = files.extractfile("package/axe.min.js")
        if member is None:
            sys.exit(f"{URL} holds no axe.min.js")
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_bytes(member.read())


if __name__ == "__main__":
    main()
