#!/bin/sh
# Installs Assay from the bundle that this lies in; needs nothing but the Python that the bundle is for.
#
#   sh install.sh [--folder DIR]      into DIR (default: ~/.local/share/assay)
#   sh install.sh --check             only compare the bundle's files with its manifest
#   sh install.sh --remove            take away what was installed
#
# PYTHON names another interpreter than python3. Root is refused unless --as-root is given.
set -eu
python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "install: there is no $python here: name the interpreter with PYTHON=/path/to/python3" >&2
  exit 1
fi
exec "$python" -I "$(dirname -- "$0")/installer.py" "$@"
