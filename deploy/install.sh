#!/bin/sh
# Installs Orchestrator as a service of systemd, upgrades it in place, and removes it. docs/systemd.md tells the rest.
set -eu

usage() {
  cat <<'USAGE'
Installs Orchestrator as a service of systemd; called again, upgrades it. A live run goes on meanwhile.

  sudo ./install.sh --project DIR      install, or upgrade what is installed
  sudo ./install.sh --remove           stop it and take it away, but for its data
  sudo ./install.sh --remove --purge   and its configuration, database and logs

  --project DIR    the folder Claude works in; made if there is none [at first: /srv/orchestrator]
  --binary FILE    the program [default: orchestrator beside this script, or in ../target/release]
  --claude-user    let runs be a second user, who can't read what the daemon keeps (docs/isolation.md)
  --claude FILE    the Claude CLI [default: claude in the service's PATH, such as /usr/local/bin/claude]
  --root DIR       put the files under DIR instead of /, and start nothing: for packages
  --remove         pause, stop, and remove; configuration, database, logs and project stay
  --purge          with --remove: these too, but never the project
  --help           this text

Exit codes:
  0  done
  1  it can't be done, and what was there before is as it was, unless the message says otherwise
  2  the command line is wrong
USAGE
}

readonly NAME=orchestrator RUNNER=orchestrator-claude UNIT=orchestrator.service OLDEST_SYSTEMD=252
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root='' project='' binary='' claude='' runner='' remove='' purge='' scratch=''

say() { printf '%s\n' "$*"; }
note() { printf '%-8s%s\n' "$1" "$2"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
wrong() {
  printf 'error: %s\nCall it with --help for what it takes.\n' "$*" >&2
  exit 2
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --project | --binary | --claude | --root)
        if [ $# -lt 2 ] || [ -z "$2" ]; then wrong "$1 needs a value"; fi
        case $1 in
          --project) project=$2 ;;
          --binary) binary=$2 ;;
          --claude) claude=$2 ;;
          --root) root=$2 ;;
        esac
        shift
        ;;
      --claude-user) runner=$RUNNER ;;
      --remove) remove=yes ;;
      --purge) purge=yes ;;
      --help | -h) usage && exit 0 ;;
      *) wrong "$1 is nothing that this script knows" ;;
    esac
    shift
  done
  [ -z "$purge" ] || [ -n "$remove" ] || wrong "--purge goes with --remove"
  [ "$(id -u)" = 0 ] || fail "only root can do this: call it with sudo"
  [ -z "$root" ] || root=$(absolute "$root")
  places
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 1' HUP INT TERM
  [ -n "$root" ] || has_systemd
  if [ -n "$remove" ]; then uninstall; else install_or_upgrade; fi
}

# Where everything is. What is in a file or a command for the system itself is named without $root.
places() {
  program=/usr/local/bin/$NAME
  wrapper=/usr/local/sbin/orchestratorctl
  manuals=/usr/local/share/man/man1
  configuration=/etc/$NAME
  config=$configuration/config.toml
  secret=$configuration/credentials/WEBHOOK_SECRET
  state=/var/lib/$NAME
  logs=/var/log/$NAME
  unit=/etc/systemd/system/$UNIT
  dropin=$unit.d/10-project.conf
  runner_dropin=$unit.d/15-claude-user.conf
  home=/var/lib/$RUNNER
}

has_systemd() {
  [ -d /run/systemd/system ] ||
    fail "systemd doesn't run this machine; --root DIR puts the files in place without starting anything"
  version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge "$OLDEST_SYSTEMD" ] ||
    fail "systemd ${version:-of unknown version} is too old: the unit needs $OLDEST_SYSTEMD or later"
}

# --- install and upgrade ---------------------------------------------------------------------------------------------

install_or_upgrade() {
  [ ! -e "$root$runner_dropin" ] || runner=$RUNNER
  check_what_is_given
  make_users
  choose_project
  may_follow
  make_folders
  make_project
  make_configuration
  make_secret
  changed=''
  put_program
  put_unit
  put_wrapper
  if [ -n "$root" ]; then
    say "The files are in $root; nothing was started."
    return
  fi
  start
  tell_what_is_left
}

