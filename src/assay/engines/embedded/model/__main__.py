"""Prepare the embedded engine's model and say where it is: `python -m assay.engines.embedded.model`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from assay.engines.embedded.model.files import ensure_model
from assay.errors import UserError


def main() -> int:
    """Exit 0 with the files' paths and SHA-256 on stdout, or 2 with one message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m assay.engines.embedded.model", description=__doc__)
    parser.add_argument("--cache-dir", type=Path, help="default: $ASSAY_CACHE, else the user's cache folder")
    options = parser.parse_args()
    try:
        files = ensure_model(options.cache_dir)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"SmolLM2-135M-Instruct, {files.context_length} tokens of context")
    for path in (files.gguf_f16, files.tokenizer_json):
        print(f"{path}  sha256 {files.sha256s[path.name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
