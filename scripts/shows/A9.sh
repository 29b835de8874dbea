#!/usr/bin/env bash
# The simulated cluster: 1,000 seeds pass, one seed is one history, three deliberate bugs are found within 200 each.
# A9_SEEDS (default 1000), A9_BUG_SEEDS (default 200), A9_PRESET (default dev).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true}   # no lab here
begin A9 "the simulated cluster"

seeds=${A9_SEEDS:-1000}
bug_seeds=${A9_BUG_SEEDS:-200}
preset=${A9_PRESET:-dev}
# The flush before the ack, the epoch check, the index's commit rule. B2 plays the whole museum.
bugs=(ack-before-flush epoch-check-skipped index-row-before-commit)
jobs=$(nproc)

title "build ($preset, museum)"
build "$preset" tidemark_sim_main
build museum tidemark_sim_main
sim=$(find "$root/build/$preset" -name tidemark_sim -type f)
museum=$(find "$root/build/museum" -name tidemark_sim -type f)
ok "$(basename "$sim") of both"

title "$seeds seeds"
# Each process plays a part; the seeds are the same as of one process.
pids=()
part=$(((seeds + jobs - 1) / jobs))
for ((i = 0; i < jobs; ++i)); do
  "$sim" --first=$((1 + i * part)) --seeds="$part" >"$work/seeds-$i" 2>&1 &
  pids+=($!)
done
for ((i = 0; i < jobs; ++i)); do
  wait "${pids[$i]}" || fail "$(cat "$work/seeds-$i")"
  ok "$(cat "$work/seeds-$i")"
done

title "the same seed, the same trace"
for seed in 1 7 42; do
  "$sim" --seed="$seed" --trace | sha256sum >"$work/first"
  "$sim" --seed="$seed" --trace | sha256sum >"$work/second"
  same "$work/first" "$work/second" "seed $seed"
  ok "seed $seed: $(cut -c -16 "$work/first") twice"
done
[ "$("$sim" --seed=1 --trace | sha256sum)" != "$("$sim" --seed=2 --trace | sha256sum)" ] ||
  fail "two seeds have one trace"
ok "another seed has another one"

title "does it see bugs? the museum"
"$museum" --seeds=20 >/dev/null || fail "the museum build fails without a bug on display"
ok "without a bug on display it passes"
for bug in "${bugs[@]}"; do
  code=0
  "$museum" --seeds="$bug_seeds" --bug="$bug" >"$work/bug" 2>&1 || code=$?
  [ "$code" -ne 0 ] || fail "'$bug' is not found within $bug_seeds seeds"
  ok "$bug: $(grep -m 1 'seed' "$work/bug")"
done
shown