# Everything that can be told before anything is changed.
check_what_is_given() {
  if [ -z "$binary" ]; then
    for candidate in "$here/$NAME" "$here/../target/release/$NAME"; do
      [ ! -f "$candidate" ] || { binary=$candidate && break; }
    done
    [ -n "$binary" ] || fail "there is no program beside this script: build it with \`cargo build --release\`, or name it with --binary"
  fi
  binary=$(absolute "$binary")
  [ -f "$binary" ] || fail "there is no program $binary"
  new_version=$("$binary" --version 2>&1) || fail "$binary doesn't run here: $new_version"
  case $new_version in
    "$NAME "*) ;;
    *) fail "$binary is not $NAME: it calls itself \"$new_version\"" ;;
  esac
  for file in $UNIT claude-user.conf; do
    [ -f "$here/$file" ] || fail "$here/$file is missing: unpack the whole archive, and call the script from there"
  done
  if [ -n "$claude" ]; then
    claude=$(absolute "$claude")
    [ -x "$root$claude" ] || fail "$claude is no program: install the Claude CLI, or leave --claude out"
    plain --claude "$claude"
  fi
}

make_users() {
  if [ -n "$root" ] && [ ! -e "$root/etc/passwd" ]; then
    say "$root has no /etc/passwd: the users are left to whoever installs the files there"
    owner='' worker=''
    return
  fi
  make_user "$NAME" "$state" /usr/sbin/nologin
  # By number: under --root, the names are those of another system.
  owner=$(user_line "$NAME" | cut -d: -f3,4)
  worker=$owner
  [ -n "$runner" ] || return 0
  make_user "$RUNNER" "$home" /bin/bash
  worker=$(user_line "$RUNNER" | cut -d: -f3,4)
}

make_user() {
  if user_line "$1" >/dev/null; then
    note kept "user $1"
    return
  fi
  set -- "$1" --system --user-group --home-dir "$2" --no-create-home --shell "$3"
  [ -z "$root" ] || set -- "$@" --prefix "$root"
  useradd "$@" >"$scratch/useradd" 2>&1 || fail "can't make the user $1: $(cat "$scratch/useradd")"
  note made "user $1"
}

user_line() { grep "^$1:" "$root/etc/passwd"; }

