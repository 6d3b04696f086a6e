#!/usr/bin/env bash
# Boots a real systemd as PID 1, in namespaces of its own on a throw-away copy of a Debian root, and plays an operator's
# life with the service in it: tests/deploy/scenario.sh. Needs root, and Debian's debootstrap for the first run.
#
# usage: tests/deploy.sh [SUITE]        trixie (systemd 257) by default; bookworm (252) is the oldest that will do
#        tests/deploy.sh --prepare      only makes the Debian root
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prepare_only=''
[ "${1:-}" != --prepare ] || { prepare_only=yes && shift; }
readonly SUITE=${1:-trixie}
readonly PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,ca-certificates,curl,git,man-db,procps,sqlite3,sudo,util-linux
cache=${XDG_CACHE_HOME:-$HOME/.cache}/orchestrator-tests
root=$cache/root-$SUITE
binary=${DEPLOY_BINARY:-target/debug/orchestrator}

unable() {
  echo "left out: $*"
  exit 0
}

[ "$(id -u)" = 0 ] || unable "only root can boot a systemd"
unshare --mount --pid --uts --ipc --net --cgroup --fork true 2>/dev/null || unable "namespaces can't be made here"
cgroups=$(findmnt --noheadings --types cgroup2 --output TARGET | head -n 1)
cgroup=$cgroups/orchestrator-test-$$
mkdir "$cgroup" 2>/dev/null || unable "no cgroup can be made here"

scratch=$(mktemp -d)
booted=''
clean_up() {
  [ -z "$booted" ] || kill -KILL "$booted" 2>/dev/null || true
  [ -z "$booted" ] || wait "$booted" 2>/dev/null || true
  # A cgroup is busy until the kernel has buried the last of its processes.
  for _ in $(seq 100); do
    [ -e "$cgroup" ] || break
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
  done
  rm -rf "$scratch"
}
trap clean_up EXIT

debian() {
  [ ! -e "$root/installed" ] || return 0
  command -v debootstrap >/dev/null || apt-get install -qy --no-install-recommends debootstrap
  rm -rf "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$root" >"$scratch/debootstrap.log" 2>&1 || {
    tail -n 20 "$scratch/debootstrap.log" >&2
    exit 1
  }
  rm -rf "$root"/var/cache/apt/archives/*.deb
  touch "$root/installed"
}

# Everything that the box needs from here: the archive as it is released, and the real CLI behind a scripted model.
kit() {
  local kit=$scratch/kit tools
  mkdir "$kit"
  cp deploy/install.sh deploy/*.service deploy/*.conf tests/deploy/scenario.sh tests/deploy/fixtures.json "$kit/"
  cp "$binary" "$kit/orchestrator"
  tools=$(tests/e2e/setup.sh tools)
  ln -s "$tools/node_modules" "$scratch/tools"
}

# systemd is told that it is in a container, and finds what container managers prepare: see systemd.io/CONTAINER_INTERFACE.
boot() {
  (
    echo "$BASHPID" >"$cgroup/cgroup.procs"
    exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child --propagation private \
      bash -euc "$(declare -f into_the_box); into_the_box \"\$@\"" bash "$root" "$scratch" </dev/null >"$scratch/console" 2>&1
  ) &
  booted=$!
}

into_the_box() {
  local root=$1 scratch=$2 box=$2/box device
  mkdir "$box" "$scratch/changes"
  mount -t tmpfs tmpfs "$scratch/changes"
  mkdir "$scratch/changes/upper" "$scratch/changes/work"
  mount -t overlay overlay -o "lowerdir=$root,upperdir=$scratch/changes/upper,workdir=$scratch/changes/work" "$box"
  cd "$box"
  mkdir -p opt/tools root/kit old
  mount --bind "$scratch/tools/" opt/tools
  mount -o remount,bind,ro opt/tools
  cp -a "$scratch/kit/." root/kit
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs -o mode=755 tmpfs dev
  for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
  done
  mkdir dev/pts dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
  mount -t tmpfs -o mode=1777 tmpfs dev/shm
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  hostname box
  echo box >etc/hostname
  echo 127.0.0.1 localhost box >etc/hosts
  ip link set lo up
  pivot_root . old
  cd /
  umount -l old
  mount --make-rshared /
  exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console
}

inside() {
  nsenter --target "$(pgrep --parent "$booted" --exact systemd)" --all \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb "$@"
}

await_boot() {
  for _ in $(seq 200); do
    case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) return 0 ;; esac
    kill -0 "$booted" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$scratch/console" >&2
  echo "systemd doesn't come up" >&2
  exit 1
}

began=$SECONDS
debian
[ -z "$prepare_only" ] || exit 0
kit
boot
await_boot
inside systemctl --version | head -n 1
inside bash /root/kit/scenario.sh
printf 'all of it in %d s\n' $((SECONDS - began))
