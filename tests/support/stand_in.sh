#!/bin/sh
# A stand-in for the Claude CLI, for tests that need many rounds and nothing of the real one's own behaviour: it speaks
# stream-json and obeys the lines of its prompt that begin with "stand-in".
set -eu

session=00000000-0000-4000-8000-$(printf %012d $$)
resumed=
while [ $# -gt 0 ]; do
  case $1 in
    --version) echo "1.0.0 (stand-in)" && exit ;;
    --session-id=*) session=${1#*=} ;;
    --session-id) session=$2 && shift ;;
    --resume=*) session=${1#*=} resumed=yes ;;
    --resume) session=$2 resumed=yes && shift ;;
  esac
  shift
done

result() {
  printf '{"type":"result","subtype":"%s","is_error":%s,"terminal_reason":"%s","total_cost_usd":%s,"session_id":"%s",%s,"num_turns":1,"permission_denials":[],"usage":{"input_tokens":1,"output_tokens":1},"modelUsage":{}}\n' "$1" "$2" "$3" "$4" "$session" "$5"
}

printf '{"type":"system","subtype":"init","session_id":"%s","model":"stand-in","tools":[],"mcp_servers":[],"apiKeySource":"none"}\n' "$session"
while read -r who does first second; do
  [ "$who" = stand-in ] || continue
  case $does in
    waits)
      echo $$ >>"$first"
      until [ -e "$second" ]; do sleep 0.02; done
      ;;
    uses)
      printf '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"%s","input":{"command":"%s"}}]}}\n' "$first" "$second"
      ;;
    answers)
      for part in first last; do
        printf '{"type":"assistant","message":{"id":"%s","model":"stand-in","content":[{"type":"text","text":"The %s part."}],"usage":{"input_tokens":%s,"output_tokens":10}}}\n' "$first" "$part" "$second"
      done
      ;;
    dies) kill -9 $$ ;;
    limited)
      if [ ! -e "$second" ]; then
        touch "$second"
        resets=$(($(date +%s) + first))
        printf '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":%s,"rateLimitType":"five_hour"}}\n' "$resets"
        result success true api_error 0.25 '"result":"Claude usage limit reached","api_error_status":429'
        exit 1
      fi
      ;;
    exhausts)
      if [ ! -e "$second" ]; then
        touch "$second"
        result error_max_budget_usd true budget_exhausted "$first" '"errors":["Reached maximum budget"]'
        exit 1
      fi
      ;;
    runs) (. "$first") </dev/null || true ;;
    edits) echo "$second" >"$first" ;;
    ignores) trap '' "$first" ;;
    succeeds)
      result success false completed "$first" '"result":"Done."'
      exit 0
      ;;
    resists) trap '' TERM ;;
    fills) head -c "$second" /dev/zero >"$first" ;;
    babbles) head -c "$first" /dev/urandom ;;
    drones) head -c "$first" /dev/zero | tr '\0' x ;;
    fails)
      result error_max_turns true max_turns "$first" '"errors":["Reached the limit of turns"]'
      exit 1
      ;;
  esac
done
# A run that goes on with an earlier one is not told its instructions again.
if [ -n "$resumed" ]; then
  result success false completed 0 '"result":"Done after all."'
  exit 0
fi
echo "stand-in: the prompt says neither succeeds nor fails" >&2
exit 1