# The folder that was named, else the configured one, else the usual one.
choose_project() {
  configured=$(sed -n 's/^project_dir *= *"\(.*\)".*/\1/p' "$root$config" 2>/dev/null || true)
  case $configured in '' | /*) ;; *) configured=$configuration/$configured ;; esac
  project=$(absolute "${project:-${configured:-/srv/$NAME}}")
  plain --project "$project"
  [ -z "$configured" ] || [ "$project" = "$(absolute "$configured")" ] ||
    fail "$config names another project, $configured: change project_dir there (and tasks_dir, daily_dir), then call this again"
  case $project in
    / | /etc | /usr | /var | /home | /root | "$state" | "$logs" | "$configuration")
      fail "$project can't be the project: Claude may write everything in it" ;;
  esac
}

# A program that doesn't know the schema of the database must not take the place of one that does.
may_follow() {
  [ -z "$root" ] && [ -e "$state/orchestrator.db" ] && [ -e "$config" ] || return 0
  install -m 0755 "$binary" "$scratch/$NAME"
  chmod 0755 "$scratch"
  as_service "$scratch/$NAME" doctor --json >"$scratch/doctor" 2>/dev/null || true
  if grep -q 'written by a newer version' "$scratch/doctor"; then
    fail "$new_version is older than what is installed: the database $state/orchestrator.db was written by a newer version. \
Nothing was changed; install that version or a later one, or go back to a backup made with this one (docs/backup.md)"
  fi
}

make_folders() {
  folder 0750 "$configuration" "0:${owner#*:}"
  folder 0700 "$configuration/credentials" 0:0
  folder 0700 "$state" "$owner"
  folder 0700 "$logs" "$owner"
  [ -z "$runner" ] || folder 0700 "$home" "$worker"
}

# The project belongs to whoever made it. One that there wasn't belongs to whoever works in it.
make_project() {
  whose=${runner:-$NAME}
  [ -d "$root$project" ] || folder 0755 "$project" "$worker"
  if [ -z "$root" ] && ! runuser -u "$whose" -- test -w "$project" -a -x "$project"; then
    fail "the user $whose can't write $project, where Claude is to work. Let it:
  setfacl -R -m u:$whose:rwX,d:u:$whose:rwX '$project'
  setfacl -m u:$whose:x '$(dirname "$project")'
and call this again; or clone the project for the service, and name that folder:
  sudo install -d -o $whose -g $whose /srv/project && sudo -u $whose git clone URL /srv/project"
  fi
  if [ -z "$root" ] && ! runuser -u "$NAME" -- test -r "$project" -a -x "$project"; then
    fail "the user $NAME can't read $project, whose changes it is to tell. Let it, and call this again:
  setfacl -R -m u:$NAME:rX,d:u:$NAME:rX '$project'"
  fi
  # What a run can write is no place for what the next runs are told.
  if [ -n "$runner" ]; then
    tasks=$state/tasks daily=$state/daily_logs papers=$owner
  else
    tasks=$project/orchestrator_tasks daily=$project/daily_logs papers=$(owners "$root$project")
  fi
}

make_configuration() {
  if [ -e "$root$config" ]; then
    note kept "$config"
    return
  fi
  for path in "$tasks" "$daily"; do [ -d "$root$path" ] || folder 2770 "$path" "$papers"; done
  "$binary" init "$scratch/init" >"$scratch/said" 2>&1 || fail "\`$NAME init\` failed: $(cat "$scratch/said")"
  sed -e "s|^#project_dir = .*|project_dir = \"$project\"|" \
    -e "s|^#tasks_dir = .*|tasks_dir = \"$tasks\"|" \
    -e "s|^#daily_dir = .*|daily_dir = \"$daily\"|" \
    -e "s|^#logs_dir = .*|logs_dir = \"$logs\"|" \
    -e "s|^#database = .*|database = \"$state/orchestrator.db\"|" \
    "$scratch/init/config.toml" >"$scratch/config.toml"
  put "$scratch/config.toml" "$config" 0640 "0:${owner#*:}"
  example=$(find "$scratch/init/orchestrator_tasks" -name '*.md' | head -n 1)
  if [ -n "$example" ] && [ -z "$(find "$root$tasks" -name '*.md' | head -n 1)" ]; then
    put "$example" "$tasks/$(basename "$example")" 0660 "$papers"
  fi
}

make_secret() {
  if [ -z "$owner" ]; then
    say "No secret was made, for a package's would be everybody's: call this script where it is installed."
    return
  fi
  if [ -s "$root$secret" ]; then
    note kept "$secret"
    return
  fi
  [ -e "$scratch/init/.env" ] || "$binary" init "$scratch/init" >/dev/null 2>&1 || fail "\`$NAME init\` failed"
  (umask 077 && sed -n 's/^WEBHOOK_SECRET=//p' "$scratch/init/.env" >"$scratch/secret")
  [ -s "$scratch/secret" ] || fail "\`$NAME init\` made no secret"
  put "$scratch/secret" "$secret" 0600 0:0
}

# The program before stays beside the new one, which takes its place in one step.
put_program() {
  if cmp -s "$binary" "$root$program"; then
    note kept "$program ($new_version)"
    return
  fi
  if [ -e "$root$program" ]; then
    ln -f "$root$program" "$root$program.previous" || fail "can't keep $program as $program.previous"
    back_up
  fi
  put "$binary" "$program" 0755 0:0
  changed=yes
  rm -rf "$scratch/man"
  if "$binary" man --dir "$scratch/man" >/dev/null 2>&1; then
    for page in "$scratch"/man/*.1; do put_quietly "$page" "$manuals/$(basename "$page")" 0644 0:0; done
  fi
}

# A newer program may bring the schema up to date, which the one before can't read any more.
back_up() {
  [ -z "$root" ] && [ -e "$state/orchestrator.db" ] || return 0
  copy=$state/before-upgrade.db
  rm -f "$copy"
  if as_service "$program" backup "$copy" >"$scratch/backup" 2>&1; then
    note copied "the database into $copy"
  else
    fail "the database can't be copied before the upgrade, which has not begun: $(cat "$scratch/backup")"
  fi
}

put_unit() {
  cp "$here/$UNIT" "$scratch/unit"
  write_dropin >"$scratch/dropin"
  set -- "$scratch/unit $unit" "$scratch/dropin $dropin"
  [ -z "$runner" ] || set -- "$@" "$here/claude-user.conf $runner_dropin"
  for pair; do
    file=${pair% *} target=${pair#* }
    if cmp -s "$file" "$root$target"; then
      note kept "$target"
      continue
    fi
    [ ! -e "$root$target" ] || cp "$root$target" "$scratch/$(basename "$target").before"
    put "$file" "$target" 0644 0:0
    changed=yes
  done
}

# What this machine adds to the unit: where Claude may write.
write_dropin() {
  say "# Written by install.sh; a file of your own beside it, such as 20-mine.conf, is left alone."
  say "[Service]"
  case $project/ in
    /home/* | /root/* | /run/user/*)
      say "ProtectHome=tmpfs"
      say "BindPaths=\"$project\"" ;;
    *) say "ReadWritePaths=\"$project\"" ;;
  esac
  [ -z "$claude" ] || remembered=$claude
  [ -n "$claude" ] || remembered=$(sed -n 's/^Environment=CLAUDE_CLI_PATH=//p' "$root$dropin" 2>/dev/null || true)
  [ -z "$remembered" ] || say "Environment=CLAUDE_CLI_PATH=$remembered"
}

# The commands, as the service would carry them out: with its user, its view of the files, its environment and its secret.
put_wrapper() {
  # As the unit grants them.
  rights=--inh-caps=-all
  [ -z "$runner" ] || rights='--inh-caps=-all,+setuid,+setgid,+kill --ambient-caps=-all,+setuid,+setgid,+kill'
  cat >"$scratch/wrapper" <<WRAPPER
#!/bin/bash
# Calls orchestrator with the user, the files, the environment and the credentials of the service; made by install.sh.
set -euo pipefail
[ "\$(id -u)" = 0 ] || { echo "error: only root can speak for the service: sudo orchestratorctl …" >&2 && exit 1; }
pid=\$(systemctl show --property MainPID --value $UNIT)
[ "\${pid:-0}" -gt 0 ] || { echo "error: the service doesn't run: systemctl start $NAME" >&2 && exit 4; }
terminal=(PATH TERM COLUMNS NO_COLOR)
for name in \$(compgen -e); do [[ " \${terminal[*]} " == *" \$name "* ]] || unset "\$name"; done
while IFS= read -r -d '' variable; do export "\${variable?}"; done <"/proc/\$pid/environ"
unset NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC
exec nsenter --target "\$pid" --mount -- setpriv --reuid $NAME --regid $NAME --init-groups $rights -- env -C $state $program --config $config "\$@"
WRAPPER
  put_quietly "$scratch/wrapper" "$wrapper" 0755 0:0
}

start() {
  systemctl daemon-reload
  systemctl enable --quiet "$UNIT"
  if systemctl is-active --quiet "$UNIT"; then
    [ -n "$changed" ] || { say "Nothing has changed; the service runs." && return; }
    say "Restarting; a live run goes on."
    verb=restart
  else
    systemctl reset-failed "$UNIT" 2>/dev/null || true
    verb=start
  fi
  if systemctl "$verb" "$UNIT" 2>"$scratch/start" && healthy; then
    note runs "$new_version"
    return
  fi
  journalctl --unit "$UNIT" --lines 15 --no-pager --output cat >"$scratch/journal" 2>/dev/null || true
  go_back
}

healthy() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    "$program" --config "$config" health >"$scratch/health" 2>&1 && return 0
    sleep 1
  done
  return 1
}

# What was there before is put back, if there was anything and it still runs.
go_back() {
  said="$new_version doesn't start:
$(cat "$scratch/health" "$scratch/start" "$scratch/journal" 2>/dev/null || true)"
  for file in "$unit" "$dropin"; do
    before=$scratch/$(basename "$file").before
    [ ! -e "$before" ] || put_quietly "$before" "$file" 0644 0:0
  done
  if [ -n "$changed" ] && [ -e "$program.previous" ]; then
    ln -f "$program.previous" "$program.back" && mv -f "$program.back" "$program"
    systemctl daemon-reload
    systemctl reset-failed "$UNIT" 2>/dev/null || true
    if systemctl restart "$UNIT" && healthy; then
      fail "$said
The version before was put back, and runs."
    fi
    fail "$said
The version before was put back, and doesn't run either. If the database was brought up to date for the new one, \
$state/before-upgrade.db is how it was (docs/backup.md)."
  fi
  fail "$said
What was installed stays: correct it, and call this again."
}

tell_what_is_left() {
  say ""
  "$wrapper" doctor || say "The lines above that begin with \"fail\" say what is still missing."
  say "
Claude's login for the service (asks for a browser, once):
  sudo -u ${runner:-$NAME} -H ${claude:-claude} auth login
or put a token made by \`claude setup-token\` into $configuration/environment (mode 0600, CLAUDE_CODE_OAUTH_TOKEN=…) and restart.

  systemctl status $NAME      how it is
  journalctl -u $NAME -f      what it says
  sudo orchestratorctl status         where the session stands (every command of \`orchestrator\`)"
}

# --- remove ----------------------------------------------------------------------------------------------------------

uninstall() {
  if [ -z "$root" ]; then
    pause
    systemctl disable --quiet --now "$UNIT" 2>/dev/null || true
    # Whatever a run may have left, if the daemon was not there to see to it.
    systemctl kill --signal=KILL "$UNIT" 2>/dev/null || true
  fi
  project=$(sed -n 's/^project_dir *= *"\(.*\)".*/\1/p' "$root$config" 2>/dev/null || true)
  rm -f "$root$unit" "$root$dropin" "$root$runner_dropin" "$root$wrapper" "$root$program" "$root$program.previous" "$root$program.back"
  rmdir "$root$unit.d" 2>/dev/null || true
  for page in "$root$manuals/$NAME.1" "$root$manuals/$NAME"-*.1; do rm -f "$page"; done
  note removed "the program, the unit, the manual and $wrapper"
  if [ -z "$root" ]; then
    systemctl daemon-reload
    systemctl reset-failed "$UNIT" 2>/dev/null || true
  fi
  if [ -z "$purge" ]; then
    note kept "$configuration, $state, $logs, and the users to whom they belong"
  else
    rm -rf "$root$configuration" "$root$state" "$root$logs" "$root$home"
    for user in "$NAME" "$RUNNER"; do
      [ -n "$root" ] || ! user_line "$user" >/dev/null || userdel "$user"
    done
    note removed "$configuration, $state, $logs, and the users to whom they belonged"
  fi
  [ -z "$project" ] || note kept "$project, which is the project's"
}

