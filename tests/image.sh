#!/usr/bin/env bash
# usage: tests/image.sh [IMAGE]
# Builds the image (or takes one) and puts it through deploy/compose.yaml: set up, healthy, confined, a session with the
# real Claude CLI and the loopback model, a container that is restarted in mid-run, a clean end. Needs docker with its
# compose plugin; where no registry of images can be reached, tests/image/bases.sh first. Minutes long, so no part of CI's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TOOLS=$(tests/e2e/setup.sh tools)
IMAGE=${1:-orchestrator}
scratch=$(mktemp -d)
PROJECT_DIR=$scratch/project
export TOOLS IMAGE PROJECT_DIR
compose() {
  docker compose --project-name "orchestrator-test-$$" --env-file /dev/null \
    --file deploy/compose.yaml --file tests/image/compose.yaml "$@"
}
inside() { compose exec --no-TTY orchestrator "$@" </dev/null; }
tell() { inside orchestrator "$@"; }
container() { docker inspect --format "$1" "$(compose ps --all --quiet orchestrator)"; }
status() { tell status --json | jq -r "$1"; }

ended() {
  local code=$?
  if [ "$code" != 0 ]; then compose logs --tail 30 >&2 || true; fi
  compose --profile tls down --volumes --timeout 1 >"$scratch/down.log" 2>&1 || cat "$scratch/down.log" >&2
  rm -rf "$scratch"
  exit "$code"
}
trap ended EXIT

# is WHAT WANTED FOUND
is() {
  [ "$2" = "$3" ] || { printf 'FAILED: %s\n  wanted: %s\n  found:  %s\n' "$1" "$2" "$3" >&2; exit 1; }
  printf 'ok    %s: %s\n' "$1" "$3"
}
# becomes WHAT WANTED COMMAND…
becomes() {
  local what=$1 wanted=$2 deadline=$((SECONDS + 120)) found
  shift 2
  until found=$("$@" 2>/dev/null) && [ "$found" = "$wanted" ]; do
    [ "$SECONDS" -lt "$deadline" ] || break
  done
  is "$what" "$wanted" "$found"
}

task() {
  printf '# Tasks\n\n## Task 1: %s\n**Claude Instruction:**\nPlease %s.\n' "$1" "$2" >"$PROJECT_DIR/orchestrator_tasks/$3.md"
  chmod a+r "$PROJECT_DIR/orchestrator_tasks/$3.md"
}

# The image's user owns the project; an image that is given has the usual one.
owner=$(id -u)
mkdir "$PROJECT_DIR"
chmod 755 "$scratch"
if [ "$owner" = 0 ]; then
  owner=1000
  chown "$owner:$owner" "$PROJECT_DIR"
fi
if [ $# = 0 ]; then docker build --build-arg "UID=$owner" --tag "$IMAGE" .; fi

echo "== set up"
compose run --rm --no-deps orchestrator init
is "today's task file belongs to the project's owner" "$owner" "$(stat --format %u "$PROJECT_DIR"/orchestrator_tasks/*.md)"
compose up --detach --wait --wait-timeout 120 orchestrator
compose up --detach model

echo "== confined"
is "health" healthy "$(container '{{.State.Health.Status}}')"
is "process 1" "tini -- orchestrator serve" "$(inside sh -c "tr '\0' ' ' </proc/1/cmdline | sed 's/ $//'")"
is "user" "$owner" "$(inside id -u)"
is "capabilities" 0000000000000000 "$(inside sed -n 's/^CapBnd:\t//p' /proc/self/status)"
is "new privileges" 1 "$(inside sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)"
is "its own files" "read-only" "$(inside sh -c 'touch /usr/bin/x 2>/dev/null && echo writable || echo read-only')"
is "the secret's file" 600 "$(inside stat --format %a /data/.env)"
is "secrets in what an inspection shows" 0 "$(docker inspect "$(compose ps --quiet orchestrator)" | grep --count WEBHOOK_SECRET || true)"
address=$(compose port orchestrator 5000)
is "published on" 127.0.0.1 "${address%:*}"
is "asked from the host without the secret" 401 \
  "$(curl --silent --output "$scratch/answer" --write-out '%{http_code}' --json '{}' "http://$address/status")"

echo "== a session with $(inside claude --version)"
task "Write a letter" write-the-letter letter
tell start letter.md >"$scratch/said"
tell approve >"$scratch/said"
becomes "the session" completed status .status
is "the letter" "dear Ann" "$(cat "$PROJECT_DIR/letter.txt")"
is "the letter's owner" "$owner" "$(stat --format %u "$PROJECT_DIR/letter.txt")"

echo "== a container that is restarted in mid-run"
task "Wait" wait-for-ever wait
tell start wait.md >"$scratch/said"
tell approve >"$scratch/said"
becomes "the run works" yes sh -c "test -e '$PROJECT_DIR/waiting' && echo yes"
is "the session" running "$(status .status)"
compose restart orchestrator
becomes "afterwards" waiting_approval status .status
is "it asks what to do with a run that was" interrupted "$(status .gate.kind)"
tell status
tell stop

echo "== the end"
compose stop orchestrator
is "exit code" 0 "$(container '{{.State.ExitCode}}')"
echo "== size"
docker history --format '{{.Size}}\t{{.CreatedBy}}' "$IMAGE" | grep --invert-match '^0B' | cut -c1-100
printf 'all of it in %d s\n' "$SECONDS"
