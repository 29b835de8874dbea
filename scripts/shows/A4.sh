#!/usr/bin/env bash
# kill -9 of a, of b and of the agent in mid-push: nothing acknowledged is lost, nothing is deduplicated against nothing.
# A4_ROUNDS: rounds of killing the agent (default 50). A4_SEED: of the moments and contents.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A4 "kill -9 at any moment"

rounds=${A4_ROUNDS:-50}
seed=${A4_SEED:-$(date +%s)}
site_bytes=${A4_SITE_BYTES:-536870912}
RANDOM=$((seed % 32768))
say "seed $seed"
need_free $((rounds * 120000000 + site_bytes * 14))
lab_up lab

progress() { t status --json | jq '.vaults[0].committed_sequence'; }
has_moved() { [ "$(progress)" -gt "$1" ]; }

kill_site() {
  local site=$1 start pid
  title "kill -9 of primary $site in mid-push"
  random "$site_bytes" "A4-$seed-$site" >"$work/big"
  start=$(progress)
  t push --name "big-$site" "$work/big" --json >"$work/push.json" 2>"$work/push.err" &
  pid=$!
  wait_for 60 "some of it is committed" has_moved $((start + 5))
  lab_kill "$site"
  wait_for 30 "the push names the site" file_says "$work/push.err" "waiting for primary $site: .*since"
  ok "it says: $(grep -m 1 "waiting for primary $site" "$work/push.err")"
  sleep 2
  kill -0 "$pid" 2>/dev/null || fail "the push ended without primary $site: $(cat "$work/push.err")"
  ok "it waits"
  lab_start "$site"
  wait "$pid" || fail "the push exited $? after $site was back: $(cat "$work/push.err")"
  ok "$site is started again: the push exits 0"
  wait_for 60 "site $site is level" site_is_level "$site"
  for from in a b w; do
    wait_for 60 "site $from is level" site_is_level "$from"
    restore_equals "big-$site" "$work/big" --from "$from"
  done
  ok "it restores from a, b and w"
  rm -f "$work/big"
}
kill_site a
kill_site b

title "$rounds rounds: kill -9 of the agent at random moments, three pushes running"
# Contents are pieces: some fresh, some that other pushes have too (now, or in a round before that was
# cut off), so that a chunk index that ran ahead of the log would be caught.
piece_bytes=4194304
piece() { random "$piece_bytes" "A4-$seed-piece-$1"; }
contents() {
  local round=$1 push=$2
  piece "shared-$((round % 5))"
  piece "fresh-$round-$push"
  piece "fresh-$((round > 1 ? round - 1 : round))-$(((push + 1) % 3))"
  piece "both-$round"
}
acknowledged=$work/acknowledged
: >"$acknowledged"
kept=0
lost_pushes=0

verify_push() {
  local name=$1 version=$2 want=$3 got
  shift 3
  got=$(t restore "$name@$version" -o - "$@" | sum) || fail "restore $name@$version $* failed"
  [ "$got" = "$want" ] || fail "$name@$version $*: other bytes came back"
}

make_sources() {
  local push
  for push in 0 1 2; do contents "$1" "$push" >"$work/source-$push"; done
}
# Three pushes at once of round $1, in the background; $pids: theirs.
start_pushes() {
  local push
  pids=()
  for push in 0 1 2; do
    t push --name "r$1-$push" --idempotency-key "k$1-$push" "$work/source-$push" --json \
      >"$work/push-$push.json" 2>/dev/null &
    pids+=($!)
  done
}

# The moments are drawn from the time that three pushes take here.
usual_ms=10000
for ((round = -2; round <= 0; ++round)); do
  make_sources "$round"
  from=$(now)
  start_pushes "$round"
  wait "${pids[@]}"
  took_ms=$(milliseconds_since "$from")
  [ "$took_ms" -ge "$usual_ms" ] || usual_ms=$took_ms
done
say "three pushes take about $usual_ms ms"

for ((round = 1; round <= rounds; ++round)); do
  agent=$(pid_of agent)
  make_sources "$round"
  start_pushes "$round"
  moment=$(((RANDOM * 32768 + RANDOM) % (usual_ms + 1)))
  sleep "$(calculate "$moment / 1000")"
  kill -KILL "$agent"
  outcome=
  for push in 0 1 2; do
    code=0
    wait "${pids[$push]}" || code=$?
    want=$(sum <"$work/source-$push")
    if [ "$code" -eq 0 ]; then
      printf 'r%d-%d %d %s\n' "$round" "$push" "$(jq .version "$work/push-$push.json")" "$want" >>"$acknowledged"
      kept=$((kept + 1))
    else
      case $code in 69 | 75) ;; *) fail "a push whose agent was killed exited $code" ;; esac
      lost_pushes=$((lost_pushes + 1))
    fi
    outcome+=" $code"
  done
  wait_for 20 "the agent is gone" is_gone "$agent"
  lab_start agent || fail "the agent does not come back in round $round: $(tail -n 3 "$lab/agent/log")"
  # What was acknowledged in this round is there; what was not can be pushed again.
  while read -r name version want; do
    case $name in "r$round-"*) verify_push "$name" "$version" "$want" ;; esac
  done <"$acknowledged"
  for push in 0 1 2; do
    want=$(sum <"$work/source-$push")
    t push --name "r$round-$push" --idempotency-key "k$round-$push" "$work/source-$push" --json \
      >"$work/push.json" || fail "the retry of r$round-$push exited $?"
    again=$(jq .version "$work/push.json")
    known=$(awk -v name="r$round-$push" '$1 == name { print $2 }' "$acknowledged")
    if [ -n "$known" ] && [ "$known" != "$again" ]; then
      fail "r$round-$push: exited 0 as version $known, the same key gives version $again"
    fi
    [ -n "$known" ] || printf 'r%d-%d %d %s\n' "$round" "$push" "$again" "$want" >>"$acknowledged"
    verify_push "r$round-$push" "$again" "$want"
  done
  printf '  ok    round %d: after %d ms, exits%s\n' "$round" "$moment" "$outcome"
done
ok "$kept pushes had exited 0 before the kill, $lost_pushes were cut off"
# A few rounds are too few to judge the moments by.
[ "$lost_pushes" -ge "$rounds" ] || [ "$rounds" -lt 20 ] || fail "of $((rounds * 3)) pushes only $lost_pushes were cut off: this shows little"

title "all that ever exited 0 restores, from each site"
for from in a b w; do
  wait_for 120 "site $from is level" site_is_level "$from"
  while read -r name version want; do
    verify_push "$name" "$version" "$want" --from "$from"
  done <"$acknowledged"
  ok "$(wc -l <"$acknowledged") versions from $from"
done
t verify --deep >/dev/null || fail "verify --deep exited $?"
ok "verify --deep"
shown
