#!/usr/bin/env bash
# usage: bases.sh
# Makes the images that the Dockerfile begins with, for an engine that reaches no registry of images: Debian from Debian's
# own packages, as slim as the one it stands in for, and on it the Rust toolchain that is installed here. Needs root,
# debootstrap and docker; what is named like them already is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly DEBIAN=trixie
base() { sed -n "s/^FROM \($1:[^ ]*\).*/\1/p" Dockerfile | head -n 1; }
missing() { ! docker image inspect "$1" >/dev/null 2>&1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

debian() {
  local root=$scratch/debian
  debootstrap --variant=minbase "$DEBIAN" "$root" http://deb.debian.org/debian >&2
  printf 'path-exclude /usr/share/%s/*\n' doc groff info locale man >"$root/etc/dpkg/dpkg.cfg.d/docker"
  printf 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n' \
    >"$root/etc/apt/apt.conf.d/docker-clean"
  rm -rf "${root:?}"/{dev,var/cache/apt,var/lib/apt/lists,usr/share/{doc,groff,info,locale,man}}/*
  # Whoever this machine trusts, such as a proxy between it and the registries of packages.
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  fi
  tar --directory "$root" --create . | docker import --change 'CMD ["bash"]' - "$1"
}

rust() {
  local toolchain
  toolchain=$(rustc --print sysroot)
  mkdir -p "$scratch/rust/toolchain"
  cp --archive "$toolchain/bin" "$toolchain/lib" "$scratch/rust/toolchain/"
  cat >"$scratch/rust/Dockerfile" <<END
FROM $(base debian)
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev
COPY toolchain /usr/local/toolchain
END
  docker build --network host --tag "$1" "$scratch/rust"
}

for name in debian rust; do
  image=$(base "$name")
  if missing "$image"; then "$name" "$image"; fi
done
