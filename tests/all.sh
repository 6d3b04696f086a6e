#!/usr/bin/env bash
# Passes all tests on a fresh machine: installs the programs that they need beside Rust, then runs `cargo test`.
# What it can't install without being root, it names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
need() { command -v "$1" >/dev/null || missing+=("${@:2}"); }
need cc gcc libc6-dev
need curl curl
need git git
need g++ g++
need make make
need npm npm
need openssl openssl
need promtool prometheus
need zsh zsh
need fish fish
need man man-db
need c++ g++
need fiu-run fiu-utils
need debootstrap debootstrap
need shellcheck shellcheck
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "the tests need these first: ${missing[*]} (as Debian calls them)" >&2
    exit 1
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
fi

# A shell that starts this in the background has it ignore Ctrl-C, nohup a closed terminal, and our commands go by that.
exec env --default-signal=HUP,INT,QUIT cargo test --locked --no-fail-fast "$@"
