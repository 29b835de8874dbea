#!/usr/bin/env bash
# Under random failures the RPO shown is never below the truth, and the receipts prove the agent's own ledger.
# D1_SECONDS: how long (default 60; 3600 for the hour). D1_SEED: of what fails when. D1_SIM_SEEDS: simulated clusters
# besides, when D1_SIM names a tidemark_sim (default 200): there truth is known at every instant.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D1 "an RPO that is proved"

seconds=${D1_SECONDS:-60}
seed=${D1_SEED:-$(date +%s)}
RANDOM=$((seed % 32768))
say "seed $seed"
lab_up lab
began=$(date -u +%Y-%m-%dT%H:%M:%SZ)

pushes=0
# While a site is away, what is pushed is not there: its RPO is at least the age of the first such push.
push_one() {
  pushes=$((pushes + 1))
  random $((RANDOM * 20 + 1000)) "D1-$seed-$pushes" >"$work/source"
  t push --name "p$pushes" --timeout 60s "$work/source" >/dev/null 2>&1
}
captured() { t list "p$1" --json | jq -r '.[0].captured_at' | xargs -I{} date -d {} +%s.%N; }
looks=0
look_at() { # SITE SINCE: what is said of the site is no less than the time since then
  local shown at
  at=$(now)
  shown=$(t status --json | jq -r --arg site "$1" '.sites[] | select(.name == $site) | .rpo_actual_seconds // "unknown"')
  looks=$((looks + 1))
  [ "$shown" = unknown ] && return
  awk -v shown="$shown" -v at="$at" -v since="$2" 'BEGIN { exit !(shown >= at - since) }' ||
    fail "site $1: RPO shown as $shown s, but since $2 it lacks what was pushed (now $at)"
}

title "$seconds s of random failures, pushes all the time"
until_s=$((SECONDS + seconds))
failures=0
while [ "$SECONDS" -lt "$until_s" ]; do
  push_one || true
  case $((RANDOM % 5)) in
    0) # the witness dies
      lab_kill w
      first=$((pushes + 1))
      for _ in 1 2 3; do push_one; done
      since=$(captured "$first")
      for _ in 1 2 3 4 5; do look_at w "$since"; sleep 0.3; done
      lab_start w ;;
    1) # the link to the witness stands still
      pid=$(pid_of w)
      kill -STOP "$pid"
      first=$((pushes + 1))
      for _ in 1 2; do push_one; done
      since=$(captured "$first")
      for _ in 1 2 3 4 5; do look_at w "$since"; sleep 0.3; done
      kill -CONT "$pid" ;;
    2) # the agent dies
      lab_kill agent
      lab_start agent ;;
    3) # the witness is away while the agent starts again: what was proven before still counts
      lab_kill w
      first=$((pushes + 1))
      push_one
      since=$(captured "$first")
      lab_kill agent
      lab_start agent 2>/dev/null || true
      for _ in 1 2 3; do look_at w "$since"; sleep 0.3; done
      lab_start w ;;
    4) # a primary dies: pushes wait
      lab_kill b
      sleep 1
      lab_start b ;;
  esac
  failures=$((failures + 1))
done
ok "$pushes pushes, $failures failures, $looks looks: none below the truth"
for site in a b w; do wait_for 60 "site $site is level" site_is_level "$site"; done
sleep 6

title "the receipts prove what the agent says"
t rpo export --since "$began" "$work/export" >"$work/said" 2>&1 || fail "rpo export: $(cat "$work/said")"
ok "$(head -n 1 "$work/said")"
env -i "$bin" rpo-verify --full --json "$work/export" >"$work/verdict.json" ||
  fail "rpo-verify: $(jq -c .findings "$work/verdict.json")"
until=$(grep -oP '"until_nanos":\K[0-9]+' "$work/export/ledger.json") # jq would round it
jq -S .ledger "$work/verdict.json" >"$work/proved"
jq -S . "$work/export/ledger.json" >"$work/told"
same "$work/proved" "$work/told" || fail "$why"
ok "rpo-verify's ledger is the agent's, $(wc -c <"$work/export/ledger.json") bytes of it"
# Asked again for the same period, the agent says the same.
t rpo --json --since "$began" --until "$(date -u -d "@${until%?????????}.${until: -9}" +%Y-%m-%dT%H:%M:%S.%NZ)" |
  jq -S .ledger >"$work/again"
same "$work/proved" "$work/again" || fail "$why"
ok "and so it is when asked again"
jq -r '.ledger.vaults[].sites[] | "  site \(.site): worst RPO \(.rpo.worst_nanos / 1e9) s, unknown \(.unknown_nanos / 1e9) s"' \
  "$work/verdict.json"
ok "$(jq -r '"\(.receipts) receipts, \(.signatures_checked) signatures checked, gaps stated: \(.stated_gaps | length)"' "$work/verdict.json")"

if [ -n "${D1_SIM:-}" ]; then
  title "${D1_SIM_SEEDS:-200} simulated clusters, in which the truth is known"
  "$D1_SIM" --seeds="${D1_SIM_SEEDS:-200}" --jobs="$(nproc)" >"$work/sim" 2>&1 || fail "$(head -n 3 "$work/sim")"
  sed 's/^/  /' "$work/sim"
fi
shown
