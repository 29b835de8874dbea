#!/usr/bin/env bash
# each health code from a real cause: status, --check, /readyz and the hint agree
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D7 "health codes"
seen=()

# expect CODE SEVERITY CHECK-EXIT READY(200|503): within 40 s
expect() {
  local code=$1 severity=$2 exit=$3 ready=$4 got
  wait_for 40 "$code ($severity)" says "$code" "$severity"
  got=0
  t status --check >"$work/check" || got=$?
  [ "$got" = "$exit" ] || fail "$code: status --check exits $got, not $exit: $(cat "$work/check")"
  jq -e --arg code "$code" '.health.codes[] | select(.code == $code) | .hint | length > 10' "$work/status" >/dev/null ||
    fail "$code has no hint"
  [ "$severity" = info ] || grep -q "$code" "$work/check" || fail "$code is not in the line of --check"
  if [ "$ready" != - ]; then
    wait_for 5 "$code: /readyz is $ready" ready_is "$ready"  # its snapshot may be half a second old
    [ "$ready" = 200 ] || grep -q "$code" "$work/ready" || fail "/readyz does not name $code: $(cat "$work/ready")"
  fi
  seen+=("$code")
  ok "$code: $severity, --check $exit, /readyz $ready"
}
says() {
  t status --json >"$work/status" 2>/dev/null &&
    jq -e --arg code "$1" --arg severity "$2" 'any(.health.codes[]; .code == $code and .severity == $severity)' "$work/status" >/dev/null
}
ready_is() { [ "$(curl -s -o "$work/ready" -w '%{http_code}' "$TIDEMARK_STATUS_URL/readyz")" = "$1" ]; }
is_well() { t status --check >/dev/null; }
configure() { sed -i "$1" "$lab/agent/agent.toml"; }
restart_agent() {
  lab_stop agent
  lab_start agent
}

title "an agent that is well"
lab_up lab
random 200000000 D7 >"$work/file"
t push --wait all --name one "$work/file" >/dev/null
wait_for 30 "status --check exits 0" is_well
expect SITES_SHARE_HOST info 0 200

title "sites go away"
lab_kill w
expect WITNESS_DOWN warn 1 200
lab_start w
wait_for 30 "it is well again" is_well
lab_kill b
expect PRIMARY_DOWN error 2 503
lab_start b
wait_for 30 "it is well again" is_well

title "an RPO of 30 s with the witness away: first the warning, then the breach"
configure 's/^rpo_target_seconds = .*/rpo_target_seconds = 30/'
restart_agent
wait_for 30 "it is well again" is_well
lab_kill w
began=$(now)
expect RPO_AT_RISK warn 1 200
warned=$(since "$began")
expect RPO_MISSED error 2 200
missed=$(since "$began")
ok "warned after $warned s, missed after $missed s of 30 s"
holds "$warned < $missed - 5" || fail "the warning came too late to be one"
lab_start w
wait_for 30 "it is well again" is_well

title "an agent that begins without a primary"
lab_stop agent
lab_kill a
configure 's/^rpo_target_seconds = .*/rpo_target_seconds = 900/'
lab_start agent
expect VAULT_OPENING warn 2 503
lab_start a
wait_for 30 "it is well again" is_well

title "a tier that is too small"
printf 'tier = "S1"\n' >>"$lab/agent/agent.toml"
restart_agent
(for i in 1 2 3 4; do random 150000000 "D7$i" | t push --name "big$i" - >/dev/null; done) &
pushing=$!
expect TIER_EXCEEDED warn 1 200
wait "$pushing"
wait_for 30 "it is well again" is_well
printf 'tier_enforced = true\n' >>"$lab/agent/agent.toml"
restart_agent
began=$(now)
random 120000000 D7x | t push --name enforced - >/dev/null
took=$(since "$began")
ok "S1 enforced: 7,360 I/Os in $took s, that is $(calculate "7360 / $took") a second of 1500 and a second's worth"
holds "$took >= 3.5" || fail "the tier is not enforced"

title "sites that share a machine without leave; a port that is taken"
configure 's/^allow_same_host = true/allow_same_host = false/'
restart_agent
expect SITES_SHARE_HOST error 2 200
configure 's/^allow_same_host = false/allow_same_host = true/'
restart_agent
lab_stop agent
port=${TIDEMARK_STATUS_URL##*:}
python3 -c "
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', $port)); s.listen(); print('taken', flush=True); time.sleep(300)" >"$work/taken" &
squatter=$!
wait_for 10 "the port is taken" test -s "$work/taken"
"$bin" agent run --config "$lab/agent/agent.toml" >>"$lab/agent/log" 2>&1 &
echo $! >"$lab/agent/pid"
expect STATUS_PORT warn 1 -
t push --name beside "$work/check" >/dev/null || fail "a port that is taken stops pushes"
kill "$squatter"
wait_for 30 "the port is had after all" is_well

say "${#seen[@]} causes here: ${seen[*]}"
say "SITE_DAMAGED, SITE_BAD_BLOCKS: show B3 and tests/faults/damage_test.sh; SITE_FULL: full_disk_test.sh;"
say "FENCED, VAULT_FENCED: processes_test.sh; the rest by report_test, from their figures"
shown
