#!/usr/bin/env bash
# Reported lag and RPO never flatter, by the simulator's own truth
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true} # none is run
begin B4 "lag and RPO beside the truth"

build release tidemark_sim_main
code=0
"$root/build/release/tests/sim/tidemark_sim" --seeds="${B4_SEEDS:-20000}" --jobs="$(nproc)" \
  --keep-going >"$work/figures" 2>"$work/findings" || code=$?
sed 's/^/  /' "$work/figures"
check "reports below the truth" "$(grep -c '^seed [0-9]*: truthful lag' "$work/findings" || true)" -eq 0
check "looks at a report" "$(sed -nE 's/^lag: ([0-9]+) looks.*/\1/p' "$work/figures")" -gt 0
check "over-report beyond the heartbeat, p99 in ms, below" \
  "$(sed -nE 's/^lag: .* p99 < ([0-9]+) ms/\1/p' "$work/figures")" -le 50
check "exit code" "$code" -eq 0
shown
