#!/usr/bin/env bash
# usage: setup.sh python|pueue|task-spooler
# Installs one of the programs beside which the daemon is measured, once per lock and outside the source tree. The last line
# on stdout is the directory of its programs. Python's come from PyPI by hash, pueue from crates.io by its own lock file,
# task-spooler from Debian's archive, unpacked without being installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/orchestrator-bench
# shellcheck source=pins.sh
source "$here/pins.sh"

need() {
  if ! command -v "$1" >/dev/null; then
    echo "setup.sh: $1 is missing: $2" >&2
    exit 1
  fi
}

python() {
  need python3 "Flask, gunicorn and huey run on it (Debian: apt-get install python3-venv)"
  # An environment can't be moved: it is made where it stays.
  python3 -m venv "$1" >&2
  "$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/python/requirements.txt" >&2
}

pueue() {
  need cargo "it builds pueue"
  cargo install --quiet --locked --root "$1" "pueue@$PUEUE" >&2
}

task_spooler() {
  need apt-get "task-spooler is taken from Debian"
  need dpkg-deb "task-spooler is taken from Debian"
  mkdir -p "$1/package"
  (cd "$1/package" && apt-get -qq -o APT::Sandbox::User=root download "task-spooler=$TASK_SPOOLER" >&2)
  dpkg-deb -x "$1"/package/*.deb "$1"
  mv "$1/usr/bin" "$1/bin"
  rm -rf "$1/package"
}

case ${1:-} in
  python) lock=$(python3 --version 2>/dev/null; cat "$here/python/requirements.txt") ;;
  pueue) lock=$PUEUE ;;
  task-spooler) lock=$TASK_SPOOLER ;;
  *)
    echo "usage: setup.sh python|pueue|task-spooler" >&2
    exit 2
    ;;
esac
installed=$cache/$1-$(sha256sum <<<"$lock" | cut -c1-16)

if [ ! -e "$installed/complete" ]; then
  mkdir -p "$cache"
  exec 9>"$installed.lock"
  flock 9
  # Whoever held the lock may have installed it meanwhile.
  if [ ! -e "$installed/complete" ]; then
    rm -rf "$installed"
    "${1//-/_}" "$installed"
    touch "$installed/complete"
  fi
fi
echo "$installed/bin"
