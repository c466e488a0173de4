#!/bin/sh
# Installs Assay from the bundle that this lies in; needs nothing but the Python that the bundle is for.
#
#   sh install.sh [--folder DIR]      into DIR (default: ~/.local/share/assay)
#   sh install.sh --check             only compare the bundle's files with its manifest
#   sh install.sh --remove            take away what was installed
#   sh install.sh --debian [--plan]   as root: install the Debian packages that the bundle brings, or tell what would be
#   sh install.sh --debian --remove   as root: take away those that this added
#
# PYTHON names another interpreter than python3. Root is refused unless --as-root is given.
set -eu
python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "install: there is no $python here: name the interpreter with PYTHON=/path/to/python3" >&2
  exit 1
fi
program=installer.py
if [ "${1-}" = --debian ]; then
  shift
  program=debian.py
  if ! [ -f "$(dirname -- "$0")/$program" ]; then
    echo "install: this brings no Debian packages: make a bundle that does (assay bundle --debian FILE), and unpack it" >&2
    exit 1
  fi
fi
exec "$python" -I "$(dirname -- "$0")/$program" "$@"
