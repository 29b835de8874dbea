#!/usr/bin/env bash
# with the witness clamped the warning comes before the breach, and says when it will be
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D8 "predicted breaches"
target=${D8_TARGET:-45}

lab_up lab
lab_stop agent
sed -i "s/^rpo_target_seconds = .*/rpo_target_seconds = $target/" "$lab/agent/agent.toml"
cat >>"$lab/agent/agent.toml" <<END

[[vaults]]
name = "media"
id = "$(openssl rand -hex 16)"
class = "media"
END
lab_start agent
random 20000000 D8 >"$work/file"
t push --wait all --name db "$work/file" >/dev/null
t push --wait all --vault media --name film "$work/file" >/dev/null
[ "$(t status --json | jq '.vaults[1].rpo_target_seconds')" = 3600 ] || fail "media has no target of an hour"
ok "targets: the default vault (set to) $target s, class media 3600 s"

# row VAULT FIELD: of the witness
row() { t status --json | jq -r --arg vault "$1" ".vaults[] | select(.name == \$vault) | .sites[] | select(.name == \"w\") | $2"; }
has_code() { t status --json | jq -e --arg code "$1" 'any(.health.codes[]; .code == $code)' >/dev/null; }

title "the witness is clamped while pushes go on"
kill -STOP "$(pid_of w)"
began=$(now)
(for i in $(seq 400); do random 300000 "D8$i" | t push --name "live" - >/dev/null || break; sleep 0.2; done) &
pushing=$!
wait_for "$target" "the warning" has_code RPO_AT_RISK
warned=$(since "$began")
predicted=$(row default '.breach_in_seconds // 0')
due=$(calculate "$warned + $predicted")
say "warned after $warned s: breach foreseen in $predicted s"
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

title "the clamp is taken away"
kill -CONT "$(pid_of w)"
over() { ! has_code RPO_MISSED && ! has_code RPO_AT_RISK; }
wait_for 60 "the alarm is over" over
ok "over"
shown