# Ends a live run so that it can go on where it was, should the daemon ever come back.
pause() {
  systemctl is-active --quiet "$UNIT" || return 0
  # With an error when no session is open, or the daemon doesn't answer: then there is nothing to pause.
  if "$wrapper" pause now >"$scratch/pause" 2>&1; then note paused "$(head -n 1 "$scratch/pause")"; fi
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    "$wrapper" status --json 2>/dev/null | grep -q '"state": *"running"' || return 0
    sleep 1
  done
  fail "the live run doesn't end: \`sudo orchestratorctl status\` shows it, \`sudo orchestratorctl stop\` ends its session. Nothing was removed"
}

# --- small things ----------------------------------------------------------------------------------------------------

# put FILE TARGET MODE OWNER: in one step, so that nobody ever sees half of it.
put() {
  put_quietly "$@"
  note made "$2"
}

put_quietly() {
  mkdir -p "$root$(dirname "$2")"
  new=$root$(dirname "$2")/.$(basename "$2").new
  if ! { cp "$1" "$new" && chmod "$3" "$new" && own "$4" "$new" && sync "$new" && mv -f "$new" "$root$2"; } 2>"$scratch/put"; then
    rm -f "$new"
    fail "can't write $root$2: $(cat "$scratch/put")"
  fi
}

folder() {
  mkdir -p "$root$2" || fail "can't make $root$2"
  own "$3" "$root$2"
  chmod "$1" "$root$2"
}

own() { [ -z "$owner" ] || chown "$1" "$2"; }
owners() { stat -c %u:%g "$1"; }

# What goes into files of TOML and systemd as it is.
plain() {
  case $2 in
    *[!A-Za-z0-9/._+@-]*) fail "$1 $2: a path with a blank or a sign other than / . _ + @ - can't be written into the unit" ;;
  esac
}

absolute() {
  case $1 in
    /*) printf '%s\n' "${1%/}" ;;
    *) printf '%s/%s\n' "$(pwd)" "${1%/}" ;;
  esac
}

# as_service PROGRAM ARGUMENT…: for what needs the configuration, and no secret.
as_service() {
  called=$1
  shift
  runuser -u "$NAME" -- env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$state" "$called" --config "$config" "$@"
}

main "$@"
