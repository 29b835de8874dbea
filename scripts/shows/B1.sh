#!/usr/bin/env bash
# No acked byte is lost in the simulator: B1_SEEDS seeds (300000), over all cores
#
# Goes on where it was stopped: seeds of this commit that were played stand in B1_RESULTS.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true} # none is run
begin B1 "the simulated cluster keeps its invariants"

seeds=${B1_SEEDS:-300000}
first=${B1_FIRST:-1}
build release tidemark_sim_main
version=$(git -C "$root" rev-parse --short HEAD)
results=${B1_RESULTS:-$root/build/release/B1-$version.txt}

title "$seeds seeds from $first on, $(nproc) processes, results in $results"
code=0
"$root/build/release/tests/sim/tidemark_sim" --seeds="$seeds" --first="$first" --jobs="$(nproc)" \
  --keep-going --results="$results" --paths >"$work/figures" || code=$?
sed 's/^/  /' "$work/figures"

median() { sed -nE "s/^median seed:.* ([0-9]+) $1 .*/\1/p" "$work/figures"; }
check "violations" "$(sed -nE 's/.* ([0-9]+) violations.*/\1/p' "$work/figures")" -eq 0
check "exit code" "$code" -eq 0
check "seeds" "$(sed -nE 's/^([0-9]+) seeds,.*/\1/p' "$work/figures")" -ge "$seeds"
check "median I/O events" "$(sed -nE 's/^median seed: ([0-9]+) .*/\1/p' "$work/figures")" -ge 2000
check "median commits" "$(median commits)" -ge 20
check "median faults" "$(median faults)" -ge 5
shown
