#!/bin/sh
# The harness's stand-in for the Claude CLI. It obeys the lines of its prompt that begin with "harness", and bears witness in
# a file that the daemon doesn't know: which run this is, that no other is alive (the kernel's word, by a lock that all its
# processes inherit), what it is about to charge, and that it has.
set -eu

witness=$HARNESS_FOLDER/witness
say() {
  printf '%s\n' "$*" >>"$witness"
  sync -d "$witness"
}

resumed=
for argument in "$@"; do
  case $argument in --resume*) resumed=yes ;; esac
done
# …/SESSION/task-N-run-M.prompt.md
prompt=$(readlink "/proc/$$/fd/0")
folder=${prompt%/*} name=${prompt##*/}
session=${folder##*/} number=${name##*-}
task=${name#task-}
run="$ORCHESTRATOR_RUN $session ${task%%-*} ${number%%.*}"

exec 9>>"$HARNESS_FOLDER/lock"
flock -n 9 || say overlap "$run" $$
say start "$run" $$

# charges COST SUBTYPE IS_ERROR REASON WORDS
charges() {
  say bill "$run" "$1" "$2"
  printf '{"type":"result","subtype":"%s","is_error":%s,"terminal_reason":"%s","total_cost_usd":%s,%s,"num_turns":1,"permission_denials":[],"usage":{"input_tokens":1,"output_tokens":1},"modelUsage":{}}\n' "$2" "$3" "$4" "$1" "$5"
  say end "$run" "$1" "$2"
}

printf '{"type":"system","subtype":"init","session_id":"00000000-0000-4000-8000-%012d","model":"stand-in","tools":[],"mcp_servers":[]}\n' $$
if [ -n "$resumed" ]; then
  charges 0.03125 success false completed '"result":"Done after all."'
  exit 0
fi
while read -r who does value; do
  [ "$who" = harness ] || continue
  case $does in
    naps) sleep "$value" ;;
    leaves) setsid sleep "$value" & ;;
    succeeds)
      charges "$value" success false completed '"result":"Done."'
      exit 0
      ;;
    fails)
      charges "$value" error_max_turns true max_turns '"errors":["Reached the limit of turns"]'
      exit 1
      ;;
    vanishes) exit "$value" ;;
  esac
done
