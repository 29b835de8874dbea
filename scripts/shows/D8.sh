#!/usr/bin/env bash
# a clamped witness: the warning comes before the breach, policies act, databases are served before media
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D8 "predicted breaches, and who is served first"
target=${D8_TARGET:-40}
megabytes=${D8_MEGABYTES:-160}  # of each archive, for the fetch: together more than the agent's memory

# vault NAME CLASS [LINE...]
vault() {
  printf '\n[[vaults]]\nname = "%s"\nid = "%s"\nclass = "%s"\n' "$1" "$(openssl rand -hex 16)" "$2"
  shift 2
  if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi
}

lab_up lab
lab_stop agent
sed -i "s/^rpo_target_seconds = .*/rpo_target_seconds = $target/" "$lab/agent/agent.toml"
{
  vault media media
  vault slow database "rpo_target_seconds = $target" 'rpo_policy = "throttle"'
  vault gate database "rpo_target_seconds = $target" 'rpo_policy = "refuse"'
} >>"$lab/agent/agent.toml"
lab_start agent
random 20000000 D8 >"$work/file"
for each in default media slow gate; do t push --wait all --vault "$each" --name first "$work/file" >/dev/null; done
[ "$(t status --json | jq '.vaults[1].rpo_target_seconds')" = 3600 ] || fail "media has no target of an hour"
ok "targets: the default vault (set to) $target s, class media 3600 s"

# row VAULT FIELD: of the witness
row() { t status --json | jq -r --arg vault "$1" ".vaults[] | select(.name == \$vault) | .sites[] | select(.name == \"w\") | $2"; }
of() { t status --json | jq -r --arg vault "$1" ".vaults[] | select(.name == \$vault) | $2"; }
has_code() { t status --json | jq -e --arg code "$1" 'any(.health.codes[]; .code == $code)' >/dev/null; }
admits() { [ "$(of "$1" .admission)" = "$2" ]; }
# Seconds that a push of so many new bytes to a vault takes.
push_takes() {
  local from
  from=$(now)
  random "$2" "$1-$from" | t push --vault "$1" --name fresh - >/dev/null || fail "a push to $1 fails"
  since "$from"
}

title "the witness is clamped while pushes go on"
free_time=$(push_takes slow 16000000)
kill -STOP "$(pid_of w)"
began=$(now)
(for i in $(seq 400); do random 300000 "D8$i" | t push --name "live" - >/dev/null || break; sleep 0.2; done) &
pushing=$!
wait_for "$target" "the warning" has_code RPO_AT_RISK
warned=$(since "$began")
sleep 6  # by then what is foreseen rests on the clamp alone, not on the time before it
predicted=$(row default '.breach_in_seconds // 0')
due=$(calculate "$(since "$began") + $predicted")
say "warned after $warned s; a little later the breach is foreseen for $due s"
wait_for "$target" "the breach" has_code RPO_MISSED
missed=$(since "$began")
kill "$pushing" 2>/dev/null || true
ok "missed after $missed s; foreseen for $due s"
holds "$warned < $missed - 5" || fail "the warning came with the breach"
holds "$due - $missed < 6 && $missed - $due < 6" || fail "the prediction was off by more than 6 s"
if t status --json | jq -e 'any(.health.codes[]; (.code | startswith("RPO_")) and (.message | contains("vault media")))' >/dev/null; then
  fail "media is alarmed though its target is an hour"
fi
ok "media, whose target is an hour, is not alarmed: RPO $(row media .rpo_actual_seconds) s"

title "rpo_policy: alert lets pushes go on, throttle slows them down, refuse takes no new one"
t push --name still "$work/file" >/dev/null || fail "the policy alert holds a push back"
ok "alert: a push is taken"
admits slow throttled || fail "status does not say that slow is throttled: $(of slow .admission)"
has_code PUSHES_THROTTLED || fail "no PUSHES_THROTTLED"
slow_time=$(push_takes slow 16000000)
ok "throttle: 16 MB took $slow_time s, before $free_time s"
holds "$slow_time >= 3 && $slow_time < 20" || fail "throttle: 4 records take $slow_time s, a second lies between two"
admits gate refused || fail "status does not say that gate refuses: $(of gate .admission)"
has_code PUSHES_REFUSED || fail "no PUSHES_REFUSED"
exit=0
t push --json --vault gate --name no "$work/file" >"$work/answer" 2>/dev/null || exit=$?
[ "$exit" = 75 ] || fail "refuse: a push ends with $exit: $(cat "$work/answer")"
jq -e '.error | .code == "try_again" and .exit == 75 and (.message | contains("rpo_policy")) and (.hint | length > 10)' \
  "$work/answer" >/dev/null || fail "refuse: $(cat "$work/answer")"
ok "refuse: 75, $(jq -r .error.message "$work/answer")"
not_ready() { [ "$(curl -s -o "$work/ready" -w '%{http_code}' "$TIDEMARK_STATUS_URL/readyz")" = 503 ] && grep -q PUSHES_REFUSED "$work/ready"; }
wait_for 5 "/readyz says PUSHES_REFUSED" not_ready

title "the clamp is taken away"
kill -CONT "$(pid_of w)"
over() { ! has_code RPO_MISSED && ! has_code RPO_AT_RISK && admits slow open && admits gate open; }
wait_for 60 "the alarm is over" over
t push --vault gate --name yes "$work/file" >/dev/null || fail "refuse holds pushes back for ever"
ok "over, and pushes are taken again"

# race BYTES FROM: a film, then a database, while the witness stands still; then it is clamped. Sets film and
# database (bytes that it lacks), at_start, underway (of the film, while the database was on its way), at_end.
race() {
  local bytes=$1 state clamping lacks
  kill -STOP "$(pid_of w)"
  wait_for 20 "the witness is not connected" has_code WITNESS_DOWN  # nothing waits in sockets
  random "$bytes" "film$bytes" | t push --vault media --name film - >/dev/null
  random "$bytes" "database$bytes" | t push --name database - >/dev/null
  state=$(t status --json)
  film=$(pending media "$state")
  database=$(pending default "$state")
  clamp "$(pid_of w)" &
  clamping=$!
  underway=
  while true; do
    state=$(t status --json)
    lacks=$(pending default "$state")
    at_end=$(pending media "$state")
    [ "$lacks" -gt 0 ] || break
    [ "$lacks" -ge "$database" ] || underway=$at_end
  done
  wait_for 240 "the film is there too" film_is_there
  kill "$clamping"
  wait "$clamping" 2>/dev/null || true
  kill -CONT "$(pid_of w)"
}
pending() { jq --arg vault "$1" '[.vaults[] | select(.name == $vault) | .sites[] | select(.name == "w").pending_bytes] | add' <<<"$2"; }
film_is_there() { [ "$(row media .pending_bytes)" = 0 ]; }

title "the witness's bandwidth: pushed first, the film waits for the database"
for each in 1 2 3; do  # the database may pass between two looks
  race $((50000000 + each))
  [ -z "$underway" ] || break
done
[ -n "$underway" ] || fail "nobody saw the database on its way"
ok "from the agent's memory: with the database on its way, $(mib "$underway") of the film's $(mib "$film") were not there"
holds "$underway >= 0.9 * $film" || fail "the film was served beside the database"
race $((megabytes * 1000000))
ok "from the primaries' stores: with the database there, $(mib "$at_end") of the film's $(mib "$film") were not"
holds "$at_end >= 0.9 * $film" || fail "the film was fetched beside the database"
shown
