#!/usr/bin/env bash
# Installs the OpenAPI tools from PyPI, once per requirements file, outside the source tree. The last line on stdout is
# the directory of their programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock_hash=$( (python3 --version; cat "$here/requirements.txt") | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/orchestrator-tests
installed=$cache/python-$lock_hash

if [ ! -e "$installed/complete" ]; then
  if ! python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    echo "setup.sh: python3 (3.10 or later) with venv is missing: the OpenAPI tests install their validators with it (Debian: apt-get install python3-venv)" >&2
    exit 1
  fi
  mkdir -p "$cache"
  exec 9>"$installed.lock"
  flock 9
  # Whoever held the lock may have installed it meanwhile. An environment can't be moved: it is made where it stays.
  if [ ! -e "$installed/complete" ]; then
    rm -rf "$installed"
    python3 -m venv "$installed" >&2
    "$installed/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt" >&2
    touch "$installed/complete"
  fi
fi

echo "$installed/bin"
